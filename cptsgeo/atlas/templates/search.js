/* Finds places and communes by name or code, whatever the accents; reads its index when the field is first used. */
(function () {
  "use strict";
  const SHOWN = 14;
  const input = document.getElementById("search");
  const list = document.getElementById("results");
  const status = document.getElementById("status");
  let entries = null, found = [], active = -1;

  /* "Saint-Étienne", "st etienne" and "SAINT ETIENNE" read the same. */
  function plain(text) {
    return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().replace(/œ/g, "oe").replace(/æ/g, "ae").replace(/[-'’\s]+/g, " ").trim()
      .replace(/(^| )st(?= )/g, "$1saint").replace(/(^| )ste(?= )/g, "$1sainte");
  }

  async function load() {
    const bytes = Uint8Array.from(atob(document.getElementById("index").textContent), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    const index = JSON.parse(await new Response(stream).text());
    const places = index.places.map(([name, kind, path]) => ({ name, key: plain(name), code: "", note: kind, path }));
    const communes = index.communes.map(([name, code, at]) => ({ name, key: plain(name), code, note: `${code} · ${index.places[at][0]}`, path: `${index.places[at][2]}#c${code}` }));
    return places.concat(communes);
  }

  function rank(entry, wanted, code) {
    if (entry.code && entry.code.startsWith(code)) return 0;
    const at = entry.key.indexOf(wanted);
    if (at === 0) return entry.key.length === wanted.length ? 0 : 1;
    return at < 0 ? 9 : entry.key[at - 1] === " " ? 2 : 3;
  }

  async function show() {
    entries = entries || await load();
    const wanted = plain(input.value), code = input.value.trim().toUpperCase();
    const ranked = wanted ? entries.map((entry, at) => [rank(entry, wanted, code), at]).filter((one) => one[0] < 9) : [];
    ranked.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    found = ranked.slice(0, SHOWN).map((one) => entries[one[1]]);
    active = -1;
    list.replaceChildren(...found.map((entry, at) => {
      const item = document.createElement("li");
      item.id = "result-" + at;
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", "false");
      const name = document.createElement("bdi"), note = document.createElement("small");
      name.textContent = entry.name;
      note.textContent = entry.note;
      item.append(name, note);
      item.addEventListener("pointerdown", (event) => { event.preventDefault(); go(at); });
      return item;
    }));
    open(found.length > 0);
    const words = ranked.length ? status.dataset.found : status.dataset.none;
    status.textContent = wanted ? words.replace("{count}", new Intl.NumberFormat(document.documentElement.lang).format(ranked.length)) : "";
  }

  function open(shown) {
    list.hidden = !shown;
    input.setAttribute("aria-expanded", String(shown));
    if (!shown) input.removeAttribute("aria-activedescendant");
  }

  function mark(at) {
    active = (at + found.length) % found.length;
    [...list.children].forEach((item, index) => item.setAttribute("aria-selected", String(index === active)));
    list.children[active].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", "result-" + active);
  }

  function go(at) {
    if (found[at]) location.href = found[at].path;
  }

  input.addEventListener("input", show);
  input.addEventListener("focus", () => { if (input.value) show(); });
  input.addEventListener("blur", () => open(false));
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" && found.length) { mark(active + 1); event.preventDefault(); }
    if (event.key === "ArrowUp" && found.length) { mark(active - 1); event.preventDefault(); }
    if (event.key === "Escape") open(false);
    if (event.key === "Enter") { go(Math.max(active, 0)); event.preventDefault(); }
  });
})();
