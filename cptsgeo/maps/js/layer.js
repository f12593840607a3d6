/* Draws a store of units on canvas tiles, and tells which unit lies under the pointer. */
(function (cptsgeo) {
  "use strict";
  const FRAME = 5; /* milliseconds of drawing orders in one frame: carrying them out takes two or three times longer */
  const FIRST_FRAME = 40; /* the same until the map is whole for the first time, when nobody moves it yet */
  const CELL = 8; /* size of a pattern on screen */
  const SMALL = 7; /* below this many pixels a unit has no border of its own */
  const CHUNK = 20; /* units in one path: a canvas fills many small paths much faster than one huge path */

  /* Draws hatches, dots or crosses over a colour: dark on light, light on dark. */
  function pattern(context, kind, color, density, left, top, stretch) {
    const canvas = document.createElement("canvas");
    const cell = CELL * stretch;
    canvas.width = canvas.height = Math.round(cell * density);
    density *= stretch;
    const pen = canvas.getContext("2d");
    const step = canvas.width;
    const light = parseInt(color.slice(1, 3), 16) * 0.3 + parseInt(color.slice(3, 5), 16) * 0.59 + parseInt(color.slice(5, 7), 16) * 0.11;
    pen.strokeStyle = pen.fillStyle = light > 120 ? "rgba(60,30,0,.62)" : "rgba(255,255,255,.75)";
    pen.lineWidth = 1.1 * density;
    pen.beginPath();
    if (kind === "dots") {
      pen.arc(step / 2, step / 2, 1.2 * density, 0, 7);
      pen.fill();
    } else {
      for (const shift of [-step, 0, step]) {
        pen.moveTo(shift - 2, step + 2);
        pen.lineTo(shift + step + 2, -2);
        if (kind === "cross") {
          pen.moveTo(shift - 2, -2);
          pen.lineTo(shift + step + 2, step + 2);
        }
      }
      pen.stroke();
    }
    const result = context.createPattern(canvas, "repeat");
    result.setTransform(new DOMMatrix().translate(-(left % cell), -(top % cell)).scale(cell / canvas.width));
    return result;
  }

  function line(context, coverage, arcs, level, box, scale, left, top) {
    const { start, xy } = coverage.levels[level];
    const boxes = coverage.arcBox;
    context.beginPath();
    for (const arc of arcs) {
      const at = arc * 4;
      if (boxes[at] > box[2] || boxes[at + 2] < box[0] || boxes[at + 1] > box[3] || boxes[at + 3] < box[1]) continue;
      let i = start[arc] * 2;
      context.moveTo(xy[i] * scale - left, xy[i + 1] * scale - top);
      for (i += 2; i < start[arc + 1] * 2; i += 2) context.lineTo(xy[i] * scale - left, xy[i + 1] * scale - top);
    }
    context.stroke();
  }

  /* Knows how to paint any rectangle of the map at any scale: tiles, small maps, print. */
  class Painter {
    constructor(store) {
      this.store = store;
      this.theme = 0;
      this.shown = store.outlines.map((_outline, index) => Boolean(store.meta.shown[index]));
    }

    /* The coarsest level whose simplification stays under a pixel. */
    level(zoom) {
      const metres = (156543 * 0.7) / 2 ** zoom;
      let level = 0;
      this.store.meta.tolerances.forEach((tolerance, index) => { if (tolerance <= metres) level = index; });
      return level;
    }

    /* Paints the rectangle whose top left pixel is (left, top) of the world at `zoom`. */
    paint(...where) {
      for (const _step of this.steps(...where));
    }

    /* Paints the same step by step, so that a frame never waits for a whole tile. */
    *steps(context, width, height, left, top, zoom, density, stretch = 1) {
      const units = this.store.units;
      const scale = (256 * 2 ** zoom) / 2 ** units.bits;
      const level = this.level(zoom);
      const margin = 3 / scale;
      const box = [left / scale - margin, top / scale - margin, (left + width) / scale + margin, (top + height) / scale + margin];
      const rows = units.search(...box);
      const size = this.store.meta.size * scale;
      context.lineJoin = "round";
      if (this.store.land) yield* this.#land(context, box, level, scale, left, top);
      if (rows.length) yield* this.#fill(context, rows, level, scale, left, top, density, stretch, size < SMALL);
      if (rows.length && size >= SMALL) {
        const arcs = new Set();
        for (const row of rows) {
          for (let at = units.refStart[units.ringStart[row]]; at < units.refStart[units.ringStart[row + 1]]; at++) arcs.add(units.refs[at] >> 1);
        }
        context.strokeStyle = "#ffffff";
        context.lineWidth = Math.min(1.2, 0.25 + size / 40);
        line(context, units, arcs, level, box, scale, left, top);
      }
      this.store.outlines.forEach((outline, index) => {
        if (!this.shown[index]) return;
        const factor = 2 ** (outline.coverage.bits - units.bits);
        const own = box.map((value) => value * factor);
        const style = this.store.meta.lines[index];
        context.strokeStyle = style.color;
        context.lineWidth = style.width * (zoom < 7 ? 0.75 : 1);
        context.setLineDash(style.dash);
        line(context, outline.coverage, outline.arcs, level, own, scale / factor, left, top);
        context.setLineDash([]);
      });
    }

    *#land(context, box, level, scale, left, top) {
      const { land, meta } = this.store;
      context.fillStyle = meta.land.color;
      for (const part of land.search(...box)) {
        context.beginPath();
        land.trace(part, level, (x, y) => context.moveTo(x * scale - left, y * scale - top), (x, y) => context.lineTo(x * scale - left, y * scale - top), () => context.closePath());
        context.fill();
        yield;
      }
    }

    *#fill(context, rows, level, scale, left, top, density, stretch, seamless) {
      const classes = this.store.meta.themes[this.theme].classes;
      const numbers = this.store.classes(this.theme);
      const byClass = classes.map(() => []);
      for (const row of rows) byClass[numbers.get(row)].push(row);
      const move = (x, y) => context.moveTo(x * scale - left, y * scale - top);
      const draw = (x, y) => context.lineTo(x * scale - left, y * scale - top);
      const close = () => context.closePath();
      for (const [index, one] of classes.entries()) {
        const marks = one.pattern === "none" ? null : pattern(context, one.pattern, one.color, density, left, top, stretch);
        for (let from = 0; from < byClass[index].length; from += CHUNK) {
          context.beginPath();
          for (const row of byClass[index].slice(from, from + CHUNK)) this.store.units.trace(row, level, move, draw, close);
          context.fillStyle = context.strokeStyle = one.color;
          context.fill();
          if (seamless) {
            context.lineWidth = 0.7;
            context.stroke();
          }
          if (marks) {
            context.fillStyle = marks;
            context.fill();
          }
          yield;
        }
      }
    }
  }

  const Tiles = L.GridLayer.extend({
    options: { keepBuffer: 1, updateWhenZooming: false, minZoom: 2, className: "cg-tiles" },

    initialize(painter, options) {
      L.setOptions(this, options);
      this.painter = painter;
      this.waiting = [];
      this.worst = 0;
      this.budget = FIRST_FRAME;
    },

    createTile(coords, done) {
      const tile = document.createElement("canvas");
      tile.setAttribute("aria-hidden", "true");
      this.waiting.push({ tile, coords, done });
      this._schedule();
      return tile;
    },

    /* Paints all tiles again, each on a canvas of its own that replaces the old picture when it is whole. */
    repaint() {
      this.waiting = this.waiting.filter((job) => job.done || !job.tile);
      for (const job of this.waiting) if (job.tile) job.steps = null;
      for (const { el, coords, loaded } of Object.values(this._tiles || {})) {
        if (loaded) this.waiting.push({ tile: el, coords, done: null });
      }
      this._schedule();
    },

    /* Takes other painting into the same queue: small maps. */
    enqueue(steps) {
      this.waiting.push({ steps });
      this._schedule();
    },

    _schedule() {
      if (!this.frame) this.frame = requestAnimationFrame(() => this._work());
    },

    _work() {
      this.frame = 0;
      const begin = performance.now();
      while (this.waiting.length && performance.now() - begin < this.budget) {
        const job = this.waiting[0];
        const wanted = job.tile && this._tiles && this._tiles[this._tileCoordsToKey(job.coords)];
        if (!job.tile || (wanted && wanted.el === job.tile)) {
          job.steps = job.steps || this._steps(job);
          let finished = false;
          while (!finished && performance.now() - begin < this.budget) finished = job.steps.next().done;
          if (!finished) break;
          if (job.done) job.done(null, job.tile);
        }
        this.waiting.shift();
      }
      this.worst = Math.max(this.worst, performance.now() - begin);
      if (this.waiting.length) this._schedule();
      else {
        this.budget = FRAME;
        this.fire("painted");
      }
    },

    /* A tile is one pixel wider than its place: no seam shows between tiles at half zooms. */
    *_steps({ tile, coords, done }) {
      const size = this.getTileSize().x;
      const zoomed = this._map ? this._map.getZoomScale(this._map.getZoom(), coords.z) : 1;
      const density = (window.devicePixelRatio || 1) * (zoomed > 1 ? Math.min(zoomed, 1.5) : 1);
      const extra = zoomed === 1 ? 0 : 1;
      const canvas = done ? tile : document.createElement("canvas");
      canvas.width = canvas.height = Math.ceil((size + extra) * density);
      const context = canvas.getContext("2d");
      context.setTransform(density, 0, 0, density, 0, 0);
      yield* this.painter.steps(context, size + extra, size + extra, coords.x * size, coords.y * size, coords.z, density, 1 / zoomed);
      if (!done) {
        tile.width = tile.height = canvas.width;
        tile.getContext("2d").drawImage(canvas, 0, 0);
      }
      tile.style.width = tile.style.height = canvas.width / density + "px";
    },
  });

  /* The box that names the unit under the pointer. Everything in it is text. */
  class Tip {
    constructor(map) {
      this.map = map;
      this.box = L.DomUtil.create("div", "cg-tip", map.getContainer());
      this.box.hidden = true;
    }

    show(content, point) {
      this.box.replaceChildren(content);
      this.box.hidden = false;
      this.place(point);
    }

    place(point) {
      const { x: width, y: height } = this.map.getSize();
      const own = this.box.getBoundingClientRect();
      let left = point.x + 14;
      if (left + own.width > width - 6) left = point.x - own.width - 14;
      if (left < 6) left = Math.max(6, Math.min(width - own.width - 6, point.x - own.width / 2));
      let top = point.y + 14;
      if (top + own.height > height - 6) top = Math.max(6, point.y - own.height - 14);
      this.box.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
    }

    hide() {
      this.box.hidden = true;
    }
  }

  function element(name, text, className) {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  }

  const CommuneLayer = L.Layer.extend({
    initialize(identifier) {
      this.hovered = this.selected = -1;
      this.ready = cptsgeo.open(identifier).then((store) => {
        this.store = store;
        this.painter = new Painter(store);
        this.tiles = new Tiles(this.painter);
        this.format = new Intl.NumberFormat(store.meta.lang);
        return store;
      });
    },

    onAdd(map) {
      this.ready.then(() => {
        if (!map.hasLayer(this)) return;
        this.tip = this.tip || new Tip(map);
        this.tiles.addTo(map);
        map.on("mousemove", this._hover, this).on("mouseout", this._leave, this).on("click", this._click, this);
        map.on("move zoomanim", this._moved, this);
        this._permalink();
        this.fire("drawn");
      });
    },

    onRemove(map) {
      if (!this.tiles) return;
      this.tiles.remove();
      this.tip.hide();
      this._mark("hovered", -1);
      this._mark("selected", -1);
      map.off("mousemove", this._hover, this).off("mouseout", this._leave, this).off("click", this._click, this);
      map.off("move zoomanim", this._moved, this);
    },

    /* Grid steps of a place, and the place of grid steps. */
    grid(latlng) {
      return this._map.options.crs.latLngToPoint(latlng, 0).multiplyBy(2 ** this.store.units.bits / 256);
    },

    latLng(x, y) {
      return L.CRS.EPSG3857.pointToLatLng(L.point(x, y).divideBy(2 ** this.store.units.bits / 256), 0);
    },

    bounds(row) {
      const box = this.store.units.unitBox.subarray(row * 4, row * 4 + 4);
      return L.latLngBounds(this.latLng(box[0], box[3]), this.latLng(box[2], box[1]));
    },

    rowAt(latlng) {
      const { x, y } = this.grid(latlng);
      return this.store.units.at(x, y, this.painter.level(this._map.getZoom()));
    },

    setTheme(index) {
      this.painter.theme = index;
      this.tiles.repaint();
      this.fire("theme", { index });
    },

    showOutline(index, shown) {
      this.painter.shown[index] = shown;
      this.tiles.repaint();
      this.fire("theme", { index: this.painter.theme });
    },

    /* Makes tiles that show another theme with the same outlines. */
    another() {
      const painter = new Painter(this.store);
      painter.shown = this.painter.shown;
      return new Tiles(painter, { opacity: this.tiles.options.opacity });
    },

    /* Selects a unit: outlines it, shows its tooltip, and moves the map to it when asked. */
    select(row, { move = true } = {}) {
      this._mark("selected", row);
      if (row < 0) {
        this.tip.hide();
        return;
      }
      if (this.store.units.drawn(row)) {
        const bounds = this.bounds(row);
        this.anchor = bounds.getSouthEast(); /* beside the unit, not on it */
        if (move) this._map.fitBounds(bounds.pad(1.2), { maxZoom: 12, animate: false });
        this.tip.show(this.describe(row), this._map.latLngToContainerPoint(this.anchor));
      } else {
        this.anchor = null;
        this.tip.show(this.describe(row), L.point(0, 0));
      }
      this.fire("select", { row, identifier: this.store.value(this.store.meta.id, row) });
    },

    /* Builds the tooltip of a unit, as text. */
    describe(row) {
      const { meta } = this.store;
      const content = element("div");
      const head = element("p", undefined, "cg-tip-name");
      head.append(element("bdi", this.store.value(meta.name, row)), " ", element("span", this.store.value(meta.id, row), "cg-tip-code"));
      content.append(head);
      const list = element("dl");
      for (const { column, label, note } of meta.tooltip) {
        const value = this.store.value(column, row);
        const text = value === null || value === "" ? meta.missing : typeof value === "number" ? this.format.format(value) : value;
        const entry = element("dd");
        entry.append(element("bdi", text));
        const added = note ? this.store.value(note, row) : null;
        if (added !== null && added !== "") entry.append(` (${added})`);
        list.append(element("dt", label), entry);
      }
      for (const theme of meta.themes.filter((one) => one.told)) {
        const entry = element("dd");
        entry.append(element("bdi", this.store.text("t:" + theme.key, row)));
        list.append(element("dt", theme.title), entry);
      }
      content.append(list);
      if (!this.store.units.drawn(row)) content.append(element("p", meta.outline_missing));
      return content;
    },

    _shape(row) {
      const rings = [];
      const add = (x, y) => rings[rings.length - 1].push(this.latLng(x, y));
      this.store.units.trace(row, 0, (x, y) => { rings.push([]); add(x, y); }, add, () => {});
      return rings.map((ring) => [...ring, ring[0]]);
    },

    _mark(kind, row) {
      if (this[kind] === row) return;
      this[kind] = row;
      const layer = "_" + kind;
      if (this[layer]) this[layer].remove();
      this[layer] = null;
      if (row < 0 || !this.store.units.drawn(row)) return;
      const style = { interactive: false, color: "#000000", weight: kind === "selected" ? 3.5 : 2, smoothFactor: 0.5 };
      this[layer] = L.polyline(this._shape(row), style).addTo(this._map);
    },

    _hover(event) {
      if (event.originalEvent.pointerType === "touch") return;
      this.pointer = event;
      if (this.pending) return;
      this.pending = requestAnimationFrame(() => {
        this.pending = 0;
        if (!this.pointer || !this._map) return;
        const row = this.rowAt(this.pointer.latlng);
        if (row !== this.hovered) {
          this._mark("hovered", row);
          if (row >= 0) this.tip.show(this.describe(row), this.pointer.containerPoint);
          else if (this.selected < 0 || !this.anchor) this.tip.hide();
          else this.tip.show(this.describe(this.selected), this._map.latLngToContainerPoint(this.anchor));
        } else if (row >= 0) this.tip.place(this.pointer.containerPoint);
      });
    },

    _leave() {
      this.pointer = null;
      this._mark("hovered", -1);
      if (this.selected < 0) this.tip.hide();
    },

    _click(event) {
      const row = this.rowAt(event.latlng);
      this.select(row, { move: false });
      if (row >= 0) {
        this.anchor = event.latlng;
        this.tip.place(event.containerPoint);
      }
    },

    _moved() {
      if (this.selected >= 0 && this.hovered < 0 && this.anchor) this.tip.place(this._map.latLngToContainerPoint(this.anchor));
    },

    _permalink() {
      const wanted = new URLSearchParams(location.hash.slice(1)).get("insee");
      const row = wanted ? this.store.row(wanted) : -1;
      if (row >= 0) this.select(row);
    },
  });

  cptsgeo.communeLayer = (identifier) => new CommuneLayer(identifier);
  cptsgeo.element = element;
})(window.cptsgeo);
