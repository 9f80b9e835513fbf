"""``gridsvc demo``: the sample county, end to end."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from gridsvc.checks import find
from gridsvc.cli.pages import write_pages
from gridsvc.cli.progress import Progress
from gridsvc.cli.session import Session, command
from gridsvc.coverage.engine import compute
from gridsvc.coverage.figures import Figures
from gridsvc.coverage.indicators import Indicators, load_indicators
from gridsvc.coverage.scene import Scene
from gridsvc.errors import GridsvcError, UsageError
from gridsvc.intake import LoadOptions, load_file
from gridsvc.layers import load_layers
from gridsvc.sample import AS_OF, COUNTY_NAME, make_sample
from gridsvc.settings import County, Workspace, init_workspace, open_workspace
from gridsvc.store import Store, open_store
from gridsvc.text import Text, bilingual

NAME = Text(zh=COUNTY_NAME, en="Sample county")
DELIVERY = "delivery"
STEPS: dict[str, Text] = {
    "generate": bilingual("Making the sample county", "生成样例县"),
    "load": bilingual("Loading its delivery", "数据入库"),
    "check": bilingual("Checking", "检查"),
    "compute": bilingual("Computing", "计算"),
    "publish": bilingual("Publishing the GeoPackage", "发布 GeoPackage"),
    "map": bilingual("Drawing maps", "绘制地图"),
}


@dataclass
class Made:
    """What the demo has made."""

    counts: dict[str, int] = field(default_factory=dict)
    """Features by layer."""
    quarantined: int = 0
    attention: int = 0
    pages: int = 0
    figures: list[dict[str, Any]] = field(default_factory=list)
    """The county's own figures: ``indicator``, ``title``, ``shown``."""


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""

    @command(app, "demo")
    def demo(
        session: Session,
        folder: Annotated[
            Path, typer.Argument(metavar="[DIR]", help="Folder of the demo; an older demo in it is replaced.")
        ] = Path("demo"),
    ) -> None:
        """Build the sample county end to end: make, load, check, compute, draw."""
        began = time.perf_counter()
        require_free(folder)
        folder.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.TemporaryDirectory(dir=folder.resolve().parent, prefix=".gridsvc-demo-") as aside,
            session.progress() as progress,
        ):
            made = build(Path(aside) / "demo", progress)
            replace(folder, Path(aside) / "demo")
        seconds = time.perf_counter() - began
        data = {
            "workspace": str(folder.resolve()),
            "index": str((open_workspace(folder).pages_dir / "index.html").resolve()),
            "seconds": round(seconds, 1),
            "steps": progress.seconds,
            **vars(made),
        }
        session.answer(data, summary(folder, made, seconds))


def require_free(folder: Path) -> None:
    """Refuse a folder that holds anything but an older demo."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file, not a folder", f"{folder} 是文件，不是文件夹")
    if not folder.exists() or not any(folder.iterdir()) or is_demo(folder):
        return
    raise UsageError(
        f"{folder} is not empty and holds no demo of gridsvc; name another folder: gridsvc demo DIR",
        f"{folder} 不是空文件夹，也不是 gridsvc 的演示；请另选文件夹：gridsvc demo 文件夹",
    )


def is_demo(folder: Path) -> bool:
    """True for a workspace that the demo made: synthetic, and of the sample county."""
    try:
        county = open_workspace(folder).county
    except GridsvcError:
        return False
    return county.synthetic and county.name == NAME


def replace(folder: Path, made: Path) -> None:
    """Put what was *made* in the place of what *folder* holds: renames only, the folder itself stays."""
    old = made.with_name("old")
    old.mkdir()
    for path in list(folder.iterdir()):
        path.rename(old / path.name)
    for path in list(made.iterdir()):
        path.rename(folder / path.name)


def build(folder: Path, progress: Progress) -> Made:
    """Make the demo workspace in *folder*."""
    made = Made()
    workspace = init_workspace(folder, County(name=NAME, synthetic=True))
    layers = load_layers(workspace)
    indicators = load_indicators(workspace, layers)
    progress.step("generate", STEPS["generate"])
    deliveries = make_sample(folder / DELIVERY)
    with open_store(workspace, layers, write=True) as store:
        progress.step("load", STEPS["load"], len(deliveries))
        for delivery in deliveries:
            options = LoadOptions(**delivery.options)  # type: ignore[arg-type]
            report = load_file(store, layers, workspace, delivery.layer, [delivery.path], options)
            made.quarantined += report.counts["quarantined"]
            progress.advance()
        made.counts = {name: count for name, count in store.counts().items() if count}
        progress.step("check", STEPS["check"])
        made.attention = find(Scene(store, workspace, layers, AS_OF)).attention
        progress.step("compute", STEPS["compute"])
        compute(store, workspace, layers, indicators, AS_OF, progress.reach)
        made.figures = county_figures(store, workspace, indicators)
        progress.step("publish", STEPS["publish"])
        store.publish_geopackage()
        progress.step("map", STEPS["map"])
        made.pages = len(write_pages(store, indicators, progress.reach))
    return made


def county_figures(store: Store, workspace: Workspace, indicators: Indicators) -> list[dict[str, Any]]:
    """The figures of the county as a whole."""
    table = Figures.open(store, workspace, store.layers, indicators).table()
    return [
        {
            "indicator": row["indicator"],
            "title": indicators[row["indicator"]].title.model_dump(),
            "shown": f"{row['display']} {row['unit']}",
        }
        for row in table.to_dict(orient="records")
    ]


def summary(folder: Path, made: Made, seconds: float) -> Text:
    """Five lines: what was made, what it shows, where to look and how to serve it."""
    count = made.counts
    index = folder / "maps" / "out" / "index.html"
    first = made.figures[:4]
    en = ", ".join(f"{one['title']['en']} {one['shown']}" for one in first)
    zh = "，".join(f"{one['title']['zh']} {one['shown']}" for one in first)
    return Text(
        en=(
            f"Made: {NAME.en} (synthetic) in {folder}, in {seconds:.0f} s: {count['districts']} districts, "
            f"{count['communities']} communities, {count['grids']:,} grids, {count['roads']:,} road sections, "
            f"{count['lamps']:,} lamps, {count['chiefs']} road chiefs\n"
            f"Checked: {made.attention:,} findings need attention; list them: gridsvc check -w {folder}\n"
            f"Figures: {en}; all of them: gridsvc coverage -w {folder}\n"
            f"Maps: {made.pages} pages; open {index} in a browser; for QGIS: {folder / 'layers' / 'county.gpkg'}\n"
            f"Serve it: gridsvc serve -w {folder}"
        ),
        zh=(
            f"已生成：{NAME.zh}（虚构数据），位于 {folder}，用时 {seconds:.0f} 秒：{count['districts']} 个街道/乡镇、"
            f"{count['communities']} 个社区/村、{count['grids']:,} 个网格、{count['roads']:,} 条路段、"
            f"{count['lamps']:,} 盏路灯、{count['chiefs']} 名路长\n"
            f"检查：{made.attention:,} 项需要处理；查看：gridsvc check -w {folder}\n"
            f"指标：{zh}；全部指标：gridsvc coverage -w {folder}\n"
            f"地图：{made.pages} 页；用浏览器打开 {index}；QGIS 请打开 {folder / 'layers' / 'county.gpkg'}\n"
            f"上线：gridsvc serve -w {folder}"
        ),
    )
