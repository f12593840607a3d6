/* The status board: who said what of which resource, and when. Kept in the browser, carried on a USB stick, merged. */
(function (cptsgeo) {
  "use strict";
  const FORMAT = "cptsgeo status 1";
  const STATUSES = ["ouvert", "degrade", "ferme", "inconnu"];
  const FUTURE_MS = 10 * 60 * 1000; /* clocks of two computers differ a little */
  const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z$/;

  /* A sum that shows damage and careless edits; it is no seal against someone who means harm. */
  function checksum(text) {
    let a = 0xdeadbeef, b = 0x41c6ce57;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      a = Math.imul(a ^ code, 2654435761);
      b = Math.imul(b ^ code, 1597334677);
    }
    a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
    b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
    return (4294967296 * (2097151 & b) + (a >>> 0)).toString(16).padStart(14, "0");
  }

  const text = (value, longest) => typeof value === "string" && value.length <= longest;
  const key = (one) => [one.at, one.author, one.status, one.note, one.resource].join("\n");
  const later = (a, b) => (a.at !== b.at ? a.at > b.at : key(a) > key(b));

  function valid(one, now) {
    return one !== null && typeof one === "object" && text(one.resource, 80) && STATUSES.includes(one.status) && text(one.at, 30) && TIME.test(one.at)
      && !Number.isNaN(Date.parse(one.at)) && Date.parse(one.at) <= now + FUTURE_MS && text(one.author, 80) && one.author.trim() !== "" && text(one.note, 300);
  }

  class Board {
    constructor(kit, knows) {
      this.kit = kit;
      this.knows = knows;
      this.storage = "cptsgeo status " + kit;
      this.statements = new Map(); /* key to statement: the union of two boards is theirs */
      this.latest = new Map();
      this.kept = true;
      this.#load();
    }

    #add(one) {
      this.statements.set(key(one), one);
      const known = this.latest.get(one.resource);
      if (!known || later(one, known)) this.latest.set(one.resource, one);
    }

    #load() {
      try {
        const kept = localStorage.getItem(this.storage);
        if (kept) for (const one of JSON.parse(kept)) if (valid(one, Date.now())) this.#add(one);
      } catch (_problem) {
        this.kept = false;
      }
    }

    #save() {
      try {
        localStorage.setItem(this.storage, JSON.stringify([...this.statements.values()]));
        this.kept = true;
      } catch (_problem) {
        this.kept = false;
      }
    }

    state(resource, status, author, note) {
      const one = { resource, status, at: new Date().toISOString(), author: author.trim().slice(0, 80), note: note.trim().slice(0, 300) };
      this.#add(one);
      this.#save();
      return one;
    }

    export() {
      const statements = [...this.statements.values()].sort((a, b) => (key(a) < key(b) ? -1 : 1));
      return JSON.stringify({ format: FORMAT, kit: this.kit, checksum: checksum(this.kit + JSON.stringify(statements)), statements }, null, 1) + "\n";
    }

    /* Merges the text of a status file. Returns { problem } and changes nothing, or { added, unknown, conflicts }. */
    merge(content) {
      let file;
      try {
        file = JSON.parse(content);
      } catch (_problem) {
        return { problem: "unreadable" };
      }
      if (file === null || typeof file !== "object" || file.format !== FORMAT || !Array.isArray(file.statements)) return { problem: "unreadable" };
      if (file.kit !== this.kit) return { problem: "other_kit" };
      const now = Date.now();
      if (!file.statements.every((one) => valid(one, now))) return { problem: "tampered" };
      const statements = file.statements.map(({ resource, status, at, author, note }) => ({ resource, status, at, author, note }));
      if (file.checksum !== checksum(this.kit + JSON.stringify(statements))) return { problem: "tampered" };
      const theirs = new Map();
      for (const one of statements) if (!theirs.has(one.resource) || later(one, theirs.get(one.resource))) theirs.set(one.resource, one);
      const conflicts = [];
      for (const [resource, one] of theirs) {
        const own = this.latest.get(resource);
        if (!own || !this.knows(resource) || own.status === one.status) continue;
        conflicts.push(later(one, own) ? { resource, kept: one, aside: own } : { resource, kept: own, aside: one });
      }
      const before = this.statements.size;
      const unknown = [];
      for (const one of statements) {
        if (this.knows(one.resource)) this.#add(one);
        else unknown.push(one.resource);
      }
      this.#save();
      return { added: this.statements.size - before, unknown: [...new Set(unknown)], conflicts };
    }
  }

  cptsgeo.Board = Board;
  cptsgeo.STATUSES = STATUSES;
})(window.cptsgeo);
