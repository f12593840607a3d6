/* Finds communes by name or code, whatever the accents, with the keyboard or the pointer. */
(function (cptsgeo) {
  "use strict";
  const SHOWN = 12;

  /* "Saint-Étienne", "st etienne" and "SAINT ETIENNE" read the same. */
  cptsgeo.plain = function (text) {
    return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().replace(/œ/g, "oe").replace(/æ/g, "ae").replace(/[-'’\s]+/g, " ").trim()
      .replace(/(^| )st(?= )/g, "$1saint").replace(/(^| )ste(?= )/g, "$1sainte");
  };

  cptsgeo.startSearch = function (store, words, choose) {
    const { element, plain } = cptsgeo;
    const input = document.getElementById("cg-search");
    const list = document.getElementById("cg-results");
    const status = document.getElementById("cg-status");
    const format = new Intl.NumberFormat(store.meta.lang);
    let names = null, results = [], active = -1;

    function find(text) {
      const wanted = plain(text);
      if (!wanted) return { rows: [], total: 0 };
      names = names || Array.from({ length: store.rows }, (_, row) => plain(store.value("name", row)));
      const code = text.trim().toUpperCase();
      const found = [];
      for (let row = 0; row < store.rows; row++) {
        const at = names[row].indexOf(wanted);
        let order = at === 0 ? (names[row].length === wanted.length ? 0 : 1) : at > 0 && names[row][at - 1] === " " ? 2 : at > 0 ? 3 : 9;
        if (store.value("insee_code", row).startsWith(code)) order = 0;
        if (order < 9) found.push([order, -(store.value("population", row) || 0), row]);
      }
      found.sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]);
      return { rows: found.slice(0, SHOWN).map((one) => one[2]), total: found.length };
    }

    function show() {
      const { rows, total } = find(input.value);
      results = rows;
      active = -1;
      list.replaceChildren(...rows.map((row, index) => {
        const item = element("li");
        item.id = "cg-result-" + index;
        item.setAttribute("role", "option");
        item.setAttribute("aria-selected", "false");
        item.append(element("bdi", store.value("name", row)), " ", element("span", store.value("insee_code", row)));
        const place = element("small");
        place.append(element("bdi", `${store.value("departement_name", row)} (${store.value("departement_code", row)})`));
        item.append(place);
        item.addEventListener("pointerdown", (event) => { event.preventDefault(); pick(index); });
        return item;
      }));
      open(rows.length > 0);
      const message = total === 0 ? words.none_found : total > rows.length ? words.found_more : words.found;
      status.textContent = input.value.trim() ? message.replace("{count}", format.format(total)) : "";
    }

    function open(shown) {
      list.hidden = !shown;
      input.setAttribute("aria-expanded", String(shown));
      if (!shown) input.removeAttribute("aria-activedescendant");
    }

    function activate(index) {
      active = (index + results.length) % results.length;
      [...list.children].forEach((item, at) => item.setAttribute("aria-selected", String(at === active)));
      input.setAttribute("aria-activedescendant", "cg-result-" + active);
      list.children[active].scrollIntoView({ block: "nearest" });
    }

    function pick(index) {
      const row = results[index];
      input.value = store.value("name", row);
      open(false);
      status.textContent = words.shown.replace("{name}", () => store.value("name", row));
      choose(row);
    }

    input.addEventListener("input", show);
    input.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        if (list.hidden) show();
        if (results.length) activate(active + (event.key === "ArrowDown" ? 1 : active < 0 ? 0 : -1));
        event.preventDefault();
      } else if (event.key === "Enter" && results.length && !list.hidden) {
        pick(Math.max(active, 0));
        event.preventDefault();
      } else if (event.key === "Escape" && !list.hidden) {
        open(false);
        event.preventDefault();
      }
    });
    input.addEventListener("blur", () => open(false));
  };
})(window.cptsgeo);
