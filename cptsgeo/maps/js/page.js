/* Ties the map to the panel around it: themes, dates, outlines, territories, search, table, permalink, print. */
(function (cptsgeo) {
  "use strict";
  const VIEW = { width: 84, height: 72 };

  cptsgeo.startPage = function (map, layer) {
    const config = JSON.parse(document.getElementById("cg-config").textContent);
    const { words } = config;
    const wait = document.getElementById("cg-wait");
    if (new URLSearchParams(location.hash.slice(1)).has("embed")) {
      document.documentElement.classList.add("cg-embed");
      map.invalidateSize(false);
    }
    const corners = config.territories.map((bounds) => L.latLngBounds(bounds));

    if (corners.length) {
      L.control.zoom({ position: "topright", zoomInTitle: words.zoom_in, zoomOutTitle: words.zoom_out }).addTo(map);
      L.control.scale({ imperial: false }).addTo(map);
      map.fitBounds(corners[0], { padding: [14, 14], animate: false });
    }

    if (config.online) L.control.attribution({ prefix: false }).addTo(map);

    layer.ready.then((store) => {
      layer.tiles.setOpacity(config.opacity);
      const hash = new URLSearchParams(location.hash.slice(1));
      const asked = (name, otherwise) => {
        const index = store.meta.themes.findIndex((theme) => theme.key === hash.get(name));
        return index < 0 ? otherwise : index;
      };
      layer.painter.theme = asked("theme", config.start);
      startThemes(layer, cptsgeo.startSwipe(map, layer, words), asked("beside", config.beside));
      startWeights();
      startViews(map, layer, corners);
      cptsgeo.startSearch(store, words, (row) => layer.select(row));
      cptsgeo.startTable(store, config.columns, words);
      startPermalink(map, store, layer);
      startPrint(map, layer, corners);
      if (corners.length) cptsgeo.startTowns(map, store, layer);
      wait.hidden = corners.length > 0;
      wait.textContent = corners.length ? "" : words.empty;
      layer.tiles.on("painted", () => { document.documentElement.dataset.painted = "yes"; });
      document.documentElement.dataset.ready = "yes";
    }).catch((problem) => {
      wait.textContent = words.failed;
      throw problem;
    });
    cptsgeo.map = map;
    cptsgeo.layer = layer;
  };

  /* The theme shown, by radio buttons or by a slider of dates, and the one beside it. */
  function startThemes(layer, showBeside, beside) {
    const slider = document.getElementById("cg-slider");
    const compare = document.getElementById("cg-compare");
    const legends = () => document.querySelectorAll(".cg-legend").forEach((legend, at) => { legend.hidden = at !== layer.painter.theme && at !== beside; });
    function show(index) {
      if (slider) {
        const { title } = layer.store.meta.themes[index];
        slider.value = index;
        slider.setAttribute("aria-valuetext", title);
        document.querySelector(".cg-slider output").textContent = title;
      }
      if (index !== layer.painter.theme) layer.setTheme(index);
      legends();
    }
    for (const radio of document.getElementsByName("cg-theme")) {
      radio.checked = Number(radio.value) === layer.painter.theme;
      radio.addEventListener("change", () => show(Number(radio.value)));
    }
    if (slider) slider.addEventListener("input", () => show(Number(slider.value)));
    if (compare) {
      compare.value = beside;
      compare.addEventListener("change", () => {
        beside = Number(compare.value);
        showBeside(beside);
        legends();
      });
      if (beside >= 0) showBeside(beside);
    }
    show(layer.painter.theme);
    for (const box of document.getElementsByName("cg-outline")) {
      box.checked = layer.painter.shown[Number(box.value)];
      box.addEventListener("change", () => layer.showOutline(Number(box.value), box.checked));
    }
  }

  /* The view by population takes the place of the map. */
  function startWeights() {
    for (const radio of document.getElementsByName("cg-weight")) {
      const choose = () => document.documentElement.classList.toggle("cg-weighted", document.querySelector("[name=cg-weight][value=population]").checked);
      radio.addEventListener("change", choose);
      choose();
    }
  }

  /* Paints a rectangle of the world on a canvas of its own, step by step. */
  cptsgeo.paint = paint;
  function paint(painter, canvas, bounds, width, height, density) {
    const crs = L.CRS.EPSG3857;
    const a = crs.latLngToPoint(bounds.getNorthWest(), 0), b = crs.latLngToPoint(bounds.getSouthEast(), 0);
    const zoom = Math.log2(Math.min((width - 6) / (b.x - a.x), (height - 6) / (b.y - a.y)));
    const scale = 2 ** zoom;
    canvas.width = width * density;
    canvas.height = height * density;
    const context = canvas.getContext("2d");
    context.setTransform(density, 0, 0, density, 0, 0);
    context.beginPath();
    context.rect(0, 0, width, height);
    context.clip(); /* in print a canvas is a list of strokes, and would run over its edge */
    return painter.steps(context, width, height, ((a.x + b.x) / 2) * scale - width / 2, ((a.y + b.y) / 2) * scale - height / 2, zoom, density);
  }

  /* A small map of each territory, which brings the large one there. */
  function startViews(map, layer, corners) {
    if (corners.length < 2) return;
    const views = document.getElementById("cg-views");
    const canvases = [...views.querySelectorAll("canvas")];
    [...views.children].forEach((button, index) => {
      button.addEventListener("click", () => map.fitBounds(corners[index], { padding: [14, 14], animate: false }));
    });
    const density = window.devicePixelRatio || 1;
    const draw = () => canvases.forEach((canvas, index) => layer.tiles.enqueue(paint(layer.painter, canvas, corners[index], VIEW.width, VIEW.height, density)));
    const mark = () => [...views.children].forEach((button, index) => {
      button.setAttribute("aria-pressed", String(corners[index].contains(map.getCenter())));
    });
    layer.on("theme", draw);
    map.on("moveend", mark);
    draw();
    mark();
  }

  /* "#view=west,south,east,north" opens the map on a rectangle, unless a commune is asked for too. */
  function startView(map) {
    const hash = new URLSearchParams(location.hash.slice(1));
    const [west, south, east, north] = (hash.get("view") || "").split(",").map(Number);
    if (hash.has("insee") || !(Math.abs(north) <= 85 && Math.abs(south) <= 85 && Math.abs(west) <= 180 && Math.abs(east) <= 180)) return;
    map.fitBounds([[south, west], [north, east]], { animate: false });
  }

  function startPermalink(map, store, layer) {
    startView(map);
    layer.on("select", (event) => {
      const hash = new URLSearchParams(location.hash.slice(1));
      hash.set("insee", event.identifier);
      history.replaceState(null, "", "#" + hash);
    });
    window.addEventListener("hashchange", () => {
      startView(map);
      const wanted = new URLSearchParams(location.hash.slice(1)).get("insee");
      const row = wanted ? store.row(wanted) : -1;
      if (row < 0) return;
      layer.select(row);
      document.getElementById("cg-main").scrollIntoView({ block: "nearest" });
    });
  }

  /* Canvas tiles do not survive a change of page size: print gets a picture of the view, and the small maps drawn finer. */
  function startPrint(map, layer, corners) {
    const canvas = cptsgeo.element("canvas", undefined, "cg-print");
    canvas.setAttribute("aria-hidden", "true");
    document.querySelector(".cg-map").append(canvas);
    window.addEventListener("beforeprint", () => {
      const draw = (painter, on, bounds, width, height, density) => { for (const _step of paint(painter, on, bounds, width, height, density)); };
      const drawn = (painter, on) => draw(painter, on, map.getBounds(), map.getSize().x, map.getSize().y, 2);
      drawn(layer.painter, canvas);
      document.querySelectorAll("#cg-views canvas").forEach((small, index) => draw(layer.painter, small, corners[index], VIEW.width, VIEW.height, 4));
      if (!layer.beside) return;
      const other = cptsgeo.element("canvas");
      drawn(layer.beside.painter, other);
      const from = Math.round(canvas.width * layer.beside.share());
      const pen = canvas.getContext("2d");
      pen.setTransform(1, 0, 0, 1, 0, 0);
      pen.clearRect(from, 0, canvas.width - from, canvas.height);
      pen.drawImage(other, from, 0, canvas.width - from, canvas.height, from, 0, canvas.width - from, canvas.height);
    });
  }
})(window.cptsgeo);
