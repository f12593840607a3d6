/* Draws resources on one canvas over the map, gathered where they crowd, and tells which lie under the pointer. */
(function (cptsgeo) {
  "use strict";
  const RADIUS = 11;
  const CELL = 46; /* pixels: resources in one cell are drawn as one */
  const APART = 26; /* pixels between two marks */
  const RINGS = { ouvert: "#1a7f37", degrade: "#d97706", ferme: "#b00020", inconnu: "#6b7280" };

  /* A mark says three things without colour alone: the glyph is the kind, the shape the precision, the bars the status. */
  function mark(context, x, y, kind, precision, status, glyph) {
    context.save();
    context.translate(x, y);
    context.beginPath();
    if (precision === "commune") {
      context.moveTo(0, -RADIUS - 2);
      context.lineTo(RADIUS + 2, 0);
      context.lineTo(0, RADIUS + 2);
      context.lineTo(-RADIUS - 2, 0);
      context.closePath();
      context.fillStyle = "#ffffff";
    } else {
      context.arc(0, 0, RADIUS, 0, 7);
      context.fillStyle = kind.color;
    }
    context.fill();
    context.lineWidth = 3;
    context.strokeStyle = RINGS[status];
    context.setLineDash(precision === "exact" ? [] : [4, 2]);
    context.stroke();
    context.setLineDash([]);
    const size = precision === "commune" ? 0.55 : 0.68;
    context.scale(size, size);
    context.translate(-12, -12);
    context.lineWidth = 2.6;
    context.lineCap = context.lineJoin = "round";
    context.strokeStyle = precision === "commune" ? kind.color : "#ffffff";
    context.stroke(glyph);
    context.restore();
    if (status === "ferme" || status === "degrade") {
      context.strokeStyle = RINGS[status];
      context.lineWidth = 3;
      context.beginPath();
      context.moveTo(x - RADIUS, y + RADIUS);
      context.lineTo(x + RADIUS, y - RADIUS);
      if (status === "ferme") {
        context.moveTo(x - RADIUS, y - RADIUS);
        context.lineTo(x + RADIUS, y + RADIUS);
      }
      context.stroke();
    }
  }

  function crowd(context, x, y, members, closed) {
    const radius = 13 + Math.min(9, Math.log2(members));
    context.beginPath();
    context.arc(x, y, radius, 0, 7);
    context.fillStyle = "rgba(28, 45, 66, .88)";
    context.fill();
    context.lineWidth = 3;
    context.strokeStyle = closed ? RINGS.ferme : "#ffffff";
    context.stroke();
    context.fillStyle = "#ffffff";
    context.font = `700 ${members > 999 ? 11 : 13}px system-ui, sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(String(members), x, y + 0.5);
    return radius;
  }

  const ResourceLayer = L.Layer.extend({
    initialize(resources, statusOf) {
      this.resources = resources;
      this.statusOf = statusOf;
      this.glyphs = resources.kinds.map((kind) => new Path2D(kind.icon));
      this.drawn = [];
      this.selected = -1;
      this.origin = null;
    },

    onAdd(map) {
      this.canvas = L.DomUtil.create("canvas", "cz-marks leaflet-zoom-hide", map.getPane("overlayPane"));
      this.canvas.setAttribute("aria-hidden", "true");
      map.on("moveend zoomend viewreset resize", this.redraw, this);
      this.redraw();
    },

    onRemove(map) {
      this.canvas.remove();
      map.off("moveend zoomend viewreset resize", this.redraw, this);
    },

    /* Gathers the shown resources of a view in pixels; `scale` brings the world of zoom 0 to pixels. */
    gather(scale, left, top, width, height, apart) {
      const { x, y, shown, count } = this.resources;
      const margin = CELL;
      const cells = new Map();
      const wide = Math.ceil(width / CELL) + 4;
      for (let row = 0; row < count; row++) {
        if (!shown[row]) continue;
        const px = x[row] * scale - left, py = y[row] * scale - top;
        if (px < -margin || py < -margin || px > width + margin || py > height + margin) continue;
        const cell = apart
          ? x[row] * 1e7 + y[row] * 1e3 /* the same place only */
          : Math.floor((px + left % CELL) / CELL) + 2 + wide * (Math.floor((py + top % CELL) / CELL) + 2);
        const known = cells.get(cell);
        if (known) {
          known.rows.push(row);
          known.x += px;
          known.y += py;
        } else cells.set(cell, { rows: [row], x: px, y: py });
      }
      return apart ? [...cells.values()] : this.merged([...cells.values()]);
    },

    /* Joins groups whose marks would cover each other. */
    merged(groups) {
      const kept = [];
      for (const group of groups.sort((a, b) => b.rows.length - a.rows.length)) {
        const x = group.x / group.rows.length, y = group.y / group.rows.length;
        const near = kept.find((one) => Math.abs(one.x / one.rows.length - x) < APART && Math.abs(one.y / one.rows.length - y) < APART);
        if (near) {
          near.rows.push(...group.rows);
          near.x += group.x;
          near.y += group.y;
        } else kept.push(group);
      }
      return kept;
    },

    paint(context, groups) {
      const drawn = [];
      for (const { rows, x, y } of groups) {
        const at = { rows, x: x / rows.length, y: y / rows.length, radius: RADIUS + 3 };
        if (rows.length === 1) {
          const row = rows[0];
          mark(context, at.x, at.y, this.resources.kind(row), this.resources.get("position_precision", row), this.statusOf(row), this.glyphs[this.resources.get("kind", row)]);
        } else {
          at.radius = crowd(context, at.x, at.y, rows.length, rows.some((row) => this.statusOf(row) === "ferme"));
        }
        drawn.push(at);
      }
      return drawn;
    },

    redraw() {
      const map = this._map;
      if (!map) return;
      const size = map.getSize();
      const density = window.devicePixelRatio || 1;
      this.canvas.width = size.x * density;
      this.canvas.height = size.y * density;
      this.canvas.style.width = size.x + "px";
      this.canvas.style.height = size.y + "px";
      L.DomUtil.setPosition(this.canvas, map.containerPointToLayerPoint([0, 0]));
      const context = this.canvas.getContext("2d");
      context.setTransform(density, 0, 0, density, 0, 0);
      const zoom = map.getZoom();
      const corner = map.project(map.containerPointToLatLng([0, 0]), zoom);
      this.drawn = this.paint(context, this.gather(2 ** zoom, corner.x, corner.y, size.x, size.y, zoom >= 14));
      if (this.selected >= 0) {
        const at = map.latLngToContainerPoint(this.resources.place(this.selected));
        context.beginPath();
        context.arc(at.x, at.y, RADIUS + 7, 0, 7);
        context.lineWidth = 3;
        context.strokeStyle = "#000000";
        context.stroke();
      }
      if (this.origin) {
        const at = map.latLngToContainerPoint(this.origin);
        context.lineWidth = 3;
        context.strokeStyle = "#000000";
        context.beginPath();
        context.moveTo(at.x - 12, at.y);
        context.lineTo(at.x + 12, at.y);
        context.moveTo(at.x, at.y - 12);
        context.lineTo(at.x, at.y + 12);
        context.stroke();
      }
      document.documentElement.dataset.marks = String(this.drawn.length);
    },

    /* Boxes of the screen that marks cover: left, top, right, bottom. */
    boxes() {
      return this.drawn.map(({ x, y, radius }) => [x - radius, y - radius, x + radius, y + radius]);
    },

    /* The group of resources under a point of the map, or null. */
    at(point) {
      for (let index = this.drawn.length - 1; index >= 0; index--) {
        const one = this.drawn[index];
        if ((one.x - point.x) ** 2 + (one.y - point.y) ** 2 <= one.radius ** 2) return one;
      }
      return null;
    },
  });

  /* Draws a mark on a small canvas of the legend. */
  cptsgeo.legendMark = function (canvas, kind, precision, status) {
    const density = window.devicePixelRatio || 1;
    canvas.width = canvas.height = 28 * density;
    const context = canvas.getContext("2d");
    context.setTransform(density, 0, 0, density, 0, 0);
    mark(context, 14, 14, kind, precision, status, new Path2D(kind.icon));
  };

  /* Lines of latitude and longitude with their degrees, for print. */
  cptsgeo.graticule = function (context, bounds, width, height, project) {
    const spans = [bounds.getEast() - bounds.getWest(), bounds.getNorth() - bounds.getSouth()];
    const step = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5].find((one) => Math.max(...spans) / one <= 9) || 10;
    const digits = step < 0.1 ? 2 : step < 1 ? 1 : 0;
    const label = (value) => value.toFixed(digits) + "°";
    context.strokeStyle = "rgba(0, 0, 0, .45)";
    context.fillStyle = "#000000";
    context.lineWidth = 0.7;
    context.font = "11px system-ui, sans-serif";
    context.textAlign = "left";
    context.textBaseline = "top";
    let lines = 0;
    for (let at = Math.ceil(bounds.getWest() / step) * step; at <= bounds.getEast(); at += step) {
      const { x } = project(L.latLng(bounds.getCenter().lat, at));
      context.beginPath();
      context.moveTo(x, 0);
      context.lineTo(x, height);
      context.stroke();
      context.fillText(label(at), x + 3, 2);
      lines++;
    }
    for (let at = Math.ceil(bounds.getSouth() / step) * step; at <= bounds.getNorth(); at += step) {
      const { y } = project(L.latLng(at, bounds.getCenter().lng));
      context.beginPath();
      context.moveTo(0, y);
      context.lineTo(width, y);
      context.stroke();
      context.fillText(label(at), 3, y + 2);
      lines++;
    }
    return lines;
  };

  cptsgeo.ResourceLayer = ResourceLayer;
})(window.cptsgeo);
