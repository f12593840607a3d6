/* Names the most populous communes of the view, where there is room: our own basemap has no network to ask. */
(function (cptsgeo) {
  "use strict";
  const MOST = 14;
  const LETTER = 6.6; /* usual width of a letter at 12 px */
  const WITHIN_CITIES = 11; /* zoom from which Paris, Lyon and Marseille are named by arrondissement */
  const ARRONDISSEMENT = /^(Paris|Lyon|Marseille) \d+er? Arrondissement$/i;

  /* `shifts` are pixels down from the centre, tried in turn; `occupied` gives boxes of the screen that no name may cover. Returns { draw, shown }: shown() lists [name, place, shift]. */
  cptsgeo.startTowns = function (map, store, layer, { shifts = [0], occupied = () => [] } = {}) {
    const pane = cptsgeo.element("div", undefined, "cg-towns");
    pane.setAttribute("aria-hidden", "true");
    map.getContainer().append(pane);
    const { units } = store;
    let order = null, shown = [];

    function byPopulation() {
      const population = Float64Array.from({ length: store.rows }, (_, row) => store.value("population", row) || 0);
      return Array.from(population.keys()).filter((row) => units.drawn(row)).sort((a, b) => population[b] - population[a]);
    }

    function draw() {
      order = order || byPopulation();
      const size = map.getSize();
      const most = Math.min(MOST, Math.round((size.x * size.y) / 40000));
      const west = layer.grid(map.containerPointToLatLng([0, 0])), east = layer.grid(map.containerPointToLatLng(size));
      const taken = occupied(), labels = [], cities = new Set();
      shown = [];
      for (const row of order) {
        if (labels.length >= most) break;
        const [left, top, right, bottom] = units.unitBox.subarray(row * 4, row * 4 + 4);
        const x = (left + right) / 2, y = (top + bottom) / 2;
        if (x < west.x || x > east.x || y < west.y || y > east.y) continue;
        const centre = layer.latLng(x, y);
        const middle = map.latLngToContainerPoint(centre);
        const own = store.value(store.meta.name, row);
        const [, city] = (map.getZoom() < WITHIN_CITIES && own.match(ARRONDISSEMENT)) || [];
        if (cities.has(city)) continue;
        const name = city || own;
        const half = (name.length * LETTER) / 2 + 3;
        const boxAt = (shift) => [middle.x - half, middle.y + shift - 9, middle.x + half, middle.y + shift + 9];
        const free = (box) => box[0] >= 2 && box[1] >= 2 && box[2] <= size.x - 2 && box[3] <= size.y - 2
          && !taken.some((other) => box[0] < other[2] && box[2] > other[0] && box[1] < other[3] && box[3] > other[1]);
        const shift = shifts.find((one) => free(boxAt(one)));
        if (shift === undefined) continue;
        taken.push(boxAt(shift));
        if (city) cities.add(city);
        const label = cptsgeo.element("span", name);
        label.dir = "auto";
        label.style.transform = `translate(${Math.round(middle.x)}px, ${Math.round(middle.y + shift)}px) translate(-50%, -50%)`;
        labels.push(label);
        shown.push([name, centre, shift]);
      }
      pane.replaceChildren(...labels);
      pane.hidden = false;
    }

    map.on("movestart zoomstart", () => { pane.hidden = true; });
    map.on("moveend", draw);
    draw();
    return { draw, shown: () => shown };
  };
})(window.cptsgeo);
