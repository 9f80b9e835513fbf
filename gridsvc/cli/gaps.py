"""``gridsvc gaps``: what keeps an indicator from its goal, worst first."""

from __future__ import annotations

from typing import Annotated

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import typer
from rich.console import Console

from gridsvc.cli.figures import AsOfOption, ChiefOption, RunOption, UnitOption, open_figures, require_chief
from gridsvc.cli.output import FormatOption, Listing, OutOption, deliver, plain_records
from gridsvc.cli.session import Session, command
from gridsvc.cli.tables import Side, show_table
from gridsvc.coverage.figures import Figures
from gridsvc.errors import NotFoundError
from gridsvc.layers import Layers
from gridsvc.maps.words import unit as unit_words
from gridsvc.text import Text, bilingual

KINDS: dict[str, Text] = {
    "stretch": bilingual("stretch", "路段"),
    "area": bilingual("area", "区域"),
    "feature": bilingual("feature", "部件"),
}
# what a gap's size is measured in, as people write it
MEASURES: dict[str, Text] = {
    "m": bilingual("m", "m"),
    "m2": bilingual("m²", "m²"),
    "count": bilingual("features", "个"),
}
HEADINGS: dict[str, Text] = {
    "number": bilingual("No.", "序号"),
    "kind": bilingual("Kind", "类型"),
    "place": bilingual("Where", "位置"),
    "from_m": bilingual("From (m)", "起点 (m)"),
    "to_m": bilingual("To (m)", "终点 (m)"),
    "size": bilingual("Size", "大小"),
    "measure": bilingual("Unit", "单位"),
    "unit": bilingual("Unit code", "单元编码"),
    "unit_name": bilingual("Belongs to", "所属单元"),
    "chiefs": bilingual("Chiefs", "路长"),
    "lon": bilingual("Longitude", "经度"),
    "lat": bilingual("Latitude", "纬度"),
}
RIGHT = {"number", "from_m", "to_m", "size", "lon", "lat"}
# left out in this order where a terminal is narrow
SPARE = (("kind",), ("lon", "lat"), ("unit_name",))


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""

    @command(app, "gaps")
    def gaps(
        session: Session,
        indicator: Annotated[
            str, typer.Argument(metavar="INDICATOR", help="Id of the indicator, e.g. lit_road.")
        ],
        unit: UnitOption = None,
        chief: ChiefOption = None,
        as_of: AsOfOption = None,
        run: RunOption = None,
        limit: Annotated[
            int, typer.Option("--limit", min=1, help="Rows to show at most on a terminal.")
        ] = 50,
        form: FormatOption = None,
        out: OutOption = None,
    ) -> None:
        """List what keeps an indicator from its goal, worst first: dark stretches, areas without green …"""
        with open_figures(session, run, as_of) as figures:
            one = figures.indicators[indicator]
            require_chief(figures, chief)
            if unit is not None and unit not in set(figures.units["code"]):
                raise NotFoundError(f"there is no unit {unit!r}", f"没有单元 {unit!r}")
            found = figures.gaps(one.id, unit, chief)
            rows = described(figures, found, session.lang)
        about = {"indicator": one.id, "title": one.title(session.lang), "run": figures.run.id}
        listing = Listing(
            "gaps",
            lambda: {**about, "count": len(rows), "gaps": plain_records(rows)},
            lambda: rows.rename(columns={name: title(session.lang) for name, title in HEADINGS.items()}),
            lambda: gpd.GeoDataFrame(rows, geometry=found.geometry.to_numpy(), crs=found.crs),
            lambda console: show_gaps(console, rows, limit, one.title(session.lang), session.lang),
        )
        deliver(session, listing, form, out)


def described(figures: Figures, found: gpd.GeoDataFrame, lang: str) -> pd.DataFrame:
    """Gaps as rows of a worklist; ``lon``, ``lat``: a point on the gap, in degrees."""
    names = figures.units.set_index("code")["name"]
    points = shapely.point_on_surface(np.asarray(found.geometry, dtype=object))
    layers = {name: layer.title(lang) for name, layer in figures.layers.items()}
    asset = found["layer"].map(layers).fillna("") + " " + found["feature_key"].fillna("")
    place = found["road_name"].where(
        found["road_name"].notna() & (found["road_name"] != ""), asset.str.strip()
    )
    return pd.DataFrame(
        {
            "number": np.arange(1, len(found) + 1),
            "kind": found["kind"].map(lambda kind: KINDS[kind](lang)),
            "place": place,
            "from_m": found["from_m"],
            "to_m": found["to_m"],
            "size": found["size"],
            "measure": [
                measure(figures.layers, layer, name)(lang)
                for layer, name in zip(found["layer"], found["measure"], strict=True)
            ],
            "unit": found["unit"],
            "unit_name": found["unit"].map(names),
            "chiefs": found["chiefs"],
            "lon": shapely.get_x(points),
            "lat": shapely.get_y(points),
        }
    )


def measure(layers: Layers, layer: str | None, name: str) -> Text:
    """What sizes are in: one of :data:`MEASURES`, else the unit of the layer's field that features weigh by."""
    return MEASURES[name] if name in MEASURES else unit_words(layers[str(layer)].fields[name].unit)


def show_gaps(out: Console, rows: pd.DataFrame, limit: int, title: str, lang: str) -> None:
    """Print the worst gaps."""
    if rows.empty:
        none = bilingual(f"{title}: no gaps listed", f"{title}：没有可列出的短板")
        out.print(none(lang), highlight=False, markup=False, soft_wrap=True)
        return
    shown = [name for name in HEADINGS if name != "unit" and (name == "number" or rows[name].notna().any())]
    columns: list[tuple[str, Side]] = [
        (HEADINGS[name](lang), "right" if name in RIGHT else "left") for name in shown
    ]
    cells = [[_cell(name, row[name]) for name in shown] for row in plain_records(rows.head(limit))]
    spare = [[HEADINGS[name](lang) for name in group] for group in SPARE]
    show_table(out, columns, cells, title=title, spare=spare, lang=lang)
    if len(rows) > limit:
        more = bilingual(
            f"the worst {limit} of {len(rows)}; --limit shows more, -o FILE.xlsx writes them all",
            f"共 {len(rows)} 处，显示最大的 {limit} 处；--limit 可调，-o 文件.xlsx 可全部导出",
        )
        out.print(more(lang), highlight=False)


def _cell(name: str, value: object) -> object:
    if isinstance(value, float):
        return f"{value:.6f}" if name in ("lon", "lat") else f"{value:,.1f}"
    return value
