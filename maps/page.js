/* What all pages share: reading the data, the map and its controls, tabs, lists, search, pop-ups, printing. */
(function () {
  "use strict";

  var gridsvc = window.gridsvc;

  function all(selector, root) {
    return Array.prototype.slice.call((root || document).querySelectorAll(selector));
  }

  function one(selector, root) {
    return (root || document).querySelector(selector);
  }

  /* An element with text: never markup, for names come from uploads. */
  function element(tag, text, attributes) {
    var made = document.createElement(tag);
    if (text !== undefined && text !== null) made.textContent = text;
    Object.keys(attributes || {}).forEach(function (name) { made.setAttribute(name, attributes[name]); });
    return made;
  }

  function block(id) {
    return JSON.parse(document.getElementById(id).textContent);
  }

  function isPhone() {
    return window.matchMedia("screen and (max-width: 860px)").matches;
  }

  function fold(text) {
    return text.toLowerCase().replace(/[\s_\-·（）()]+/g, "");
  }

  /* Opens the page on its map: scene, view, controls. Returns what the rest of the page works with. */
  function open(map) {
    var page = block("page"), words = page.words;
    var scene = new gridsvc.Scene(page, block("shapes"));
    var here = { map: map, page: page, words: words, scene: scene };
    var limit = scene.toLatLngBounds(L.point(page.limit[0], page.limit[1]), L.point(page.limit[2], page.limit[3]));
    var view = scene.toLatLngBounds(L.point(page.view[0], page.view[1]), L.point(page.view[2], page.view[3]));
    here.home = function () {
      // what lies over the map (search, legend) should not lie over the subject
      var box = one("#legend"), beside = !isPhone() && box, narrow = map.getSize().x < 700;
      var right = beside && !narrow ? 284 : 18;
      var top = one("#find") ? 62 : beside && narrow ? Math.min(box.offsetHeight + 24, map.getSize().y / 2) : 18;
      map.fitBounds(view, { paddingTopLeft: [18, top], paddingBottomRight: [right, 34], animate: false });
    };
    scene.onDraw = function (count) {
      if (here.drawn === undefined) {
        here.drawn = Math.round(performance.now());
        document.documentElement.setAttribute("data-drawn", here.drawn);
      }
      document.documentElement.setAttribute("data-count", count);
    };
    placeLegend();
    if (!restore(here)) here.home();
    map.setMinZoom(Math.min(map.getBoundsZoom(limit) - 0.5, map.getZoom()));
    map.setMaxBounds(limit.pad(0.3));
    scene.addTo(map);
    L.control.zoom({ position: "bottomright", zoomInTitle: words.zoom_in, zoomOutTitle: words.zoom_out }).addTo(map);
    L.control.scale({ position: "bottomleft", imperial: false, maxWidth: 110 }).addTo(map);
    homeButton(here);
    swatches(here);
    legend(here);
    tabs();
    sheet(here);
    printing(here);
    remember(here);
    if (window.ResizeObserver) {
      new ResizeObserver(function () { map.invalidateSize({ pan: false }); }).observe(map.getContainer());
    }
    gridsvc.here = here;
    return here;
  }

  function homeButton(here) {
    var Home = L.Control.extend({
      options: { position: "bottomright" },
      onAdd: function () {
        var box = element("div", null, { "class": "leaflet-bar leaflet-control" });
        var link = element("a", "⌂", { href: "#", role: "button", title: here.words.whole_map, "aria-label": here.words.whole_map });
        L.DomEvent.on(link, "click", function (event) {
          L.DomEvent.stop(event);
          here.scene.select([]);
          here.map.closePopup();
          here.home();
        });
        box.appendChild(link);
        return box;
      }
    });
    here.map.addControl(new Home());
  }

  /* The address keeps the place: #zoom/lat/lon */
  function restore(here) {
    var m = /^#([\d.]+)\/(-?[\d.]+)\/(-?[\d.]+)$/.exec(location.hash);
    if (!m) return false;
    here.map.setView([+m[2], +m[3]], +m[1], { animate: false });
    return true;
  }

  function remember(here) {
    var moved = false;
    here.map.on("dragend zoomend", function () { moved = true; });
    here.map.on("moveend", function () {
      if (!moved) return;
      var c = here.map.getCenter();
      var hash = "#" + here.map.getZoom().toFixed(2) + "/" + c.lat.toFixed(5) + "/" + c.lng.toFixed(5);
      try { history.replaceState(null, "", hash); } catch (error) { /* some viewers forbid it */ }
      all("a[data-keep-hash]").forEach(function (link) { link.hash = hash; });
    });
  }

  function swatches(here, root) {
    all("canvas[data-swatch]", root).forEach(function (canvas) {
      var group = here.scene.byId[canvas.getAttribute("data-swatch")], band = canvas.getAttribute("data-band");
      if (group) gridsvc.swatch(canvas, band === null ? group : { kind: group.kind, style: group.styles[+band] });
    });
  }

  /* The legend is the layer control; on a phone it lives in a tab of the sheet. */
  function placeLegend() {
    var box = one("#legend"), tab = one("#panel-legend"), target = isPhone() ? tab : one("#legend-home");
    if (box.parentNode !== target) target.appendChild(box);
    if (!isPhone() && !tab.hidden) one('[role="tab"]').click();
  }

  function legend(here) {
    var box = one("#legend"), home = one("#legend-home");
    window.matchMedia("screen and (max-width: 860px)").addListener(placeLegend);
    var fold = one("[data-fold]", box);
    fold.addEventListener("click", function () {
      var folded = box.classList.toggle("folded");
      fold.setAttribute("aria-expanded", String(!folded));
    });
    all("input[data-groups]", box).forEach(function (input) {
      input.addEventListener("change", function () {
        input.getAttribute("data-groups").split(" ").forEach(function (id) {
          if (here.scene.byId[id]) here.scene.byId[id].on = input.checked;
        });
        input.parentNode.classList.toggle("off", !input.checked);
        here.scene.redraw();
      });
    });
    // what shows only when nearer is dimmed
    function dim() {
      var zoom = here.map.getZoom();
      all("input[data-groups]", box).forEach(function (input) {
        var near = input.getAttribute("data-groups").split(" ").some(function (id) {
          return here.scene.byId[id] && zoom >= (here.scene.byId[id].fromZoom || 0);
        });
        input.parentNode.classList.toggle("far", !near);
        input.parentNode.title = near ? "" : here.words.nearer;
      });
    }
    here.map.on("zoomend", dim);
    dim();
    if (home) { L.DomEvent.disableScrollPropagation(home); L.DomEvent.disableClickPropagation(home); }
  }

  function tabs() {
    var list = all('[role="tab"]');
    list.forEach(function (tab, index) {
      tab.addEventListener("click", function () { showTab(tab.id); });
      tab.addEventListener("keydown", function (event) {
        var step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        var seen = list.filter(function (other) { return other.offsetParent; });
        var next = seen[(seen.indexOf(list[index]) + step + seen.length) % seen.length];
        next.focus();
        showTab(next.id);
      });
    });
  }

  function showTab(id) {
    all('[role="tab"]').forEach(function (tab) {
      var on = tab.id === id;
      tab.setAttribute("aria-selected", String(on));
      tab.tabIndex = on ? 0 : -1;
      document.getElementById(tab.getAttribute("aria-controls")).hidden = !on;
    });
    var box = one("#sheet");
    if (box) box.classList.remove("low");
  }

  /* A phone's sheet has three heights: pulled or tapped at its grip. */
  function sheet() {
    var box = one("#sheet"), grip = one("#grip");
    if (!box || !grip) return;
    var heights = ["low", "", "high"], at = 1, from = null, pulled = false;
    function set(next) {
      at = Math.max(0, Math.min(2, next));
      box.classList.remove("low", "high");
      if (heights[at]) box.classList.add(heights[at]);
      grip.setAttribute("aria-expanded", String(at > 0));
    }
    grip.addEventListener("pointerdown", function (event) {
      from = event.clientY;
      pulled = false;
      grip.setPointerCapture(event.pointerId);
    });
    grip.addEventListener("pointerup", function (event) {
      if (from === null) return;
      var by = event.clientY - from;
      from = null;
      pulled = Math.abs(by) > 12;
      if (pulled) set(at + (by < 0 ? 1 : -1));
    });
    grip.addEventListener("click", function () {
      if (!pulled) set(box.classList.contains("low") ? 1 : at === 2 ? 1 : 0);
      pulled = false;
    });
  }

  function printing(here) {
    all("[data-print]").forEach(function (button) {
      button.addEventListener("click", function () { window.print(); });
    });
    var size = null;
    window.addEventListener("beforeprint", function () {
      var box = here.map.getContainer();
      size = { center: here.map.getCenter(), zoom: here.map.getZoom(), bounds: here.map.getBounds() };
      // the frame on an A3 sheet, see the style sheet
      box.style.width = "1508px";
      box.style.height = document.body.classList.contains("index") ? "451px" : "716px";
      here.map.invalidateSize({ animate: false });
      here.map.fitBounds(size.bounds, { animate: false });
    });
    window.addEventListener("afterprint", function () {
      var box = here.map.getContainer();
      box.style.width = box.style.height = "";
      here.map.invalidateSize({ animate: false });
      if (size) here.map.setView(size.center, size.zoom, { animate: false });
    });
  }

  /* Brings a feature into view and marks it. */
  function show(here, group, index, quiet) {
    var bounds = here.scene.boundsOf(group, index);
    if (!bounds) return;
    var box = one("#sheet");
    if (box && isPhone() && box.classList.contains("high")) box.classList.remove("high");
    here.scene.select([{ group: group, index: index }]);
    here.map.fitBounds(bounds.pad(0.25), { maxZoom: 17.5, animate: false, padding: [24, 24] });
    if (!quiet) popup(here, { group: group, index: index }, bounds.getCenter());
  }

  function personLine(here, person) {
    var line = element("p");
    line.appendChild(element("b", person.n || here.words.vacant));
    if (person.r) line.appendChild(document.createTextNode(" " + person.r));
    if (person.p) {
      line.appendChild(document.createTextNode(" "));
      var digits = person.p.replace(/[^\d+*#,]/g, "");
      line.appendChild(digits ? element("a", person.p, { href: "tel:" + digits }) : element("span", person.p));
    }
    return line;
  }

  /* What is known of one feature, as elements. */
  function describe(here, pick) {
    var info = here.scene.byId[pick.group].info, box = element("div", null, { "class": "popup" });
    box.appendChild(element("span", info.title, { "class": "of" }));
    box.appendChild(element("h4", info.heads[pick.index] || "—"));
    var list = element("dl");
    info.columns.forEach(function (column) {
      var value = column.v[pick.index];
      if (value === null || value === undefined || value === "") return;
      list.appendChild(element("dt", column.t));
      list.appendChild(element("dd", column.l ? column.l[value] : value));
    });
    if (list.children.length) box.appendChild(list);
    if (info.teams) {
      var people = element("div", null, { "class": "people" });
      people.appendChild(element("span", here.words.who, { "class": "of" }));
      var team = here.page.teams[info.teams[pick.index]] || [];
      team.forEach(function (index) { people.appendChild(personLine(here, here.page.people[index])); });
      if (!team.length) people.appendChild(element("p", here.words.nobody));
      box.appendChild(people);
    }
    return box;
  }

  function popup(here, pick, latlng) {
    if (!here.scene.byId[pick.group].info) return;
    L.popup({ maxWidth: 300, minWidth: 220, autoPanPaddingTopLeft: [14, one("#find") ? 66 : 14],
      autoPanPaddingBottomRight: [14, 14], closeButton: true })
      .setLatLng(latlng)
      .setContent(describe(here, pick))
      .openOn(here.map);
    var close = one(".leaflet-popup-close-button");
    if (close) close.setAttribute("aria-label", here.words.close);
  }

  /* Clicks and hovering on the map; act(pick, latlng) replaces the pop-up. */
  function picking(here, act) {
    var reach = L.Browser.mobile ? 16 : 9, waiting = null;
    here.map.on("click", function (event) {
      var pick = here.scene.pick(event.latlng, reach);
      here.scene.select(pick ? [pick] : []);
      if (pick) (act || popup)(act ? pick : here, act ? event.latlng : pick, event.latlng);
    });
    here.map.on("popupclose", function () { here.scene.select([]); });
    here.map.on("mousemove", function (event) {
      if (waiting) return;
      waiting = L.Util.requestAnimFrame(function () {
        waiting = null;
        var pick = here.scene.pick(event.latlng, 6);
        here.map.getContainer().style.cursor = pick ? "pointer" : "";
        if (here.onHover) here.onHover(pick);
      });
    });
  }

  /* Search: entries are {text, sub, act}; folded text is matched anywhere. */
  function finder(here, entries) {
    var input = one("#find"), list = one("#found");
    if (!input) return;
    entries.forEach(function (entry) { entry.key = fold(entry.text + " " + (entry.sub || "")); });
    function close() { list.hidden = true; }
    function look() {
      var wanted = fold(input.value);
      list.textContent = "";
      if (!wanted) return close();
      var hits = entries.filter(function (entry) { return entry.key.indexOf(wanted) >= 0; }).slice(0, 30);
      hits.forEach(function (entry) {
        var button = element("button", entry.text, { type: "button" }), item = element("li");
        if (entry.sub) button.appendChild(element("small", entry.sub));
        button.addEventListener("click", function () { close(); entry.act(); });
        item.appendChild(button);
        list.appendChild(item);
      });
      if (!hits.length) list.appendChild(element("li", here.words.nothing_found, { "class": "none" }));
      list.hidden = false;
    }
    input.addEventListener("input", look);
    input.addEventListener("focus", look);
    input.addEventListener("keydown", function (event) {
      var first = one("button", list);
      if (event.key === "Enter" && first && !list.hidden) first.click();
      if (event.key === "Escape") { input.value = ""; close(); }
      if (event.key === "ArrowDown" && first) { first.focus(); event.preventDefault(); }
    });
    list.addEventListener("keydown", function (event) {
      var item = document.activeElement.parentNode;
      var next = { ArrowDown: item.nextSibling, ArrowUp: item.previousSibling }[event.key];
      if (event.key === "Escape") { close(); input.focus(); }
      if (next && next.firstChild.focus) { next.firstChild.focus(); event.preventDefault(); }
    });
    document.addEventListener("click", function (event) { if (!one(".find").contains(event.target)) close(); });
  }

  /* A table or list as a CSV file. Cells that a spreadsheet would take for a formula get an apostrophe. */
  function save(rows, name) {
    var text = rows.map(function (row) {
      return row.map(function (cell) {
        var plain = String(cell === null || cell === undefined ? "" : cell).trim();
        if (/^[=+\-@\t\r\n＝＋－＠]/.test(plain) && isNaN(plain)) plain = "'" + plain;
        return '"' + plain.replace(/"/g, '""') + '"';
      }).join(",");
    }).join("\r\n");
    var url = URL.createObjectURL(new Blob(["\ufeff" + text], { type: "text/csv;charset=utf-8" }));
    var link = element("a", "", { href: url, download: name });
    document.body.appendChild(link);
    link.click();
    link.remove();
    setTimeout(function () { URL.revokeObjectURL(url); }, 10000);
  }

  /* Headers of a table as sort buttons; compare by data-value, else by text. */
  function sortable(table, changed) {
    all("th[data-sort]", table).forEach(function (head) {
      var column = head.cellIndex;
      one("button", head).addEventListener("click", function () {
        var down = head.getAttribute("aria-sort") === (head.getAttribute("data-sort") === "number" ? "descending" : "ascending");
        var order = head.getAttribute("data-sort") === "number" ? (down ? 1 : -1) : down ? -1 : 1;
        all("th", table).forEach(function (other) { other.removeAttribute("aria-sort"); });
        head.setAttribute("aria-sort", order > 0 ? "ascending" : "descending");
        changed(column, order, head.getAttribute("data-sort"));
      });
    });
  }

  Object.assign(gridsvc, {
    all: all, one: one, element: element, open: open, show: show, popup: popup, picking: picking, finder: finder,
    save: save, sortable: sortable, showTab: showTab, swatches: swatches, isPhone: isPhone, fold: fold,
    describe: describe
  });
})();
