/* The directory: every shown resource in a table that sorts, turns pages, downloads, and prints whole. */
(function (cptsgeo) {
  "use strict";
  const PAGE = 50;
  const COLUMNS = ["name", "kind", "insee_code", "status", "phone", "mobile", "email", "opening", "capacity", "position_precision", "updated_at"];

  const PLAIN = new Set(["phone", "mobile", "updated_at"]);

  cptsgeo.CrisisTable = class {
    constructor(page) {
      const { element } = cptsgeo;
      this.page = page;
      this.details = document.getElementById("cg-table");
      this.columns = COLUMNS.filter((name) => name !== "mobile" || page.config.reserved);
      this.collator = new Intl.Collator(page.config.lang, { numeric: true });
      this.sorted = { column: "insee_code", down: false };
      this.at = 0;
      this.whole = false;
      this.rows = [];
      const body = document.getElementById("cg-table-body");
      const button = (text, action) => {
        const made = element("button", text);
        made.type = "button";
        made.addEventListener("click", action);
        return made;
      };
      const { words } = page;
      const tools = element("div", undefined, "cg-tools");
      this.range = element("span", "", "cg-range");
      this.range.setAttribute("role", "status");
      this.previous = button(words.previous, () => this.turn(-1));
      this.next = button(words.next, () => this.turn(1));
      tools.append(this.previous, this.range, this.next, button(words.download, () => this.csv()));
      const table = element("table");
      table.append(element("caption", words.caption));
      const head = element("tr");
      this.heads = this.columns.map((column) => {
        const cell = element("th");
        cell.scope = "col";
        cell.append(button(page.config.labels[column], () => {
          this.sorted = { column, down: this.sorted.column === column && !this.sorted.down };
          this.at = 0;
          this.refresh();
        }));
        head.append(cell);
        return [column, cell];
      });
      const top = element("thead");
      top.append(head);
      this.body = element("tbody");
      table.append(top, this.body);
      const scroll = element("div", undefined, "cg-scroll");
      scroll.tabIndex = 0;
      scroll.setAttribute("role", "region");
      scroll.setAttribute("aria-label", words.caption);
      scroll.append(table);
      body.replaceChildren(tools, scroll);
      this.details.addEventListener("toggle", () => this.refresh());
    }

    cell(column, row) {
      const { page } = this;
      const value = page.resources.get(column, row);
      if (column === "kind") return page.resources.kind(row).label;
      if (column === "insee_code") return page.resources.commune(row);
      if (column === "status") return page.label("statuses", page.states[row].status);
      if (column === "position_precision") return page.label("precisions", value);
      if (column === "capacity") return value === null ? "" : `${page.format.format(value)} ${page.resources.get("unit", row) || ""}`;
      return value === null ? "" : String(value);
    }

    /* Sorts by what the reader sees; capacities by number. */
    order() {
      const { column, down } = this.sorted;
      const sign = down ? -1 : 1;
      const rows = this.page.resources.rows();
      if (column === "capacity") {
        const value = (row) => this.page.resources.get("capacity", row);
        return rows.sort((a, b) => (value(a) === null) - (value(b) === null) || sign * (value(a) - value(b)) || a - b);
      }
      const texts = new Map(rows.map((row) => [row, this.cell(column, row)]));
      const ranks = new Map([...new Set(texts.values())].sort(this.collator.compare).map((text, rank) => [text, rank]));
      return rows.sort((a, b) => sign * (ranks.get(texts.get(a)) - ranks.get(texts.get(b))) || a - b);
    }

    refresh() {
      if (!this.details.open && !this.whole) return;
      const { element } = cptsgeo;
      const { format, words } = this.page;
      this.rows = this.order();
      this.at = Math.min(this.at, Math.max(0, Math.ceil(this.rows.length / PAGE) - 1));
      const from = this.whole ? 0 : this.at * PAGE;
      const shown = this.whole ? this.rows : this.rows.slice(from, from + PAGE);
      this.body.replaceChildren(...shown.map((row) => {
        const line = element("tr");
        for (const column of this.columns) {
          const data = element(column === "name" ? "th" : "td");
          const text = element("bdi", this.cell(column, row));
          if (column === "name") {
            data.scope = "row";
            const link = element("button");
            link.type = "button";
            link.append(text);
            link.addEventListener("click", () => {
              this.page.select(row);
              document.getElementById("cz-card").scrollIntoView({ block: "nearest" });
            });
            data.append(link);
          } else data.append(text);
          if (PLAIN.has(column)) data.className = "cz-plain";
          line.append(data);
        }
        return line;
      }));
      this.range.textContent = words.range.replace("{from}", format.format(shown.length ? from + 1 : 0)).replace("{to}", format.format(from + shown.length)).replace("{total}", format.format(this.rows.length));
      this.previous.disabled = this.at === 0;
      this.next.disabled = from + PAGE >= this.rows.length;
      for (const [column, head] of this.heads) head.setAttribute("aria-sort", column !== this.sorted.column ? "none" : this.sorted.down ? "descending" : "ascending");
    }

    turn(step) {
      this.at += step;
      this.refresh();
    }

    /* Shows all rows while they are printed: of a directory that is open, or opened for it. */
    printAll(whole) {
      if (whole && !this.whole) this.wasOpen = this.details.open;
      const closing = this.whole && !whole;
      this.whole = whole;
      this.details.open = whole || (closing ? this.wasOpen : this.details.open);
      this.refresh();
    }

    csv() {
      const quote = (text) => `"${(/^[=+\-@\t\r]/.test(text) ? "'" + text : text).replace(/"/g, '""')}"`;
      const lines = [this.columns.map((column) => quote(this.page.config.labels[column])).join(";")];
      for (const row of this.rows) lines.push(this.columns.map((column) => quote(this.cell(column, row))).join(";"));
      cptsgeo.save("\ufeff" + lines.join("\r\n") + "\r\n", "annuaire.csv", "text/csv");
    }
  };
})(window.cptsgeo);
