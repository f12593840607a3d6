/* Names the most populous communes of the view, where there is room: our own basemap has no network to ask. */
(function (cptsgeo) {
  "use strict";
  const MOST = 14;
  const LETTER = 6.6; /* usual width of a letter at 12 px */

  cptsgeo.startTowns = function (map, store, layer) {
    const pane = cptsgeo.element("div", undefined, "cg-towns");
    pane.setAttribute("aria-hidden", "true");
    map.getContainer().append(pane);
    const { units } = store;
    let order = null;

    function byPopulation() {
      const population = Float64Array.from({ length: store.rows }, (_, row) => store.value("population", row) || 0);
      return Array.from(population.keys()).filter((row) => units.drawn(row)).sort((a, b) => population[b] - population[a]);
    }

    function draw() {
      order = order || byPopulation();
      const size = map.getSize();
      const most = Math.min(MOST, Math.round((size.x * size.y) / 40000));
      const west = layer.grid(map.containerPointToLatLng([0, 0])), east = layer.grid(map.containerPointToLatLng(size));
      const taken = [], labels = [];
      for (const row of order) {
        if (labels.length >= most) break;
        const [left, top, right, bottom] = units.unitBox.subarray(row * 4, row * 4 + 4);
        const x = (left + right) / 2, y = (top + bottom) / 2;
        if (x < west.x || x > east.x || y < west.y || y > east.y) continue;
        const place = map.latLngToContainerPoint(layer.latLng(x, y));
        const name = store.value(store.meta.name, row);
        const half = (name.length * LETTER) / 2 + 3;
        const box = [place.x - half, place.y - 9, place.x + half, place.y + 9];
        if (box[0] < 2 || box[1] < 2 || box[2] > size.x - 2 || box[3] > size.y - 2) continue;
        if (taken.some((other) => box[0] < other[2] && box[2] > other[0] && box[1] < other[3] && box[3] > other[1])) continue;
        taken.push(box);
        const label = cptsgeo.element("span", name);
        label.dir = "auto";
        label.style.transform = `translate(${Math.round(place.x)}px, ${Math.round(place.y)}px) translate(-50%, -50%)`;
        labels.push(label);
      }
      pane.replaceChildren(...labels);
      pane.hidden = false;
    }

    map.on("movestart zoomstart", () => { pane.hidden = true; });
    map.on("moveend", draw);
    draw();
  };
})(window.cptsgeo);
