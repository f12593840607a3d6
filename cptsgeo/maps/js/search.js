/* A search box with suggestions, by keyboard or pointer, whatever the accents; and the search of communes by name or code. */
(function (cptsgeo) {
  "use strict";
  const SHOWN = 12;

  /* "Saint-Étienne", "st etienne" and "SAINT ETIENNE" read the same. */
  cptsgeo.plain = function (text) {
    return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().replace(/œ/g, "oe").replace(/æ/g, "ae").replace(/[-'’\s]+/g, " ").trim()
      .replace(/(^| )st(?= )/g, "$1saint").replace(/(^| )ste(?= )/g, "$1sainte");
  };

  /* Searches the communes of a store. */
  cptsgeo.startSearch = function (store, words, choose) {
    const { plain } = cptsgeo;
    let names = null;

    function find(text) {
      const wanted = plain(text);
      if (!wanted) return { found: [], total: 0 };
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
      return { found: found.slice(0, SHOWN).map((one) => one[2]), total: found.length };
    }

    const describe = (row) => ({
      name: store.value("name", row),
      code: store.value("insee_code", row),
      place: `${store.value("departement_name", row)} (${store.value("departement_code", row)})`,
    });
    cptsgeo.startCombobox({ lang: store.meta.lang, words, find, describe, choose });
  };

  /* Ties the search box of the page to `find(text)`, which returns `found` (at most twelve) and `total`. */
  cptsgeo.startCombobox = function ({ lang, words, find, describe, choose }) {
    const { element } = cptsgeo;
    const input = document.getElementById("cg-search");
    const list = document.getElementById("cg-results");
    const status = document.getElementById("cg-status");
    const format = new Intl.NumberFormat(lang);
    let results = [], active = -1;

    function show() {
      const { found, total } = find(input.value);
      results = found;
      active = -1;
      list.replaceChildren(...found.map((one, index) => {
        const { name, code, place } = describe(one);
        const item = element("li");
        item.id = "cg-result-" + index;
        item.setAttribute("role", "option");
        item.setAttribute("aria-selected", "false");
        item.append(element("bdi", name), " ", element("span", code));
        const small = element("small");
        small.append(element("bdi", place));
        item.append(small);
        item.addEventListener("pointerdown", (event) => { event.preventDefault(); pick(index); });
        return item;
      }));
      open(found.length > 0);
      const message = total === 0 ? words.none_found : total > found.length ? words.found_more : words.found;
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
      const { name } = describe(results[index]);
      input.value = name;
      open(false);
      status.textContent = words.shown.replace("{name}", () => name);
      choose(results[index]);
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
