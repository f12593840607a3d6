/* Reads the block that cptsgeo/maps/codec.py wrote: outlines and columns, in typed arrays. */
window.cptsgeo = window.cptsgeo || {};
(function (cptsgeo) {
  "use strict";

  async function inflate(text) {
    const binary = atob(text);
    const bytes = new Uint8Array(binary.length);
    for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
    const stream = new DecompressionStream("deflate");
    const writer = stream.writable.getWriter();
    writer.write(bytes).then(() => writer.close()).catch(() => {}); /* a broken block fails where it is read */
    return new Uint8Array(await new Response(stream.readable).arrayBuffer());
  }

  /* Reads `count` variable-length integers from a section. */
  function varints(section, count) {
    const out = new Int32Array(count);
    let at = 0;
    for (let i = 0; i < count; i++) {
      let byte = section[at++];
      let value = byte & 127;
      for (let shift = 7; byte > 127; shift += 7) {
        byte = section[at++];
        value |= (byte & 127) << shift;
      }
      out[i] = value;
    }
    return out;
  }

  /* Undoes zigzag and differences in place. */
  function accumulate(values) {
    let sum = 0;
    for (let i = 0; i < values.length; i++) {
      sum += (values[i] >>> 1) ^ -(values[i] & 1);
      values[i] = sum;
    }
    return values;
  }

  /* Reads two-bit numbers, four in a byte. */
  function unpack(section, count) {
    const out = new Uint8Array(count);
    for (let i = 0; i < count; i++) out[i] = (section[i >> 2] >> ((i & 3) * 2)) & 3;
    return out;
  }

  /* Turns sizes into starts: one more entry than sizes, the last is the total. */
  function starts(sizes) {
    const out = new Int32Array(sizes.length + 1);
    for (let i = 0; i < sizes.length; i++) out[i + 1] = out[i] + sizes[i];
    return out;
  }

  /* A set of polygons with shared borders. `ringStart[unit]`, `refStart[ring]`, `refs`: arc * 2 + (1 when walked backwards). */
  class Coverage {
    constructor(info, next) {
      this.bits = info.bits;
      this.units = info.units;
      this.arcs = info.arcs;
      this.ringStart = starts(varints(next(), info.units));
      this.refStart = starts(varints(next(), info.rings));
      this.refs = this.#references(varints(next(), info.refs));
      const arcStart = starts(varints(next(), info.arcs));
      const x = accumulate(varints(next(), info.points));
      const y = accumulate(varints(next(), info.points));
      const xy = new Int32Array(info.points * 2);
      for (let i = 0; i < info.points; i++) {
        xy[i * 2] = x[i];
        xy[i * 2 + 1] = y[i];
      }
      const rank = unpack(next(), info.points);
      this.levels = [{ start: arcStart, xy }];
      for (let level = 1; level < info.levels; level++) this.levels.push(this.#level(level, arcStart, xy, rank));
      this.#boxes();
    }

    #references(coded) {
      let newest = -1;
      for (let i = 0; i < coded.length; i++) {
        const code = coded[i];
        coded[i] = code === 0 ? ++newest * 2 : (newest - ((code - 1) >> 1)) * 2 + ((code - 1) & 1);
      }
      return coded;
    }

    /* Keeps the points whose rank reaches this level: `xy` holds pairs, `start[arc]` counts points. */
    #level(level, arcStart, from, rank) {
      let kept = 0;
      for (let i = 0; i < rank.length; i++) if (rank[i] >= level) kept++;
      const start = new Int32Array(arcStart.length);
      const xy = new Int32Array(kept * 2);
      for (let arc = 0, at = 0; arc + 1 < arcStart.length; arc++) {
        for (let i = arcStart[arc]; i < arcStart[arc + 1]; i++) {
          if (rank[i] < level) continue;
          xy[at++] = from[i * 2];
          xy[at++] = from[i * 2 + 1];
        }
        start[arc + 1] = at >> 1;
      }
      return { start, xy };
    }

    /* Boxes (west, north, east, south) of arcs, of units, and of groups of 64 units: these follow each other by code. */
    #boxes() {
      const { start, xy } = this.levels[0];
      this.arcBox = boxes(this.arcs);
      this.unitBox = boxes(this.units);
      this.groupBox = boxes(Math.ceil(this.units / 64));
      const box = this.arcBox;
      for (let arc = 0, at = 0; arc < this.arcs; arc++, at += 4) {
        for (let i = start[arc] * 2; i < start[arc + 1] * 2; i += 2) {
          const x = xy[i], y = xy[i + 1];
          if (x < box[at]) box[at] = x;
          if (y < box[at + 1]) box[at + 1] = y;
          if (x > box[at + 2]) box[at + 2] = x;
          if (y > box[at + 3]) box[at + 3] = y;
        }
      }
      for (let unit = 0; unit < this.units; unit++) {
        const end = this.refStart[this.ringStart[unit + 1]];
        for (let ref = this.refStart[this.ringStart[unit]]; ref < end; ref++) widen(this.unitBox, unit, box, this.refs[ref] >> 1);
        widen(this.groupBox, unit >> 6, this.unitBox, unit);
      }
    }

    drawn(unit) {
      return this.ringStart[unit + 1] > this.ringStart[unit];
    }

    /* Lists the units whose box meets a box given in grid steps. */
    search(west, north, east, south) {
      const found = [];
      for (let group = 0; group * 4 < this.groupBox.length; group++) {
        if (!meets(this.groupBox, group, west, north, east, south)) continue;
        const end = Math.min(this.units, (group + 1) << 6);
        for (let unit = group << 6; unit < end; unit++) if (meets(this.unitBox, unit, west, north, east, south)) found.push(unit);
      }
      return found;
    }

    /* Calls `move(x, y)` and `line(x, y)` along each ring of a unit. */
    trace(unit, level, move, line, close) {
      const { start, xy } = this.levels[level];
      for (let ring = this.ringStart[unit]; ring < this.ringStart[unit + 1]; ring++) {
        let first = true;
        for (let at = this.refStart[ring]; at < this.refStart[ring + 1]; at++) {
          const arc = this.refs[at] >> 1;
          const back = this.refs[at] & 1;
          let i = back ? start[arc + 1] * 2 - 2 : start[arc] * 2;
          const end = back ? start[arc] * 2 - 2 : start[arc + 1] * 2;
          const step = back ? -2 : 2;
          if (!first) i += step;
          for (; i !== end; i += step) {
            if (first) { move(xy[i], xy[i + 1]); first = false; } else line(xy[i], xy[i + 1]);
          }
        }
        close();
      }
    }

    /* Finds the unit under a point given in grid steps, or -1. */
    at(x, y, level) {
      for (const unit of this.search(x, y, x, y)) {
        let inside = false, fromX = 0, fromY = 0, startX = 0, startY = 0;
        const cross = (toX, toY) => {
          if ((fromY > y) !== (toY > y) && x < ((toX - fromX) * (y - fromY)) / (toY - fromY) + fromX) inside = !inside;
          fromX = toX;
          fromY = toY;
        };
        this.trace(unit, level, (mx, my) => { startX = fromX = mx; startY = fromY = my; }, cross, () => cross(startX, startY));
        if (inside) return unit;
      }
      return -1;
    }
  }

  function boxes(count) {
    const box = new Int32Array(count * 4);
    for (let i = 0; i < box.length; i += 4) {
      box[i] = box[i + 1] = 2147483647;
      box[i + 2] = box[i + 3] = -2147483648;
    }
    return box;
  }

  function widen(box, into, other, from) {
    into *= 4;
    from *= 4;
    if (other[from] < box[into]) box[into] = other[from];
    if (other[from + 1] < box[into + 1]) box[into + 1] = other[from + 1];
    if (other[from + 2] > box[into + 2]) box[into + 2] = other[from + 2];
    if (other[from + 3] > box[into + 3]) box[into + 3] = other[from + 3];
  }

  function meets(box, index, west, north, east, south) {
    index *= 4;
    return box[index] <= east && box[index + 2] >= west && box[index + 1] <= south && box[index + 3] >= north;
  }

  /* Columns of the units: `get` returns a text, or a number, or null when it is missing. */
  class Column {
    constructor(info, section, rows) {
      this.texts = info.texts || null;
      this.lowest = info.lowest || 0;
      const numbers = varints(section, rows);
      this.numbers = this.texts && this.texts.length < 65536 ? new Uint16Array(numbers) : numbers;
    }

    get(row) {
      const number = this.numbers[row];
      if (this.texts) return this.texts[number];
      return number === 0 ? null : number + this.lowest - 1;
    }
  }

  class Store {
    constructor(bytes) {
      const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
      const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
      let at = 4 + length, index = 0;
      const next = () => bytes.subarray(at, (at += header.sections[index++]));
      this.rows = header.rows;
      this.meta = header.meta;
      this.coverages = header.coverages.map((info) => new Coverage(info, next));
      this.units = this.coverages[0];
      this.land = this.meta.land && this.coverages[this.meta.land.coverage];
      this.columns = new Map();
      for (const [name, info] of Object.entries(header.columns)) this.columns.set(name, new Column(info, next(), header.rows));
      this.outlines = header.outlines.map((info) => {
        const sizes = varints(next(), info.names.length);
        const total = sizes.reduce((sum, size) => sum + size, 0);
        return { title: info.title, names: info.names, coverage: this.coverages[info.coverage], arcs: accumulate(varints(next(), total)) };
      });
    }

    value(name, row) {
      return this.columns.get("c:" + name).get(row);
    }

    /* What a row says in a column of the units ("c:…") or, as the label of its class, in a theme ("t:…"). */
    text(column, row) {
      if (!column.startsWith("t:")) return this.value(column, row);
      return this.meta.themes.find((theme) => "t:" + theme.key === column).classes[this.columns.get(column).get(row)].label;
    }

    classes(theme) {
      return this.columns.get("t:" + this.meta.themes[theme].key);
    }

    /* Finds the row of an identifier, or -1. */
    row(identifier) {
      const column = this.columns.get("c:" + this.meta.id);
      if (!column.texts) return -1;
      const number = column.texts.indexOf(identifier);
      return number < 0 ? -1 : column.numbers.indexOf(number);
    }
  }

  /* Inflates a block of the page, and empties its element to free the memory. */
  cptsgeo.bytes = async function (identifier) {
    const element = document.getElementById(identifier);
    const bytes = await inflate(JSON.parse(element.textContent).deflate);
    element.textContent = "";
    return bytes;
  };

  cptsgeo.open = async (identifier) => new Store(await cptsgeo.bytes(identifier));
})(window.cptsgeo);
