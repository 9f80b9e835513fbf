/* One indicator over the county: levels to choose from, a table beside the map, each linked to the other. */
(function () {
  "use strict";

  var gridsvc = window.gridsvc, all = gridsvc.all, one = gridsvc.one, element = gridsvc.element;
  var STEP = 250;

  gridsvc.overview = function (map) {
    var here = gridsvc.open(map), scene = here.scene, words = here.words, levels = here.page.levels;
    var level = null, order = [], shown = STEP, sorted = { column: 1, order: 1, kind: "number" };
    var body = one("#rows"), filter = one("#filter"), tile = one(".tile[aria-current]");
    // of many indicators the page's own may lie beyond the edge
    if (tile) { tile.parentNode.scrollLeft = tile.offsetLeft - tile.parentNode.offsetLeft - 48; }

    function badge(unit) {
      return element("span", unit.grade || "–", { "class": "badge grade-" + (unit.grade || "none") });
    }

    function row(index) {
      var unit = level.units[index], line = element("tr", null, { "class": "row", "data-index": index });
      var name = element("th", null, { scope: "row" });
      name.appendChild(element("button", unit.name, { type: "button", "class": "plain" }));
      name.appendChild(element("small", unit.code));
      var value = element("td", null, { "class": "number figure" });
      value.appendChild(element("span", unit.display || "—"));
      value.appendChild(badge(unit));
      if (unit.known) value.appendChild(element("small", unit.known));
      var basis = element("td", null, { "class": "number" });
      basis.appendChild(element("small", unit.basis));
      [name, value, basis].forEach(function (cell) { line.appendChild(cell); });
      return line;
    }

    function arrange() {
      var wanted = gridsvc.fold(filter.value), way = sorted.order;
      order = level.units.map(function (unit, index) { return index; }).filter(function (index) {
        return !wanted || level.units[index].key.indexOf(wanted) >= 0;
      });
      order.sort(function (a, b) {
        var x = level.units[a], y = level.units[b];
        if (sorted.kind === "text") return way * x.name.localeCompare(y.name, here.page.lang) || a - b;
        // what has no value stands last, whichever way
        if (x.value === null || y.value === null) return (x.value === null) - (y.value === null) || a - b;
        return way * (x.value - y.value) || a - b;
      });
      fill();
    }

    function fill() {
      var part = document.createDocumentFragment();
      order.slice(0, shown).forEach(function (index) { part.appendChild(row(index)); });
      body.textContent = "";
      body.appendChild(part);
      one("#more").hidden = order.length <= shown;
      one("#nothing").hidden = order.length > 0;
    }

    function mark(index) {
      all("tr", body).forEach(function (line) {
        line.classList.toggle("on", +line.getAttribute("data-index") === index);
      });
    }

    function reveal(index) {
      var place = order.indexOf(index);
      if (place >= shown) { shown = place + 20; fill(); }
      mark(index);
      var line = one('tr[data-index="' + index + '"]', body);
      if (line && !gridsvc.isPhone()) line.scrollIntoView({ block: "center" });
    }

    function bubble(index, latlng) {
      var unit = level.units[index], box = element("div", null, { "class": "popup" });
      box.appendChild(element("span", unit.code, { "class": "of" }));
      box.appendChild(element("h4", unit.name));
      var line = element("p", null, { "class": "figure" });
      line.appendChild(element("b", unit.display ? unit.display + " " + here.page.unit : words.no_value));
      line.appendChild(badge(unit));
      box.appendChild(line);
      box.appendChild(element("span", unit.basis, { "class": "of" }));
      L.popup({ maxWidth: 270 }).setLatLng(latlng).setContent(box).openOn(map);
    }

    function legend() {
      var list = one("#bands"), group = scene.byId[level.group];
      list.textContent = "";
      level.bands.forEach(function (band, index) {
        var item = element("li");
        item.appendChild(element("canvas", null, { "class": "swatch", "data-swatch": group.id, "data-band": index }));
        item.appendChild(element("span", band, { "class": "word" }));
        item.appendChild(element("span", words.unit_count.replace("{count}", group.members[index].length), { "class": "count" }));
        list.appendChild(item);
      });
      gridsvc.swatches(here, list);
    }

    function choose(name) {
      level = levels.filter(function (one) { return one.level === name; })[0];
      level.units.forEach(function (unit) { unit.key = gridsvc.fold(unit.name + unit.code); });
      levels.forEach(function (other) { scene.byId[other.group].on = other === level; });
      all("[data-level]").forEach(function (button) {
        button.setAttribute("aria-pressed", String(button.getAttribute("data-level") === name));
      });
      scene.select([]);
      map.closePopup();
      shown = STEP;
      legend();
      arrange();
      scene.redraw();
    }

    gridsvc.picking(here, function (pick, latlng) {
      reveal(pick.index);
      bubble(pick.index, latlng);
    });
    body.addEventListener("click", function (event) {
      var line = event.target.closest("tr");
      if (!line) return;
      var index = +line.getAttribute("data-index"), bounds = scene.boundsOf(level.group, index);
      mark(index);
      if (!bounds) return;
      map.fitBounds(bounds.pad(0.4), { animate: false, maxZoom: 15 });
      var anchor = scene.byId[level.group].labels.anchors[index];
      bubble(index, scene.toLatLng(anchor[0], anchor[1]));
      scene.select([{ group: level.group, index: index }]);
    });
    body.addEventListener("mouseover", function (event) {
      var line = event.target.closest("tr");
      if (line && !gridsvc.isPhone()) scene.select([{ group: level.group, index: +line.getAttribute("data-index") }]);
    });
    gridsvc.sortable(one("#table"), function (column, way, kind) {
      sorted = { column: column, order: way, kind: kind };
      arrange();
    });
    filter.addEventListener("input", function () { shown = STEP; arrange(); });
    one("#more").addEventListener("click", function () { shown += STEP; fill(); });
    one("#save").addEventListener("click", function (event) {
      var lines = order.map(function (index) {
        var unit = level.units[index];
        return [unit.code, unit.name, unit.display, unit.grade, unit.basis];
      });
      gridsvc.save([[words.code, words.name, words.value, words.grades, words.basis]].concat(lines), event.target.getAttribute("data-name"));
    });
    all("[data-level]").forEach(function (button) {
      button.addEventListener("click", function () { choose(button.getAttribute("data-level")); });
    });
    if (levels.length) choose(levels[0].level);
  };
})();
