/* Draws flat, integer-encoded layers on one canvas over a Leaflet map.
 *
 * Coordinates are Web Mercator pixels at zoom 20, relative to the page's origin, so drawing needs no projection:
 * at zoom z a coordinate is multiplied by 2^(z-20) and shifted. Groups are drawn in the order given. */
(function () {
  "use strict";

  var gridsvc = (window.gridsvc = window.gridsvc || {});
  var UNIT_ZOOM = 20;
  var FONT = '"PingFang SC","Microsoft YaHei","Noto Sans CJK SC","Source Han Sans SC","Hiragino Sans GB",' +
    'system-ui,"Segoe UI",Roboto,sans-serif';

  var CHINESE = /^[\u3400-\u9fff]+$/;

  /* Steps to coordinates, with the bounds of every part and the parts of every feature. */
  function decode(shapes) {
    var total = shapes.xy.length / 2, parts = shapes.n.length, features = shapes.p.length;
    var x = new Int32Array(total), y = new Int32Array(total);
    var start = new Int32Array(parts + 1), first = new Int32Array(features + 1);
    var box = new Int32Array(parts * 4);
    var cx = 0, cy = 0, at = 0;
    for (var part = 0; part < parts; part++) {
      start[part] = at;
      var west = Infinity, north = Infinity, east = -Infinity, south = -Infinity;
      for (var end = at + shapes.n[part]; at < end; at++) {
        x[at] = cx += shapes.xy[2 * at];
        y[at] = cy += shapes.xy[2 * at + 1];
        if (cx < west) west = cx;
        if (cx > east) east = cx;
        if (cy < north) north = cy;
        if (cy > south) south = cy;
      }
      box.set([west, north, east, south], part * 4);
    }
    start[parts] = at;
    for (var feature = 0; feature < features; feature++) first[feature + 1] = first[feature] + shapes.p[feature];
    return { x: x, y: y, start: start, first: first, box: box, features: features };
  }

  function roadWidth(style, zoom) {
    return Math.max(style.least || 1, Math.min(style.width * Math.pow(2, (zoom - 15) * 0.65), style.width * 3.2));
  }

  function symbolSize(style, zoom) {
    return style.size * Math.max(0.42, Math.min(1.5, 1 + (zoom - 16.5) * 0.2));
  }

  /* Outline of a symbol around (x, y); the caller fills and strokes. */
  function outline(context, shape, x, y, r) {
    var sides = { diamond: 4, triangle: 3, hexagon: 6 }[shape];
    if (shape === "square") {
      context.rect(x - r * 0.88, y - r * 0.88, r * 1.76, r * 1.76);
    } else if (shape === "star") {
      for (var i = 0; i < 10; i++) {
        var s = i % 2 ? r * 0.55 : r * 1.25, b = -Math.PI / 2 + (i * Math.PI) / 5;
        context[i ? "lineTo" : "moveTo"](x + s * Math.cos(b), y + s * Math.sin(b));
      }
      context.closePath();
    } else if (sides) {
      var grown = sides < 5 ? r * 1.22 : r * 1.05;
      for (var k = 0; k < sides; k++) {
        var a = -Math.PI / 2 + (k * 2 * Math.PI) / sides;
        context[k ? "lineTo" : "moveTo"](x + grown * Math.cos(a), y + grown * Math.sin(a) + (sides === 3 ? r * 0.2 : 0));
      }
      context.closePath();
    } else {
      context.moveTo(x + r, y);
      context.arc(x, y, r, 0, 2 * Math.PI);
    }
  }

  function mark(context, kind, x, y, r) {
    var h = r * 0.5;
    if (kind === "cross") {
      context.moveTo(x - h, y - h); context.lineTo(x + h, y + h);
      context.moveTo(x + h, y - h); context.lineTo(x - h, y + h);
    } else if (kind === "bar") {
      context.moveTo(x - h, y); context.lineTo(x + h, y);
    } else if (kind === "tick") {
      context.moveTo(x - h, y); context.lineTo(x - h * 0.2, y + h * 0.7); context.lineTo(x + h, y - h * 0.7);
    } else if (kind === "dot") {
      context.moveTo(x + h * 0.5, y); context.arc(x, y, h * 0.5, 0, 2 * Math.PI);
    }
  }

  /* All symbols of one style in two strokes of the brush. */
  function drawSymbols(context, style, points, r) {
    context.beginPath();
    points.forEach(function (p) { outline(context, style.shape, p[0], p[1], r); });
    context.fillStyle = style.fill;
    context.fill();
    context.lineWidth = r < 4 ? 0.8 : 1.3;
    context.strokeStyle = style.stroke;
    context.stroke();
    if (style.mark && r >= 2.2) {
      context.beginPath();
      points.forEach(function (p) { mark(context, style.mark, p[0], p[1], r); });
      context.lineWidth = Math.max(0.8, r * 0.3);
      context.stroke();
    }
  }

  var tiles = {};
  /* A hatch as a pattern: fill and lines, repeated. */
  function hatch(context, style) {
    var key = [style.fill, style.hatch, style.hatch_colour].join();
    var tile = tiles[key];
    if (!tile) {
      tile = tiles[key] = document.createElement("canvas");
      tile.width = tile.height = 16;
      var c = tile.getContext("2d");
      c.fillStyle = style.fill;
      c.fillRect(0, 0, 16, 16);
      c.strokeStyle = style.hatch_colour;
      c.lineWidth = 2.2;
      c.beginPath();
      [-16, 0, 16].forEach(function (d) {
        if (style.hatch !== "fall") { c.moveTo(d - 1, 17); c.lineTo(d + 17, -1); }
        if (style.hatch !== "rise") { c.moveTo(d - 1, -1); c.lineTo(d + 17, 17); }
      });
      c.stroke();
    }
    return context.createPattern(tile, "repeat");
  }

  /* Distance from (px, py) to the segment a-b, squared. */
  function toSegment(px, py, ax, ay, bx, by) {
    var dx = bx - ax, dy = by - ay, l = dx * dx + dy * dy;
    var t = l ? Math.max(0, Math.min(1, ((px - ax) * dx + (py - ay) * dy) / l)) : 0;
    var ex = ax + t * dx - px, ey = ay + t * dy - py;
    return ex * ex + ey * ey;
  }

  /* A line moved sideways by d (pixels): every vertex along the mean of its neighbours' normals. */
  function offset(line, d) {
    var n = line.length, moved = [];
    for (var i = 0; i < n; i++) {
      var a = line[Math.max(0, i - 1)], b = line[Math.min(n - 1, i + 1)];
      var dx = b[0] - a[0], dy = b[1] - a[1], l = Math.sqrt(dx * dx + dy * dy) || 1;
      moved.push([line[i][0] - (dy / l) * d, line[i][1] + (dx / l) * d]);
    }
    return moved;
  }

  var Scene = L.Renderer.extend({
    options: { padding: 0.25, pane: "overlayPane" },

    initialize: function (page, shapes) {
      L.Renderer.prototype.initialize.call(this);
      this.page = page;
      this.groups = page.groups.map(function (group) {
        return Object.assign({ geometry: decode(shapes[group.id] || { n: [], p: [], xy: [] }) }, group);
      });
      this.byId = {};
      this.groups.forEach(function (group) {
        this.byId[group.id] = group;
        if (!group.classes) return;
        group.members = group.styles.map(function () { return []; });
        group.classes.forEach(function (place, feature) { group.members[place].push(feature); });
      }, this);
      this.selected = [];
      this.onDraw = null;
    },

    _initContainer: function () {
      this._container = document.createElement("canvas");
      this._context = this._container.getContext("2d");
    },

    _destroyContainer: function () {
      L.DomUtil.remove(this._container);
    },

    _update: function () {
      if (this._map._animatingZoom && this._bounds) return;
      L.Renderer.prototype._update.call(this);
      var size = this._bounds.getSize(), canvas = this._container;
      var ratio = Math.min(window.devicePixelRatio || 1, 2.5);
      L.DomUtil.setPosition(canvas, this._bounds.min);
      canvas.width = size.x * ratio;
      canvas.height = size.y * ratio;
      canvas.style.width = size.x + "px";
      canvas.style.height = size.y + "px";
      this.draw(this._context, this.view(ratio, this._bounds.min, size));
    },

    /* How coordinates become pixels of a canvas whose corner is at the layer point *corner*. */
    view: function (ratio, corner, size) {
      var map = this._map, zoom = map.getZoom(), scale = Math.pow(2, zoom - UNIT_ZOOM);
      var origin = L.point(this.page.origin).multiplyBy(scale).subtract(map.getPixelOrigin());
      var view = { zoom: zoom, scale: scale, ratio: ratio, width: size.x, height: size.y };
      view.dx = origin.x - corner.x;
      view.dy = origin.y - corner.y;
      view.box = [-view.dx / scale, -view.dy / scale, (size.x - view.dx) / scale, (size.y - view.dy) / scale];
      return view;
    },

    redraw: function () {
      if (!this._map || this._waiting) return;
      this._waiting = L.Util.requestAnimFrame(function () {
        this._waiting = null;
        if (this._map) this._update();
      }, this);
    },

    draw: function (context, view) {
      context.setTransform(view.ratio, 0, 0, view.ratio, 0, 0);
      context.lineJoin = context.lineCap = "round";
      context.fillStyle = this.page.ground.outside;
      context.fillRect(0, 0, view.width, view.height);
      this.drawn = 0;
      this.taken = [];
      var shown = this.groups.filter(function (group) {
        return group.on !== false && view.zoom >= (group.fromZoom || 0);
      });
      var gaps = shown.filter(function (group) { return group.kind === "gap"; });
      for (var i = 0; i < shown.length; i++) {
        context.setLineDash([]);
        // road casings of neighbours in the list come first, so that crossings look like crossings
        if (shown[i].kind === "road" && (!i || shown[i - 1].kind !== "road")) {
          for (var k = i; k < shown.length && shown[k].kind === "road"; k++) this._casing(context, view, shown[k]);
        }
        this["_" + shown[i].kind](context, view, shown[i], gaps);
        // under what lies on top of the group: a marked road still shows its gaps and lamps
        this._selection(context, view, shown[i]);
      }
      context.setLineDash([]);
      // the topmost groups are the ones the page is about: their names come first
      for (var n = shown.length - 1; n >= 0; n--) if (shown[n].labels) this._labels(context, view, shown[n]);
      if (this.onDraw) this.onDraw(this.drawn);
    },

    /* Calls act(part, inside) for every part of a feature (or of all) that may be seen; group.shown, where a page
     * filters, says which features are drawn and answer to clicks. */
    _seen: function (view, group, act, feature) {
      var g = group.geometry, box = g.box, from = 0, to = g.start.length - 1;
      var m = 40 / view.scale, w = view.box[0] - m, n = view.box[1] - m, e = view.box[2] + m, s = view.box[3] + m;
      if (feature !== undefined) { from = g.first[feature]; to = g.first[feature + 1]; }
      var shown = group.shown, owner = feature === undefined ? 0 : feature;
      for (var part = from; part < to; part++) {
        var b = part * 4;
        if (shown) {
          while (g.first[owner + 1] <= part) owner++;
          if (!shown[owner]) continue;
        }
        if (box[b] > e || box[b + 2] < w || box[b + 1] > s || box[b + 3] < n) continue;
        act(part, box[b] >= w && box[b + 2] <= e && box[b + 1] >= n && box[b + 3] <= s);
        this.drawn++;
      }
    },

    /* Adds a part to the path: what is far outside is left out of lines, and what moves by less than a pixel. */
    _trace: function (context, view, g, part, inside, closed) {
      var s = view.scale, last = g.start[part + 1] - 1, pen = false, px = 0, py = 0, lx = NaN, ly = NaN;
      var m = 40;
      for (var i = g.start[part]; i <= last; i++) {
        var x = g.x[i] * s + view.dx, y = g.y[i] * s + view.dy;
        if (i > g.start[part]) {
          var near = inside || closed || !((px < -m && x < -m) || (py < -m && y < -m) ||
            (px > view.width + m && x > view.width + m) || (py > view.height + m && y > view.height + m));
          if (near) {
            if (!pen) { context.moveTo(px, py); lx = px; ly = py; pen = true; }
            if (i === last || Math.abs(x - lx) + Math.abs(y - ly) > 0.7) { context.lineTo(x, y); lx = x; ly = y; }
          } else {
            pen = false;
          }
        }
        px = x; py = y;
      }
      if (closed) context.closePath();
    },

    _path: function (context, view, group, closed, wanted) {
      var self = this;
      context.beginPath();
      if (wanted) {
        wanted.forEach(function (feature) {
          self._seen(view, group, function (part, inside) {
            self._trace(context, view, group.geometry, part, inside, closed);
          }, feature);
        });
      } else {
        this._seen(view, group, function (part, inside) {
          self._trace(context, view, group.geometry, part, inside, closed);
        });
      }
    },

    _land: function (context, view, group) {
      this._path(context, view, group, true);
      context.fillStyle = group.style.fill;
      context.fill("evenodd");
    },

    _area: function (context, view, group) {
      var style = group.style;
      // units that only answer to clicks are not drawn
      if (!style.fill) return;
      this._path(context, view, group, true);
      context.globalAlpha = style.alpha || 1;
      context.fillStyle = style.hatch ? hatch(context, style) : style.fill;
      context.fill("evenodd");
      context.globalAlpha = 1;
      if (style.stroke) {
        context.strokeStyle = style.stroke;
        context.lineWidth = style.width || 0.8;
        context.stroke();
      }
    },

    /* Lines coloured by class; the worst class lies on top. */
    _lines: function (context, view, group) {
      var width = Math.max(2.4, Math.min(9, group.style.width * Math.pow(2, (view.zoom - 12.5) * 0.5)));
      group.members.map(function (wanted, index) { return [wanted, group.styles[index]]; })
        .forEach(function (pair) {
          if (!pair[0].length) return;
          this._path(context, view, group, false, pair[0]);
          context.setLineDash([]);
          context.strokeStyle = group.style.casing;
          context.lineWidth = width + 2;
          context.stroke();
          context.lineCap = "butt";
          context.setLineDash(pair[1].dash || []);
          context.strokeStyle = pair[1].fill;
          context.lineWidth = width;
          context.stroke();
          context.lineCap = "round";
        }, this);
    },

    /* Units filled by class: group.classes holds a style index per feature. */
    _units: function (context, view, group) {
      group.styles.forEach(function (style, index) {
        var wanted = group.members[index];
        if (!wanted || !wanted.length) return;
        this._path(context, view, group, true, wanted);
        context.fillStyle = style.hatch ? hatch(context, style) : style.fill;
        context.fill("evenodd");
        context.strokeStyle = "#ffffff";
        context.lineWidth = view.zoom > 11 ? 1.2 : 0.7;
        context.stroke();
      }, this);
    },

    _border: function (context, view, group) {
      this._path(context, view, group, false);
      context.setLineDash(group.style.dash || []);
      context.lineCap = "butt";
      context.strokeStyle = group.style.stroke;
      context.lineWidth = group.style.width;
      context.stroke();
      context.lineCap = "round";
    },

    _casing: function (context, view, group) {
      this._path(context, view, group, false);
      var width = roadWidth(group.style, view.zoom);
      if (width < 1.6) return;
      context.strokeStyle = group.style.casing;
      context.lineWidth = width + (width > 5 ? 2 : 1.2);
      context.stroke();
    },

    _road: function (context, view, group) {
      var width = roadWidth(group.style, view.zoom);
      this._path(context, view, group, false);
      // a white road without its edges would not be seen on the land
      context.strokeStyle = width < 1.6 ? group.style.casing : group.style.fill;
      context.lineWidth = width;
      context.stroke();
    },

    _own: function (context, view, group) {
      var width = roadWidth(group.style, view.zoom);
      this._path(context, view, group, false);
      context.strokeStyle = "#ffffff";
      context.lineWidth = width + 4;
      context.stroke();
      context.strokeStyle = group.style.casing;
      context.lineWidth = width + 2;
      context.stroke();
      if (group.style.dash) context.setLineDash(group.style.dash);
      context.lineCap = group.style.dash ? "butt" : "round";
      context.strokeStyle = group.style.fill;
      context.lineWidth = width;
      context.stroke();
      context.setLineDash([]);
      context.lineCap = "round";
    },

    _pixels: function (view, g, part) {
      var line = [];
      for (var i = g.start[part]; i < g.start[part + 1]; i++) {
        line.push([g.x[i] * view.scale + view.dx, g.y[i] * view.scale + view.dy]);
      }
      return line;
    },

    /* Gaps of several indicators run beside each other, like lines of a metro map. */
    _gap: function (context, view, group, gaps) {
      var width = gaps.length > 1 ? Math.max(2.6, Math.min(4.5, 16 / gaps.length)) : 6;
      if (view.zoom < 14) width *= 0.8;
      var aside = (Math.max(0, gaps.indexOf(group)) - (gaps.length - 1) / 2) * (width + 0.6);
      var self = this;
      context.beginPath();
      this._seen(view, group, function (part) {
        var line = self._pixels(view, group.geometry, part);
        if (aside) line = offset(line, aside);
        line.forEach(function (p, i) { context[i ? "lineTo" : "moveTo"](p[0], p[1]); });
      });
      context.lineCap = "butt";
      context.strokeStyle = "#ffffff";
      context.lineWidth = width + 1.6;
      context.stroke();
      context.setLineDash(group.style.dash || []);
      context.strokeStyle = group.style.colour;
      context.lineWidth = width;
      context.stroke();
      context.setLineDash([]);
      context.lineCap = "round";
    },

    _point: function (context, view, group) {
      var points = [], g = group.geometry, m = 12;
      for (var i = 0; i < g.x.length; i++) {
        if (group.shown && !group.shown[i]) continue;
        var x = g.x[i] * view.scale + view.dx, y = g.y[i] * view.scale + view.dy;
        if (x > -m && y > -m && x < view.width + m && y < view.height + m) points.push([x, y]);
      }
      this.drawn += points.length;
      if (group.style.ring) {
        context.beginPath();
        var r = symbolSize(group.style, view.zoom) + 3;
        points.forEach(function (p) { context.moveTo(p[0] + r, p[1]); context.arc(p[0], p[1], r, 0, 7); });
        context.strokeStyle = "#ffffff";
        context.lineWidth = 4;
        context.stroke();
        context.strokeStyle = group.style.ring;
        context.lineWidth = 2.2;
        context.stroke();
      } else {
        drawSymbols(context, group.style, points, symbolSize(group.style, view.zoom));
      }
    },

    /* Names of roads along their lines: a group whose parts bear names. */
    _label: function () {},

    _labels: function (context, view, group) {
      var size = group.labels.size || 12;
      context.font = (group.labels.weight || 500) + " " + size + "px " + FONT;
      context.textAlign = "center";
      context.textBaseline = "middle";
      context.lineJoin = "round";
      var self = this, g = group.geometry;
      group.labels.names.forEach(function (name, feature) {
        if (!name) return;
        self._seen(view, group, function (part) {
          if (group.labels.along) self._nameAlong(context, view, name, self._pixels(view, g, part), group.labels);
          else self._nameInside(context, view, name, g, part, group.labels, feature);
        }, feature);
      });
    },

    _write: function (context, name, x, y, angle, labels) {
      var lines = name.split("\n"), high = (labels.size || 12) * 1.2;
      var w = Math.max.apply(null, lines.map(function (line) { return context.measureText(line).width; })) / 2 + 3;
      var h = (high * lines.length) / 2 + 2;
      var c = Math.abs(Math.cos(angle)), s = Math.abs(Math.sin(angle));
      var bx = w * c + h * s, by = w * s + h * c;
      var clash = this.taken.some(function (t) {
        return Math.abs(t[0] - x) < t[2] + bx && Math.abs(t[1] - y) < t[3] + by;
      });
      if (clash) return false;
      this.taken.push([x, y, bx, by]);
      if (angle && CHINESE.test(name)) {
        this._upright(context, name, x, y, angle, labels);
        return true;
      }
      context.save();
      context.translate(x, y);
      context.rotate(angle);
      context.strokeStyle = this.page.ground.halo;
      context.lineWidth = 3.5;
      context.fillStyle = labels.colour || this.page.ground.label;
      lines.forEach(function (line, i) {
        var down = (i - (lines.length - 1) / 2) * high;
        context.strokeText(line, 0, down);
        context.fillText(line, 0, down);
      });
      context.restore();
      return true;
    },

    /* Chinese names stand upright along their road, read from the left or from the top. */
    _upright: function (context, name, x, y, angle, labels) {
      var step = (labels.size || 12) * 1.08, dx = Math.cos(angle) * step, dy = Math.sin(angle) * step;
      if (Math.abs(dx) < Math.abs(dy) ? dy < 0 : dx < 0) { dx = -dx; dy = -dy; }
      var signs = Array.from(name);
      context.strokeStyle = this.page.ground.halo;
      context.lineWidth = 3.5;
      context.fillStyle = labels.colour || this.page.ground.label;
      ["strokeText", "fillText"].forEach(function (act) {
        signs.forEach(function (sign, i) {
          var at = i - (signs.length - 1) / 2;
          context[act](sign, x + at * dx, y + at * dy);
        });
      });
    },

    /* Writes a name where the line is straight enough for it, every 420 pixels. */
    _nameAlong: function (context, view, name, line, labels) {
      var width = context.measureText(name).width + 8, run = 0, wait = width * 0.6;
      for (var i = 1; i < line.length; i++) {
        var a = line[i - 1], b = line[i];
        var step = Math.sqrt((b[0] - a[0]) * (b[0] - a[0]) + (b[1] - a[1]) * (b[1] - a[1]));
        while (step && run + step >= wait) {
          var t = (wait - run) / step, x = a[0] + t * (b[0] - a[0]), y = a[1] + t * (b[1] - a[1]);
          var back = this._walk(line, i, x, y, -width / 2), ahead = this._walk(line, i, x, y, width / 2);
          var placed = false;
          if (back && ahead && x > 0 && y > 0 && x < view.width && y < view.height) {
            var dx = ahead[0] - back[0], dy = ahead[1] - back[1];
            if (Math.sqrt(dx * dx + dy * dy) > width * 0.94) {
              var angle = Math.atan2(dy, dx);
              if (angle > Math.PI / 2) angle -= Math.PI;
              if (angle < -Math.PI / 2) angle += Math.PI;
              placed = this._write(context, name, (back[0] + ahead[0]) / 2, (back[1] + ahead[1]) / 2, angle, labels);
            }
          }
          wait += placed ? 420 : 45;
        }
        run += step;
      }
    },

    /* The point a length along the line from (x, y) on its segment i, or null beyond the ends. */
    _walk: function (line, i, x, y, length) {
      var step = length < 0 ? -1 : 1, left = Math.abs(length), k = length < 0 ? i - 1 : i;
      for (; k >= 0 && k < line.length; k += step) {
        var dx = line[k][0] - x, dy = line[k][1] - y, d = Math.sqrt(dx * dx + dy * dy);
        if (d >= left) return d ? [x + (dx / d) * left, y + (dy / d) * left] : [x, y];
        left -= d; x = line[k][0]; y = line[k][1];
      }
      return null;
    },

    _nameInside: function (context, view, name, g, part, labels, feature) {
      if (part !== g.first[feature]) return;
      var b = part * 4, s = view.scale;
      var wide = (g.box[b + 2] - g.box[b]) * s, tall = (g.box[b + 3] - g.box[b + 1]) * s;
      var w = Math.max.apply(null, name.split("\n").map(function (line) { return context.measureText(line).width; }));
      if (wide < w * (labels.room || 1) || tall < (labels.size || 12) * 1.3) return;
      var anchor = labels.anchors ? labels.anchors[feature] : null;
      var x = (anchor ? anchor[0] : (g.box[b] + g.box[b + 2]) / 2) * s + view.dx;
      var y = (anchor ? anchor[1] : (g.box[b + 1] + g.box[b + 3]) / 2) * s + view.dy;
      this._write(context, name, x, y, 0, labels);
    },

    _selection: function (context, view, group) {
      var style = this.page.selection, self = this;
      var filled = group.kind === "units" || group.kind === "area";
      var thick = filled || group.kind === "point" ? 3 : group.kind === "lines" ? 6 : group.kind === "own" ?
        roadWidth(group.style, view.zoom) : 11;
      this.selected.forEach(function (pick) {
        if (pick.group !== group.id) return;
        context.setLineDash([]);
        if (group.kind === "point") {
          var g = group.geometry, i = g.start[g.first[pick.index]];
          context.beginPath();
          context.arc(g.x[i] * view.scale + view.dx, g.y[i] * view.scale + view.dy,
            symbolSize(group.style, view.zoom) + 6, 0, 2 * Math.PI);
        } else {
          self._path(context, view, group, filled, [pick.index]);
        }
        context.strokeStyle = style.casing;
        context.lineWidth = thick + 3;
        context.stroke();
        context.strokeStyle = style.fill;
        context.lineWidth = thick;
        context.stroke();
        if (group.kind === "gap") {
          self._gap(context, view, Object.assign({}, group, { geometry: self._only(group, pick.index) }), [group]);
        }
      });
    },

    /* The geometry of one feature alone. */
    _only: function (group, index) {
      var g = group.geometry;
      return Object.assign({}, g, {
        start: g.start.subarray(g.first[index], g.first[index + 1] + 1),
        box: g.box.subarray(g.first[index] * 4, g.first[index + 1] * 4)
      });
    },

    select: function (picks) {
      this.selected = picks;
      this.redraw();
    },

    /* Bounds of one feature (or of all) as Leaflet's. */
    boundsOf: function (id, index) {
      var g = this.byId[id].geometry, bounds = L.bounds([]);
      var from = index === undefined ? 0 : g.first[index], to = index === undefined ? g.start.length - 1 : g.first[index + 1];
      for (var part = from; part < to; part++) {
        bounds.extend([g.box[part * 4], g.box[part * 4 + 1]]).extend([g.box[part * 4 + 2], g.box[part * 4 + 3]]);
      }
      return from === to ? null : this.toLatLngBounds(bounds.min, bounds.max);
    },

    toLatLng: function (x, y) {
      var origin = this.page.origin;
      return L.CRS.EPSG3857.pointToLatLng(L.point(x + origin[0], y + origin[1]), UNIT_ZOOM);
    },

    toLatLngBounds: function (a, b) {
      return L.latLngBounds(this.toLatLng(a.x, a.y), this.toLatLng(b.x, b.y));
    },

    /* What lies at a place: the topmost feature within reach (pixels), or null. */
    pick: function (latlng, reach) {
      var at = L.CRS.EPSG3857.latLngToPoint(latlng, UNIT_ZOOM).subtract(L.point(this.page.origin));
      var zoom = this._map.getZoom(), scale = Math.pow(2, zoom - UNIT_ZOOM);
      for (var i = this.groups.length - 1; i >= 0; i--) {
        var group = this.groups[i];
        if (!group.hit || group.on === false || zoom < (group.fromZoom || 0)) continue;
        var filled = group.kind === "units" || group.kind === "area";
        var width = group.kind === "own" || group.kind === "road" ? roadWidth(group.style, zoom) / 2 : 0;
        var index = filled ? this._inside(group, at) : this._nearest(group, at, Math.max(reach, width) / scale);
        if (index >= 0) return { group: group.id, index: index };
      }
      return null;
    },

    /* All features of a group within reach (pixels) of a place. */
    around: function (id, latlng, reach) {
      var at = L.CRS.EPSG3857.latLngToPoint(latlng, UNIT_ZOOM).subtract(L.point(this.page.origin));
      var found = [], limit = reach / Math.pow(2, this._map.getZoom() - UNIT_ZOOM), group = this.byId[id];
      for (var feature = 0; feature < group.geometry.features; feature++) {
        if (this._nearest(group, at, limit, feature) >= 0) found.push(feature);
      }
      return found;
    },

    _nearest: function (group, at, reach, only) {
      var g = group.geometry, best = reach * reach, found = -1;
      var from = only === undefined ? 0 : only, to = only === undefined ? g.features : only + 1;
      for (var feature = from; feature < to; feature++) {
        if (group.shown && !group.shown[feature]) continue;
        for (var part = g.first[feature]; part < g.first[feature + 1]; part++) {
          var b = part * 4;
          if (at.x < g.box[b] - reach || at.x > g.box[b + 2] + reach ||
              at.y < g.box[b + 1] - reach || at.y > g.box[b + 3] + reach) continue;
          for (var i = g.start[part]; i < g.start[part + 1]; i++) {
            var k = i > g.start[part] ? i - 1 : i;
            var d = toSegment(at.x, at.y, g.x[k], g.y[k], g.x[i], g.y[i]);
            if (d <= best) { best = d; found = feature; }
          }
        }
      }
      return found;
    },

    _inside: function (group, at) {
      var g = group.geometry;
      for (var feature = 0; feature < g.features; feature++) {
        var odd = false;
        if (group.shown && !group.shown[feature]) continue;
        for (var part = g.first[feature]; part < g.first[feature + 1]; part++) {
          var b = part * 4;
          if (at.x < g.box[b] || at.x > g.box[b + 2] || at.y < g.box[b + 1] || at.y > g.box[b + 3]) continue;
          for (var i = g.start[part], k = g.start[part + 1] - 1; i < g.start[part + 1]; k = i++) {
            if (g.y[i] > at.y !== g.y[k] > at.y &&
                at.x < ((g.x[k] - g.x[i]) * (at.y - g.y[i])) / (g.y[k] - g.y[i]) + g.x[i]) odd = !odd;
          }
        }
        if (odd) return feature;
      }
      return -1;
    }
  });

  /* Draws a group's symbol into a small canvas, exactly as the map draws it. */
  function swatch(canvas, group) {
    var ratio = Math.min(window.devicePixelRatio || 1, 2.5), w = 34, h = 18, style = group.style;
    canvas.width = w * ratio;
    canvas.height = h * ratio;
    var c = canvas.getContext("2d");
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.lineCap = "butt";
    function line(colour, width, dash) {
      c.beginPath(); c.moveTo(2, h / 2); c.lineTo(w - 2, h / 2);
      c.setLineDash(dash || []); c.strokeStyle = colour; c.lineWidth = width; c.stroke();
    }
    if (group.kind === "point") {
      if (style.ring) {
        c.beginPath(); c.arc(w / 2, h / 2, 6, 0, 7); c.strokeStyle = style.ring; c.lineWidth = 2.4; c.stroke();
      } else {
        drawSymbols(c, style, [[w / 2, h / 2]], Math.min(6.5, style.size * 1.2));
      }
    } else if (group.kind === "lines") {
      line(style.fill, 5, style.dash);
    } else if (group.kind === "road" || group.kind === "own") {
      var width = Math.min(8, Math.max(3, style.width * 0.9));
      line(style.casing, width + 2); line(style.fill, width, style.dash);
    } else if (group.kind === "gap") {
      line(style.colour, 5, style.dash);
    } else if (group.kind === "border") {
      line(style.stroke, Math.max(1.5, style.width), style.dash);
    } else {
      c.fillStyle = style.hatch ? hatch(c, style) : style.fill;
      c.fillRect(4, 2, w - 8, h - 4);
      c.strokeStyle = style.stroke || "#9aa5ae"; c.lineWidth = 1; c.strokeRect(4.5, 2.5, w - 9, h - 5);
    }
  }

  gridsvc.Scene = Scene;
  gridsvc.swatch = swatch;
})();
