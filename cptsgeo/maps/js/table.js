/* The map's twin: every unit in a table that sorts, filters and turns pages, built when it is opened; and the download of its rows. */
(function (cptsgeo) {
  "use strict";
  const PAGE = 50;

  cptsgeo.startTable = function (store, columns, words) {
    const { element, plain } = cptsgeo;
    const details = document.getElementById("cg-table");
    const body = document.getElementById("cg-table-body");
    const format = new Intl.NumberFormat(store.meta.lang);
    const collator = new Intl.Collator(store.meta.lang, { numeric: true });
    const state = { rows: Array.from({ length: store.rows }, (_, row) => row), page: 0, column: "insee_code", down: false };
    let built = null;

    function cell(column, row) {
      const value = store.text(column, row);
      if (value === null) return "–";
      return column === "population" ? format.format(value) : String(value);
    }

    function order() {
      const { column, down } = state;
      const sign = down ? -1 : 1;
      const values = state.rows.map((row) => store.text(column, row));
      const index = values.map((_, at) => at);
      const numeric = values.some((value) => typeof value === "number");
      index.sort((a, b) => {
        const x = values[a], y = values[b];
        if (x === y) return a - b;
        if (x === null) return 1;
        if (y === null) return -1;
        return sign * (numeric ? x - y : collator.compare(x, y)) || a - b;
      });
      state.rows = index.map((at) => state.rows[at]);
    }

    function filter(text) {
      const wanted = plain(text);
      const keep = (row) => !wanted || columns.some(([column]) => typeof store.text(column, row) === "string" && plain(store.text(column, row)).includes(wanted));
      state.rows = [];
      for (let row = 0; row < store.rows; row++) if (keep(row)) state.rows.push(row);
      order();
      state.page = 0;
      fill();
    }

    function fill() {
      const from = state.page * PAGE;
      const rows = state.rows.slice(from, from + PAGE);
      built.body.replaceChildren(...rows.map((row) => {
        const line = element("tr");
        for (const [column] of columns) {
          const data = element(column === "name" ? "th" : "td");
          if (column === "name") {
            data.scope = "row";
            const link = element("a");
            link.append(element("bdi", cell(column, row)));
            link.href = "#insee=" + encodeURIComponent(store.value("insee_code", row));
            data.append(link);
          } else {
            data.append(element("bdi", cell(column, row)));
          }
          if (column.startsWith("population")) data.className = "cg-number";
          line.append(data);
        }
        return line;
      }));
      built.range.textContent = words.range.replace("{from}", format.format(rows.length ? from + 1 : 0))
        .replace("{to}", format.format(from + rows.length)).replace("{total}", format.format(state.rows.length));
      built.previous.disabled = state.page === 0;
      built.next.disabled = from + PAGE >= state.rows.length;
      for (const [column, head] of built.heads) {
        head.setAttribute("aria-sort", column === state.column ? (state.down ? "descending" : "ascending") : "none");
      }
    }

    function csv() {
      const quote = (text) => `"${(/^[=+\-@\t\r]/.test(text) ? "'" + text : text).replace(/"/g, '""')}"`;
      const separator = store.meta.lang === "fr" ? ";" : ",";
      const lines = [columns.map(([, label]) => quote(label)).join(separator)];
      for (const row of state.rows) {
        lines.push(columns.map(([column]) => {
          const value = store.text(column, row);
          return value === null ? "" : typeof value === "number" ? String(value) : quote(value);
        }).join(separator));
      }
      const link = element("a");
      link.href = URL.createObjectURL(new Blob(["\ufeff" + lines.join("\r\n") + "\r\n"], { type: "text/csv" }));
      link.download = "communes.csv";
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    }

    function turn(step) {
      state.page += step;
      fill();
    }

    function button(text, action) {
      const made = element("button", text);
      made.type = "button";
      made.addEventListener("click", action);
      return made;
    }

    function build() {
      const tools = element("div", undefined, "cg-tools");
      const label = element("label", words.filter + " ");
      const input = element("input");
      input.type = "search";
      input.addEventListener("input", () => filter(input.value));
      label.append(input);
      const range = element("span", "", "cg-range");
      range.setAttribute("role", "status");
      const previous = button(words.previous, () => turn(-1));
      const next = button(words.next, () => turn(1));
      tools.append(label, previous, range, next);
      const table = element("table");
      const head = element("tr");
      const heads = columns.map(([column, text]) => {
        const made = element("th");
        made.scope = "col";
        made.append(button(text, () => {
          state.down = state.column === column ? !state.down : column === "population";
          state.column = column;
          state.page = 0;
          order();
          fill();
        }));
        head.append(made);
        return [column, made];
      });
      const top = element("thead");
      top.append(head);
      const rows = element("tbody");
      table.append(top, rows);
      const scroll = element("div", undefined, "cg-scroll");
      scroll.tabIndex = 0;
      scroll.setAttribute("role", "region");
      scroll.setAttribute("aria-label", details.querySelector("summary").textContent);
      scroll.append(table);
      body.replaceChildren(tools, scroll);
      built = { body: rows, range, previous, next, heads };
      fill();
    }

    const opened = () => { if (details.open && !built) build(); };
    details.addEventListener("toggle", opened);
    opened();
    const download = button(words.download, csv);
    download.className = "cg-download";
    details.before(download);
  };
})(window.cptsgeo);
