/* The index of chiefs: a table that is searched and sorted, each row linked to its roads on the map. */
(function () {
  "use strict";

  var gridsvc = window.gridsvc, all = gridsvc.all, one = gridsvc.one, element = gridsvc.element;

  gridsvc.index = function (map) {
    var here = gridsvc.open(map), scene = here.scene, table = one("#table"), body = one("tbody", table);
    var rows = all("tr.row", body), byIndex = {};
    rows.forEach(function (row) {
      byIndex[row.getAttribute("data-index")] = row;
      row.key = gridsvc.fold(row.getAttribute("data-text"));
    });

    function mark(row) {
      rows.forEach(function (other) { other.classList.toggle("on", other === row); });
    }

    function link(index) {
      var found = one("a", byIndex[index]);
      return found ? found.getAttribute("href") : "";
    }

    /* Everybody whose road passes here, each with the way to the page. */
    function choose(indexes, latlng) {
      var box = element("div", null, { "class": "popup" });
      indexes.forEach(function (index) {
        var row = byIndex[index], line = element("p"), href = link(index);
        var name = one("th", row).firstChild.textContent;
        line.appendChild(href ? element("a", name, { href: href }) : element("b", name));
        line.appendChild(document.createTextNode(" "));
        var badge = one(".badge", row);
        if (badge) line.appendChild(badge.cloneNode(true));
        line.appendChild(element("small", one("th small", row).textContent));
        box.appendChild(line);
      });
      L.popup({ maxWidth: 280 }).setLatLng(latlng).setContent(box).openOn(map);
      mark(byIndex[indexes[0]]);
      if (!gridsvc.isPhone()) byIndex[indexes[0]].scrollIntoView({ block: "nearest" });
    }

    gridsvc.picking(here, function (pick, latlng) {
      var found = scene.around("chiefs", latlng, L.Browser.mobile ? 16 : 9);
      choose(found.length ? found : [pick.index], latlng);
    });

    rows.forEach(function (row) {
      var index = +row.getAttribute("data-index");
      row.addEventListener("click", function (event) {
        if (event.target.closest("a")) return;
        mark(row);
        gridsvc.show(here, "chiefs", index, true);
      });
      row.addEventListener("mouseenter", function () {
        if (!gridsvc.isPhone()) scene.select([{ group: "chiefs", index: index }]);
      });
    });

    one("#filter").addEventListener("input", function (event) {
      var wanted = gridsvc.fold(event.target.value), shown = 0;
      rows.forEach(function (row) {
        row.hidden = Boolean(wanted) && row.key.indexOf(wanted) < 0;
        if (!row.hidden) shown += 1;
      });
      one("#nothing").hidden = shown > 0;
    });

    function sort(column, order, kind) {
      rows.sort(function (a, b) {
        var x = a.cells[column].getAttribute("data-value"), y = b.cells[column].getAttribute("data-value");
        if (kind === "text") return order * x.localeCompare(y, here.page.lang);
        // what has no value stands last, whichever way
        if (x === "" || y === "") return (x === "") - (y === "");
        return order * (x - y);
      });
      rows.forEach(function (row) { body.appendChild(row); });
    }

    gridsvc.sortable(table, sort);
    var order = one("#order");
    order.addEventListener("change", function () {
      var head = table.tHead.rows[0].cells[+order.value];
      sort(+order.value, 1, head.getAttribute("data-sort"));
    });
  };
})();
