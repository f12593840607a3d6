/* A second theme on the right of a line that the reader moves: two dates, two definitions. */
(function (cptsgeo) {
  "use strict";

  /* Returns `show(index)`, which draws a theme on the right of the line, or takes the line away for -1. */
  cptsgeo.startSwipe = function (map, layer, words) {
    const { element } = cptsgeo;
    const frame = document.querySelector(".cg-map");
    const line = element("div", undefined, "cg-line");
    const range = element("input", undefined, "cg-divider");
    const sides = ["left", "right"].map((side) => element("p", undefined, "cg-side cg-side-" + side));
    line.setAttribute("aria-hidden", "true");
    Object.assign(range, { type: "range", min: 0, max: 100, value: 50 });
    range.setAttribute("aria-label", words.divider);
    const parts = [line, range, ...sides];
    let other = null;

    /* Cuts both drawings along the line; what is cut is given in the pixels of the moving pane. */
    function cut() {
      if (!other) return;
      const size = map.getSize();
      const from = map.containerPointToLayerPoint([0, 0]), to = map.containerPointToLayerPoint(size);
      const across = from.x + Math.round((size.x * range.value) / 100);
      const box = (left, right) => `polygon(${left}px ${from.y}px, ${right}px ${from.y}px, ${right}px ${to.y}px, ${left}px ${to.y}px)`;
      layer.tiles.getContainer().style.clipPath = box(from.x, across);
      other.getContainer().style.clipPath = box(across, to.x);
      line.style.left = range.value + "%";
    }

    function name() {
      if (!other) return;
      [layer.painter, other.painter].forEach((painter, at) => { sides[at].textContent = layer.store.meta.themes[painter.theme].title; });
    }

    range.addEventListener("input", cut);
    map.on("move zoom viewreset resize zoomend moveend", cut);
    layer.on("theme", () => {
      name();
      if (other) other.repaint();
    });

    return function (index) {
      if (!map.hasLayer(layer.tiles)) return; /* nothing is drawn */
      if (index < 0) {
        if (other) other.remove();
        other = layer.beside = null;
        parts.forEach((part) => part.remove());
        layer.tiles.getContainer().style.clipPath = "";
        return;
      }
      if (!other) {
        other = layer.another();
        layer.beside = { painter: other.painter, share: () => range.value / 100 };
        other.addTo(map);
        frame.append(...parts);
      }
      other.painter.theme = index;
      other.repaint();
      name();
      cut();
    };
  };
})(window.cptsgeo);
