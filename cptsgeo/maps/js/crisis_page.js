/* Ties the crisis map to what stands around it: search, filters, nearest, card, status board, banner, print. */
(function (cptsgeo) {
  "use strict";
  const FOUND = 12;
  const OLD_DAYS = 35;
  const BESIDE = [25, -24]; /* pixels from the centre of a commune, where its resources crowd, down to its name */
  const by = (identifier) => document.getElementById(identifier);

  const ROADS = { motorway: ["#9c6b2f", 2.6], trunk: ["#9c6b2f", 2.2], primary: ["#a88a5c", 1.8], secondary: ["#b8a98d", 1.3] };
  function roadStyle(name) {
    const [color, weight] = ROADS[name] || ["#c4baa6", 0.8];
    return { color, weight };
  }

  cptsgeo.startCrisis = function (map, communes, block) {
    const config = JSON.parse(by("cg-config").textContent);
    const wait = by("cg-wait");
    L.control.zoom({ position: "topright", zoomInTitle: config.words.zoom_in, zoomOutTitle: config.words.zoom_out }).addTo(map);
    L.control.scale({ imperial: false }).addTo(map);
    map.invalidateSize(false);
    if (config.bounds) map.fitBounds(config.bounds, { padding: [14, 14], animate: false });
    cptsgeo.map = map;
    Promise.all([communes.ready, cptsgeo.openResources(block)]).then(([store, resources]) => {
      cptsgeo.crisis = new Page(map, communes, store, resources, config);
      wait.hidden = true;
      document.documentElement.dataset.ready = "yes";
      (window.requestIdleCallback || setTimeout)(() => resources.fold());
    }).catch((problem) => {
      wait.textContent = config.words.failed;
      throw problem;
    });
  };

  class Page {
    constructor(map, communes, store, resources, config) {
      Object.assign(this, { map, communes, store, resources, config, words: config.words });
      this.format = new Intl.NumberFormat(config.lang);
      this.distances = new Intl.NumberFormat(config.lang, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
      this.times = new Intl.DateTimeFormat(config.lang, { dateStyle: "short", timeStyle: "short" });
      this.board = new cptsgeo.Board(config.kit, (identifier) => resources.rowOf.has(identifier));
      this.states = [];
      for (let row = 0; row < resources.count; row++) this.states.push(this.stateOf(row));
      this.layer = new cptsgeo.ResourceLayer(resources, (row) => this.states[row].status);
      this.roads();
      this.hazards();
      this.layer.addTo(map);
      this.towns = cptsgeo.startTowns(map, store, communes, { shifts: BESIDE, occupied: () => this.layer.boxes() });
      this.banner();
      this.filters();
      this.search();
      this.nearest();
      this.pointer();
      this.boardPanel();
      this.table = new cptsgeo.CrisisTable(this);
      this.print();
      for (const box of document.getElementsByName("cg-outline")) {
        box.addEventListener("change", () => communes.showOutline(Number(box.value), box.checked));
      }
      this.filter();
    }

    /* The later of the kit's status and the board's statement. */
    stateOf(row) {
      const { resources } = this;
      const base = { status: resources.get("status", row), at: resources.get("status_at", row), author: resources.get("status_source", row), note: "", told: false };
      const one = this.board.latest.get(resources.get("resource_id", row));
      if (!one || (base.at && Date.parse(base.at) > Date.parse(one.at))) return base;
      return { ...one, told: true };
    }

    restate(identifiers) {
      for (const identifier of identifiers) {
        const row = this.resources.rowOf.get(identifier);
        if (row !== undefined) this.states[row] = this.stateOf(row);
      }
      this.filter();
    }

    time(text) {
      return text ? this.times.format(new Date(text)) : this.words.unknown_time;
    }

    say(text) {
      by("cz-said").textContent = text;
    }

    /* "Données au …": red when the latest update is more than 35 days old, or not known. */
    banner() {
      const box = by("cz-date");
      const days = this.config.date ? Math.floor((Date.now() - Date.parse(this.config.date + "T00:00:00")) / 864e5) : null;
      if (days !== null && days <= OLD_DAYS) return;
      box.classList.add("cz-old");
      by("cz-age").textContent = days === null ? this.words.no_date : this.words.old.replace("{days}", this.format.format(days));
    }

    roads() {
      const renderer = L.canvas({ padding: 0.3 });
      for (const { name, lines } of this.resources.roads) {
        L.polyline(lines, { renderer, ...roadStyle(name), interactive: false, smoothFactor: 1.5 }).addTo(this.map);
      }
    }

    hazards() {
      for (const { rings } of this.resources.hazards) {
        L.polygon(rings, { color: "#b00020", weight: 2, dashArray: "6 4", fillColor: "#b00020", fillOpacity: 0.14, interactive: false }).addTo(this.map);
      }
    }

    /* Filters: kinds, statuses, commune. */
    filters() {
      const again = () => this.filter();
      for (const box of document.querySelectorAll("[name=cz-kind], [name=cz-status]")) box.addEventListener("change", again);
      by("cz-commune").addEventListener("change", again);
      for (const [identifier, checked] of [["cz-all", true], ["cz-none", false]]) {
        by(identifier).addEventListener("click", () => {
          for (const box of document.getElementsByName("cz-kind")) box.checked = checked;
          again();
        });
      }
      for (const canvas of document.querySelectorAll("canvas[data-mark]")) {
        const [kind, precision, status] = canvas.dataset.mark.split(" ");
        cptsgeo.legendMark(canvas, this.resources.kinds[Number(kind)], precision, status);
      }
    }

    filter() {
      const begin = performance.now();
      const chosen = (name) => [...document.getElementsByName(name)].filter((box) => box.checked).map((box) => box.value);
      const commune = by("cz-commune").value;
      const count = this.resources.filter({ kinds: new Set(chosen("cz-kind").map(Number)), statuses: new Set(chosen("cz-status")), commune }, (row) => this.states[row].status);
      this.layer.redraw();
      this.towns.draw();
      if (this.table) this.table.refresh();
      this.near();
      by("cz-count").textContent = this.words.count.replace("{count}", this.format.format(count)).replace("{total}", this.format.format(this.resources.count));
      this.filterTime = performance.now() - begin;
    }

    search() {
      const { resources } = this;
      const describe = (one) => one.commune
        ? { name: resources.communes[one.commune], code: one.commune, place: this.words.commune }
        : { name: resources.get("name", one.row), code: "", place: `${resources.kind(one.row).label}, ${resources.commune(one.row)}` };
      const choose = (one) => {
        if (!one.commune) return this.select(one.row);
        by("cz-commune").value = one.commune;
        this.filter();
        const row = this.store.row(one.commune);
        if (row >= 0 && this.store.units.drawn(row)) this.map.fitBounds(this.communes.bounds(row).pad(0.3), { animate: false });
        return undefined;
      };
      cptsgeo.startCombobox({ lang: this.config.lang, words: this.words, find: (text) => resources.search(text, FOUND), describe, choose });
    }

    /* Selects a resource: moves the map there and shows its card. */
    select(row, move = true) {
      this.layer.selected = row;
      this.communes.select(-1);
      if (move) this.map.setView(this.resources.place(row), Math.max(this.map.getZoom(), 13), { animate: false });
      this.layer.redraw();
      this.card([row]);
    }

    card(rows) {
      const { element } = cptsgeo;
      const box = by("cz-card");
      box.hidden = false;
      if (rows.length > 1) {
        const list = element("ul", undefined, "cz-list");
        for (const row of rows.slice(0, 100)) {
          const item = element("li");
          const link = element("button");
          link.type = "button";
          link.append(element("bdi", this.resources.get("name", row)));
          link.addEventListener("click", () => this.select(row, false));
          item.append(link, element("small", `${this.resources.kind(row).label}, ${this.label("statuses", this.states[row].status)}`));
          list.append(item);
        }
        box.replaceChildren(element("h2", this.words.here.replace("{count}", this.format.format(rows.length))), list);
        return;
      }
      const [row] = rows;
      const get = (name) => this.resources.get(name, row);
      const head = element("h2");
      head.append(element("bdi", get("name")));
      const list = element("dl");
      const add = (label, value, mark) => {
        if (value === null || value === undefined || value === "") return;
        const data = element("dd");
        data.append(element("bdi", value));
        if (mark) data.append(" ", element("strong", mark, "cz-reserved"));
        list.append(element("dt", label), data);
      };
      const { labels } = this.config;
      const state = this.states[row];
      add(labels.kind, this.resources.kind(row).label);
      add(labels.status, `${this.label("statuses", state.status)} (${this.time(state.at)}${state.author ? ", " + state.author : ""})`);
      add(this.words.note, state.note);
      add(labels.insee_code, this.resources.commune(row));
      add(labels.position_precision, this.label("precisions", get("position_precision")));
      add(this.words.place, `${get("latitude").toFixed(5)}, ${get("longitude").toFixed(5)}`);
      add(labels.capacity, get("capacity") === null ? "" : `${this.format.format(get("capacity"))} ${get("unit") || ""}`);
      for (const name of ["phone", "email", "opening", "source", "updated_at"]) add(labels[name], get(name));
      add(labels.mobile, get("mobile"), this.words.reserved);
      if (get("visibility") !== "public") add(labels.visibility, this.words.reserved);
      box.replaceChildren(head, list, this.stateForm(row));
    }

    label(list, key) {
      return (this.config[list].find((one) => one.key === key) || { label: key }).label;
    }

    /* Buttons that state what a resource is now. */
    stateForm(row) {
      const { element } = cptsgeo;
      const form = element("fieldset", undefined, "cz-state");
      form.append(element("legend", this.words.mark));
      const label = element("label", this.words.note + " ");
      const note = element("input");
      note.maxLength = 300;
      label.append(note);
      form.append(label);
      for (const { key, label: text } of this.config.statuses) {
        const button = element("button", text, "cz-" + key);
        button.type = "button";
        button.addEventListener("click", () => {
          const author = by("cz-author");
          if (!author.value.trim()) {
            this.say(this.words.author_first);
            author.focus();
            return;
          }
          const identifier = this.resources.get("resource_id", row);
          this.board.state(identifier, key, author.value, note.value);
          this.restate([identifier]);
          this.card([row]);
          this.boardState();
          const { status, told } = this.states[row];
          const said = told ? this.words.stated.replace("{status}", text) : this.words.set_aside.replace("{status}", this.label("statuses", status));
          this.say(said.replace("{name}", () => this.resources.get("name", row)));
          by("cz-card").querySelector(`.cz-${key}`).focus();
        });
        form.append(button);
      }
      return form;
    }

    /* Nearest resources of each kind, from a place typed, clicked, or given by the browser. */
    nearest() {
      const input = by("cz-from");
      const from = (place) => {
        this.layer.origin = place;
        input.value = place.map((one) => one.toFixed(5)).join(", ");
        if (!this.map.getBounds().contains(place)) this.map.panTo(place, { animate: false });
        this.layer.redraw();
        this.near();
      };
      this.from = from;
      by("cz-near-form").addEventListener("submit", (event) => {
        event.preventDefault();
        const place = cptsgeo.coordinates(input.value);
        if (place) from(place);
        else by("cz-near-said").textContent = this.words.bad_place;
      });
      by("cz-locate").addEventListener("click", () => {
        const failed = () => { by("cz-near-said").textContent = this.words.no_position; };
        if (!navigator.geolocation) return failed();
        by("cz-near-said").textContent = this.words.locating;
        return navigator.geolocation.getCurrentPosition(({ coords }) => from([coords.latitude, coords.longitude]), failed, { timeout: 15000 });
      });
      by("cz-pick").addEventListener("click", (event) => {
        this.picking = !this.picking;
        event.target.setAttribute("aria-pressed", String(this.picking));
      });
      for (const identifier of ["cz-closed", "cz-many"]) by(identifier).addEventListener("change", () => this.near());
    }

    near() {
      const { element } = cptsgeo;
      const place = this.layer.origin;
      if (!place) return;
      const closed = by("cz-closed").checked;
      const found = this.resources.nearest(place, Number(by("cz-many").value), (row) => closed || this.states[row].status !== "ferme");
      by("cz-near").replaceChildren(...found.flatMap(([kind, list]) => {
        const items = element("ol", undefined, "cz-list");
        for (const [row, distance] of list) {
          const item = element("li");
          const link = element("button");
          link.type = "button";
          link.append(element("bdi", this.resources.get("name", row)));
          link.addEventListener("click", () => this.select(row));
          const bearing = cptsgeo.bearing(place, this.resources.place(row));
          const toward = this.words.compass[Math.round(bearing / 45) % 8];
          const about = this.resources.get("position_precision", row) === "commune" ? "≈ " : "";
          item.append(link, element("small", `${about}${this.distances.format(distance)} km ${toward} (${Math.round(bearing) % 360}°), ${this.label("statuses", this.states[row].status)}`));
          items.append(item);
        }
        return [element("h3", this.resources.kinds[kind].label), items];
      }));
      by("cz-near-said").textContent = found.length ? this.words.straight : this.words.none_near;
    }

    pointer() {
      this.map.on("click", (event) => {
        if (this.picking) {
          this.picking = false;
          by("cz-pick").setAttribute("aria-pressed", "false");
          this.communes.select(-1);
          this.from([event.latlng.lat, event.latlng.lng]);
          return;
        }
        const group = this.layer.at(event.containerPoint);
        if (!group) return;
        this.communes.select(-1);
        if (group.rows.length === 1) {
          this.select(group.rows[0], false);
          return;
        }
        const bounds = L.latLngBounds(group.rows.map((row) => this.resources.place(row)));
        const zoom = this.map.getBoundsZoom(bounds.pad(0.1));
        if (bounds.getNorthEast().equals(bounds.getSouthWest()) || this.map.getZoom() >= 14 || zoom <= this.map.getZoom()) this.card(group.rows);
        else this.map.fitBounds(bounds.pad(0.1), { maxZoom: 15, animate: false });
      });
      this.map.on("mousemove", (event) => {
        this.map.getContainer().style.cursor = this.picking ? "crosshair" : this.layer.at(event.containerPoint) ? "pointer" : "";
      });
    }

    boardPanel() {
      const author = by("cz-author");
      by("cz-export").addEventListener("click", () => {
        const stamp = new Date().toISOString().slice(0, 16).replace(/[:T]/g, "");
        cptsgeo.save(this.board.export(), `${this.words.file}_${stamp}.json`, "application/json");
      });
      by("cz-import").addEventListener("change", (event) => {
        const files = [...event.target.files];
        event.target.value = "";
        Promise.all(files.map((file) => file.text().then((content) => [file.name, content]))).then((texts) => this.merge(texts));
      });
      try {
        author.value = localStorage.getItem("cptsgeo author") || "";
        author.addEventListener("change", () => {
          try {
            localStorage.setItem("cptsgeo author", author.value);
          } catch (_problem) {
            this.boardState(); /* full or forbidden: the panel says so */
          }
        });
      } catch (_problem) {
        this.board.kept = false;
      }
      this.boardState();
    }

    merge(texts) {
      const { element } = cptsgeo;
      const said = [];
      const conflicts = [];
      for (const [name, content] of texts) {
        const result = this.board.merge(content);
        if (result.problem) said.push(`${name} – ${this.words[result.problem]}`);
        else {
          said.push(`${name} – ${this.words.merged.replace("{count}", this.format.format(result.added))}`);
          if (result.unknown.length) said.push(this.words.unknown.replace("{list}", () => result.unknown.slice(0, 10).join(", ")));
          conflicts.push(...result.conflicts);
        }
      }
      this.restate([...this.board.latest.keys()]);
      this.say(said.join(" ; "));
      const describe = (one) => `${this.label("statuses", one.status)} (${this.time(one.at)}, ${one.author})`;
      by("cz-conflicts").replaceChildren(...conflicts.map(({ resource, kept, aside }) => {
        const item = element("li");
        item.append(element("bdi", this.resources.get("name", this.resources.rowOf.get(resource))));
        item.append(" – ", element("bdi", this.words.conflict.replace("{kept}", () => describe(kept)).replace("{aside}", () => describe(aside))));
        return item;
      }));
      by("cz-conflicts-box").hidden = conflicts.length === 0;
      this.boardState();
    }

    boardState() {
      by("cz-board-count").textContent = this.words.statements.replace("{count}", this.format.format(this.board.statements.size));
      by("cz-not-kept").hidden = this.board.kept;
    }

    /* Print: the map as one picture with a grid of coordinates, on A4 or A3; or the directory of what is shown. */
    print() {
      const { element } = cptsgeo;
      const canvas = element("canvas", undefined, "cg-print");
      canvas.setAttribute("aria-hidden", "true");
      document.querySelector(".cg-map").append(canvas);
      const paper = element("style");
      document.head.append(paper);
      const root = document.documentElement;
      const open = (mode, size, height) => {
        root.dataset.print = mode;
        paper.textContent = `@media print { @page { size: ${size} landscape; margin: 10mm; } .cz-app .cg-map { height: ${height}mm !important; } }`;
        window.print();
      };
      by("cz-print-a4").addEventListener("click", () => open("map", "A4", 148));
      by("cz-print-a3").addEventListener("click", () => open("map", "A3", 232));
      by("cz-print-list").addEventListener("click", () => open("directory", "A4", 148));
      window.addEventListener("beforeprint", () => {
        this.picture(canvas);
        this.table.printAll(root.dataset.print === "directory" || (!root.dataset.print && this.table.details.open));
      });
      window.addEventListener("afterprint", () => {
        delete root.dataset.print;
        this.table.printAll(false);
      });
    }

    picture(canvas) {
      const { x: width, y: height } = this.map.getSize();
      const bounds = this.map.getBounds();
      for (const _step of cptsgeo.paint(this.communes.painter, canvas, bounds, width, height, 2));
      const context = canvas.getContext("2d");
      const crs = L.CRS.EPSG3857;
      const a = crs.latLngToPoint(bounds.getNorthWest(), 0), b = crs.latLngToPoint(bounds.getSouthEast(), 0);
      const scale = Math.min((width - 6) / (b.x - a.x), (height - 6) / (b.y - a.y));
      const left = ((a.x + b.x) / 2) * scale - width / 2, top = ((a.y + b.y) / 2) * scale - height / 2;
      const project = (place) => crs.latLngToPoint(L.latLng(place), 0).multiplyBy(scale).subtract([left, top]);
      for (const { name, lines } of this.resources.roads) {
        const { color, weight } = roadStyle(name);
        context.strokeStyle = color;
        context.lineWidth = weight;
        context.beginPath();
        for (const line of lines) {
          line.forEach((place, at) => {
            const { x, y } = project(place);
            if (at) context.lineTo(x, y);
            else context.moveTo(x, y);
          });
        }
        context.stroke();
      }
      for (const { rings } of this.resources.hazards) {
        context.fillStyle = "rgba(176, 0, 32, .14)";
        context.strokeStyle = "#b00020";
        context.beginPath();
        for (const ring of rings.flat()) {
          ring.forEach((place, at) => {
            const { x, y } = project(place);
            if (at) context.lineTo(x, y);
            else context.moveTo(x, y);
          });
          context.closePath();
        }
        context.fill("evenodd");
        context.stroke();
      }
      context.font = "600 12px system-ui, sans-serif";
      context.textAlign = "center";
      context.lineWidth = 3;
      context.strokeStyle = "#ffffff";
      context.fillStyle = "#111111";
      context.textBaseline = "middle";
      for (const [name, centre, shift] of this.towns.shown()) {
        const { x, y } = project(centre);
        context.strokeText(name, x, y + shift);
        context.fillText(name, x, y + shift);
      }
      this.gridLines = cptsgeo.graticule(context, bounds, width, height, project);
      this.layer.paint(context, this.layer.gather(scale, left, top, width, height, true));
    }
  }

  /* Saves a text as a file of the reader. */
  cptsgeo.save = function (content, name, type) {
    const link = cptsgeo.element("a");
    link.href = URL.createObjectURL(new Blob([content], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000); /* a slow computer reads it late */
  };
})(window.cptsgeo);
