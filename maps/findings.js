/* What a check found: a list that is filtered, and a map that shows what the list shows, each linked to the other. */
(function () {
  "use strict";

  var gridsvc = window.gridsvc, all = gridsvc.all, one = gridsvc.one, element = gridsvc.element;
  var STEP = 100;

  gridsvc.findings = function (map) {
    var here = gridsvc.open(map), scene = here.scene, words = here.words, page = here.page;
    var findings = page.rows.map(function (row, index) {
      return {
        index: index, severity: row[0], kind: row[1], text: row[2], unit: row[3], name: row[4], from: row[5],
        group: row[6], place: row[7], key: gridsvc.fold(row.slice(2, 6).join(" "))
      };
    });
    var list = one("#rows"), filter = one("#filter"), kind = one("#kind"), unit = one("#unit");
    var severity = one('[data-severity][aria-pressed="true"]').getAttribute("data-severity"), order = [], shown = STEP;

    function about(finding) {
      return [page.kinds[finding.kind], finding.name || finding.unit, finding.from].filter(Boolean).join(" · ");
    }

    function row(finding) {
      var line = element("li", null, { "data-index": finding.index }), button = element("button", null, { type: "button" });
      if (finding.group) {
        button.appendChild(element("canvas", null, { "class": "swatch", "data-swatch": finding.group, width: 34, height: 18 }));
      } else {
        button.appendChild(element("span", "", { "class": "swatch", title: words.no_place }));
      }
      var main = element("span", finding.text, { "class": "main" });
      main.appendChild(element("small", about(finding)));
      button.appendChild(main);
      if (finding.severity === "attention") button.appendChild(element("b", "!", { "class": "urgent", title: page.severities.attention }));
      line.appendChild(button);
      return line;
    }

    function fill() {
      var part = document.createDocumentFragment();
      order.slice(0, shown).forEach(function (index) { part.appendChild(row(findings[index])); });
      list.textContent = "";
      list.appendChild(part);
      gridsvc.swatches(here, list);
      one("#more").hidden = order.length <= shown;
      one("#nothing").hidden = order.length > 0;
      one("#count").textContent = order.length.toLocaleString(page.lang) + " / " + findings.length.toLocaleString(page.lang);
    }

    /* The list holds what every filter lets through, and the map nothing else. */
    function arrange() {
      var wanted = gridsvc.fold(filter.value), passes = new Uint8Array(findings.length);
      order = [];
      findings.forEach(function (finding, index) {
        if (severity && finding.severity !== severity) return;
        if (kind.value && finding.kind !== kind.value) return;
        if (unit.value && finding.unit.slice(0, unit.value.length) !== unit.value) return;
        if (wanted && finding.key.indexOf(wanted) < 0) return;
        passes[index] = 1;
        order.push(index);
      });
      Object.keys(page.picks).forEach(function (id) {
        scene.byId[id].shown = page.picks[id].map(function (index) { return passes[index]; });
      });
      shown = STEP;
      scene.select([]);
      map.closePopup();
      fill();
      scene.redraw();
    }

    function mark(index) {
      all("li", list).forEach(function (line) {
        line.classList.toggle("on", +line.getAttribute("data-index") === index);
      });
    }

    function reveal(index) {
      var place = order.indexOf(index);
      if (place >= shown) { shown = place + 20; fill(); }
      mark(index);
      var line = one('li[data-index="' + index + '"]', list);
      if (line && !gridsvc.isPhone()) line.scrollIntoView({ block: "center" });
    }

    function bubble(finding, latlng) {
      var box = element("div", null, { "class": "popup" }), lines = element("dl");
      box.appendChild(element("span", page.severities[finding.severity], { "class": "of" }));
      box.appendChild(element("h4", page.kinds[finding.kind]));
      box.appendChild(element("p", finding.text));
      [[words.lies_in, [finding.unit, finding.name].filter(Boolean).join(" ")], [words.file, finding.from]].forEach(function (pair) {
        if (!pair[1]) return;
        lines.appendChild(element("dt", pair[0]));
        lines.appendChild(element("dd", pair[1]));
      });
      if (lines.children.length) box.appendChild(lines);
      L.popup({ maxWidth: 300, minWidth: 200 }).setLatLng(latlng).setContent(box).openOn(map);
    }

    /* The bounds of a finding: of its area or line where it has one, else of its mark. */
    function bounds(finding) {
      var found = scene.boundsOf(finding.group, finding.place);
      ["area-", "line-"].forEach(function (prefix) {
        var id = finding.group.replace("mark-", prefix);
        var place = page.picks[id] ? page.picks[id].indexOf(finding.index) : -1;
        if (place >= 0) found = scene.boundsOf(id, place);
      });
      return found;
    }

    gridsvc.picking(here, function (pick, latlng) {
      var finding = findings[page.picks[pick.group][pick.index]];
      reveal(finding.index);
      bubble(finding, latlng);
    });
    list.addEventListener("click", function (event) {
      var line = event.target.closest("li");
      if (!line) return;
      var finding = findings[+line.getAttribute("data-index")], mine;
      mark(finding.index);
      map.closePopup();
      if (!finding.group) return scene.select([]);
      scene.byId[finding.group].on = true;
      mine = bounds(finding);
      map.fitBounds(mine.pad(0.5), { animate: false, maxZoom: 18.5 });
      bubble(finding, scene.boundsOf(finding.group, finding.place).getCenter());
      scene.select([{ group: finding.group, index: finding.place }]);
    });
    filter.addEventListener("input", arrange);
    kind.addEventListener("change", arrange);
    unit.addEventListener("change", arrange);
    all("[data-severity]").forEach(function (button) {
      button.addEventListener("click", function () {
        severity = button.getAttribute("data-severity");
        all("[data-severity]").forEach(function (other) {
          other.setAttribute("aria-pressed", String(other === button));
        });
        arrange();
      });
    });
    one("#more").addEventListener("click", function () { shown += STEP; fill(); });
    one("#save").addEventListener("click", function (event) {
      var lines = order.map(function (index) {
        var finding = findings[index];
        return [page.severities[finding.severity], page.kinds[finding.kind], finding.text, finding.unit, finding.name, finding.from];
      });
      var head = [words.severity, words.finding_kind, words.finding, words.code, words.lies_in, words.file];
      gridsvc.save([head].concat(lines), event.target.getAttribute("data-name"));
    });
    arrange();
  };
})();
