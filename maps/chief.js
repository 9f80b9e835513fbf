/* A road chief's page: cards and lists lead to the map. */
(function () {
  "use strict";

  var gridsvc = window.gridsvc, all = gridsvc.all, one = gridsvc.one;

  gridsvc.chief = function (map) {
    var here = gridsvc.open(map), scene = here.scene;
    gridsvc.picking(here);

    function mark(button) {
      all(".list li.on").forEach(function (row) { row.classList.remove("on"); });
      if (button) button.parentNode.classList.add("on");
    }

    all("button[data-pick]").forEach(function (button) {
      button.addEventListener("click", function () {
        var group = scene.byId[button.getAttribute("data-pick")];
        if (!group.on) turnOn(group.id);
        gridsvc.show(here, group.id, +button.getAttribute("data-index"));
        mark(button);
      });
    });

    function turnOn(id) {
      all("#legend input[data-groups]").forEach(function (input) {
        if (input.getAttribute("data-groups").split(" ").indexOf(id) >= 0 && !input.checked) input.click();
      });
      scene.byId[id].on = true;
    }

    /* Shows the gaps of one indicator, or of all. */
    function filter(indicator) {
      all(".chip[data-filter]").forEach(function (chip) {
        chip.setAttribute("aria-pressed", String(chip.getAttribute("data-filter") === indicator));
      });
      all("#gap-list li").forEach(function (row) {
        row.hidden = Boolean(indicator) && row.getAttribute("data-indicator") !== indicator;
      });
      scene.groups.forEach(function (group) {
        if (group.indicator) {
          var on = !indicator || group.indicator === indicator;
          if (group.on !== on) {
            var input = one('#legend input[data-groups~="' + CSS.escape(group.id) + '"]');
            if (input) input.checked = on;
            group.on = on;
          }
        }
      });
      scene.redraw();
    }

    all(".chip[data-filter]").forEach(function (chip) {
      chip.addEventListener("click", function () { filter(chip.getAttribute("data-filter")); });
    });
    all("button.card[data-gaps]").forEach(function (card) {
      card.addEventListener("click", function () {
        gridsvc.showTab("tab-gaps");
        filter(card.getAttribute("data-gaps"));
        one("#tab-gaps").focus();
      });
    });

    var saver = one("[data-save]");
    if (saver) {
      saver.addEventListener("click", function () {
        var rows = all("#gap-list li").filter(function (row) { return !row.hidden; }).map(function (row) {
          return [one("small", row), one("b", row), one(".main > span", row), one(".size", row)].map(function (cell) {
            return cell.textContent;
          });
        });
        var words = here.words;
        gridsvc.save([[words.indicator, words.road, words.kind, words.size]].concat(rows), saver.getAttribute("data-name"));
      });
    }

    var entries = [];
    scene.groups.forEach(function (group) {
      var names = group.info ? group.info.heads : group.labels && group.labels.names;
      if (!names || group.indicator || group.kind === "border") return;
      var seen = {};
      names.forEach(function (name, index) {
        if (!name || (!group.info && seen[name])) return;
        seen[name] = true;
        entries.push({
          text: name,
          sub: group.title,
          act: function () {
            if (!group.on) turnOn(group.id);
            gridsvc.show(here, group.id, index, !group.info);
          }
        });
      });
    });
    gridsvc.finder(here, entries);
  };
})();
