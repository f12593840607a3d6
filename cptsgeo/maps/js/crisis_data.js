/* Reads the resources of a crisis kit; measures distances and bearings; knows which are shown. */
(function (cptsgeo) {
  "use strict";
  const RADIUS_KM = 6371.0088;
  const rad = (degrees) => (degrees * Math.PI) / 180;

  /* Great-circle distance in kilometres between two places, each [latitude, longitude]. */
  cptsgeo.distance = function (a, b) {
    const across = Math.sin(rad(b[0] - a[0]) / 2) ** 2 + Math.cos(rad(a[0])) * Math.cos(rad(b[0])) * Math.sin(rad(b[1] - a[1]) / 2) ** 2;
    return 2 * RADIUS_KM * Math.asin(Math.min(1, Math.sqrt(across)));
  };

  /* Initial bearing in degrees, 0 to the north, 90 to the east. */
  cptsgeo.bearing = function (a, b) {
    const turn = rad(b[1] - a[1]);
    const y = Math.sin(turn) * Math.cos(rad(b[0]));
    const x = Math.cos(rad(a[0])) * Math.sin(rad(b[0])) - Math.sin(rad(a[0])) * Math.cos(rad(b[0])) * Math.cos(turn);
    return (Math.atan2(y, x) * 180 / Math.PI + 360) % 360;
  };

  /* Reads "14.61, -61.07", "14,61 ; -61,07" or "14.61 N 61.07 O": latitude first. Returns null when it is no place. */
  cptsgeo.coordinates = function (text) {
    const numbers = text.match(/[-+]?\d+(?:[.,]\d+)?/g) || [];
    if (numbers.length !== 2) return null;
    let [latitude, longitude] = numbers.map((one) => Number(one.replace(",", ".")));
    if (/\d\s*°?\s*S\b/i.test(text)) latitude = -Math.abs(latitude);
    if (/\d\s*°?\s*[OW]\b/i.test(text)) longitude = -Math.abs(longitude);
    return Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180 ? [latitude, longitude] : null;
  };

  /* Places of a line from its steps of 0.00001 degree. */
  function places(steps) {
    const line = [];
    let latitude = 0, longitude = 0;
    for (let at = 0; at < steps.length; at += 2) {
      latitude += steps[at];
      longitude += steps[at + 1];
      line.push([latitude / 1e5, longitude / 1e5]);
    }
    return line;
  }

  class Resources {
    constructor(content) {
      this.columns = content.columns;
      this.communes = content.communes;
      this.hazards = content.hazards;
      this.roads = content.roads.map(({ class: name, lines }) => ({ name, lines: lines.map(places) }));
      this.kinds = content.kinds;
      this.count = this.columns.resource_id.length;
      this.rowOf = new Map(this.columns.resource_id.map((identifier, row) => [identifier, row]));
      this.x = new Float64Array(this.count);
      this.y = new Float64Array(this.count);
      for (let row = 0; row < this.count; row++) {
        const point = L.CRS.EPSG3857.latLngToPoint(L.latLng(this.place(row)), 0);
        this.x[row] = point.x;
        this.y[row] = point.y;
      }
      this.shown = new Uint8Array(this.count).fill(1);
      this.names = null;
    }

    get(name, row) {
      return this.columns[name][row];
    }

    place(row) {
      return [this.columns.latitude[row], this.columns.longitude[row]];
    }

    commune(row) {
      return this.communes[this.columns.insee_code[row]] || this.columns.insee_code[row];
    }

    kind(row) {
      return this.kinds[this.columns.kind[row]];
    }

    /* Shows the resources of some kinds and statuses, in one commune or in all ("" for all). */
    filter({ kinds, statuses, commune }, statusOf) {
      const { kind, insee_code: codes } = this.columns;
      let count = 0;
      for (let row = 0; row < this.count; row++) {
        const shown = kinds.has(kind[row]) && (!commune || codes[row] === commune) && statuses.has(statusOf(row));
        this.shown[row] = shown ? 1 : 0;
        if (shown) count++;
      }
      return count;
    }

    rows() {
      const rows = [];
      for (let row = 0; row < this.count; row++) if (this.shown[row]) rows.push(row);
      return rows;
    }

    /* The nearest shown resources of each kind: [kind, [[row, kilometres], …]] in the order of the nomenclature. */
    nearest(origin, many, accepts) {
      const found = this.kinds.map(() => []);
      for (let row = 0; row < this.count; row++) {
        if (!this.shown[row] || !accepts(row)) continue;
        const list = found[this.columns.kind[row]];
        const distance = cptsgeo.distance(origin, this.place(row));
        if (list.length === many && distance >= list[many - 1][1]) continue;
        list.push([row, distance]);
        list.sort((a, b) => a[1] - b[1] || a[0] - b[0]);
        if (list.length > many) list.pop();
      }
      return found.map((list, kind) => [kind, list]).filter(([, list]) => list.length);
    }

    /* Folds the names once, before the first search or when the browser has nothing else to do. */
    fold() {
      if (this.names) return;
      const { plain } = cptsgeo;
      this.communeNames = Object.entries(this.communes).map(([code, name]) => [code, plain(name)]);
      const communes = new Map(this.communeNames);
      const kinds = this.kinds.map((kind) => plain(kind.label));
      const { insee_code: codes, kind, name } = this.columns;
      this.names = name.map((one, row) => [plain(one), communes.get(codes[row]) || "", kinds[kind[row]]]);
    }

    /* Finds resources by name, commune or kind, and communes; whatever the accents. */
    search(text, many) {
      const { plain } = cptsgeo;
      const wanted = plain(text);
      if (!wanted) return { found: [], total: 0 };
      this.fold();
      const found = [];
      const parts = wanted.split(" ");
      for (const [code, name] of this.communeNames) {
        if (name.includes(wanted) || code === text.trim()) found.push([name.startsWith(wanted) ? 0 : 3, { commune: code }]);
      }
      for (let row = 0; row < this.count; row++) {
        const [name, commune, kind] = this.names[row];
        const at = name.indexOf(wanted);
        if (at >= 0) found.push([at === 0 ? 1 : 2, { row }]);
        else if (parts.every((part) => name.includes(part) || commune.includes(part) || kind.includes(part))) found.push([4, { row }]);
      }
      const total = found.length;
      found.sort((a, b) => a[0] - b[0]);
      return { found: found.slice(0, many).map((one) => one[1]), total };
    }
  }

  cptsgeo.openResources = async function (identifier) {
    const bytes = await cptsgeo.bytes(identifier);
    return new Resources(JSON.parse(new TextDecoder().decode(bytes)));
  };
})(window.cptsgeo);
