"""The files of the sample county, written as a county's GIS office hands them in: GBK shapefiles, xlsx, csv."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio.raw
import pyproj
import shapely
import xlsxwriter

from gridsvc.sample import people as tables
from gridsvc.sample.civic import REPORT_COLUMNS, REPORTS
from gridsvc.sample.county import County, build
from gridsvc.sample.fabric import Areas
from gridsvc.sample.frame import CRS, Geometries
from gridsvc.sample.people import People, make_people, road_codes
from gridsvc.sample.units import COUNTY_CODE, COUNTY_NAME, Level

NOTE = f"""{COUNTY_NAME}（{COUNTY_CODE}）样例数据说明

本文件夹中的全部数据均为虚构（synthetic），由 gridsvc 按固定随机种子生成，
仅供软件演示与测试使用，不对应任何真实的县、道路、单位或个人。
{COUNTY_NAME}并不存在，编码 {COUNTY_CODE} 未被任何县使用；电话号码均以 000-0000 开头。

All data in this folder are synthetic, made by gridsvc from a fixed seed for demonstration and tests.
The county does not exist, its code belongs to no county, and no person or telephone number is real.

坐标系 CRS: CGCS2000 3 度带高斯-克吕格，中央经线 114°（EPSG:4547，不加带号）
属性编码 encoding: 矢量属性表 GBK，巡查记录.csv GB18030
数据日期 as of: 2026-11-20
"""

Column = tuple[str, Any]


@dataclass(frozen=True)
class Delivery:
    """One file (or sheet) handed in: the gridsvc layer it belongs to, where it is, and options for loading it."""

    layer: str
    path: Path
    options: dict[str, object] = field(default_factory=dict)


def _write(path: Path, shapes: Geometries, kind: str, columns: list[Column]) -> None:
    """Write one shapefile; None in a column of numbers or dates becomes null."""
    data, masks = [], []
    for _, values in columns:
        mask = None
        if isinstance(values, np.ndarray) and values.dtype.kind in "fM":
            mask = np.isnan(values) if values.dtype.kind == "f" else np.isnat(values)
        array = np.asarray(values)
        data.append(array.astype(object) if array.dtype.kind == "U" else array)
        masks.append(mask if mask is not None and mask.any() else None)
    pyogrio.raw.write(
        path,
        shapely.to_wkb(shapes),
        data,
        [name for name, _ in columns],
        field_mask=masks,
        driver="ESRI Shapefile",
        geometry_type=kind,
        crs=CRS,
        encoding="GBK",
        layer_options={"DBF_DATE_LAST_UPDATE": "2026-11-20"},
    )


def _units(folder: Path, county: County) -> list[Delivery]:
    def put(layer: str, name: str, level: Level, parents: bool = True) -> Delivery:
        columns: list[Column] = [("编码", level.codes), ("名称", level.names)]
        if parents:
            columns.append(("上级编码", level.parents))
        _write(folder / name, level.shapes, "Polygon", columns)
        return Delivery(layer, folder / name)

    units = county.units
    zones: list[Column] = [
        ("编码", ["CJ01", "CJ02"]),
        ("名称", [f"{COUNTY_NAME}建成区", f"{COUNTY_NAME}创建范围"]),
        ("类型", ["建成区", "创建范围"]),
    ]
    _write(folder / "创建范围.shp", county.zones, "Polygon", zones)
    return [
        put("counties", "县界.shp", units.county, parents=False),
        put("districts", "街道乡镇.shp", units.districts),
        put("communities", "社区村.shp", units.communities),
        put("grids", "网格.shp", units.grids),
        Delivery("zones", folder / "创建范围.shp"),
    ]


def _roads(folder: Path, county: County, rng: np.random.Generator) -> Delivery:
    streets = county.streets
    codes = road_codes(streets)
    part: dict[str, int] = {}
    numbers = []
    for code in codes:
        part[code] = part.get(code, 0) + 1
        numbers.append(f"{code}-{part[code]}")
    unknown = (rng.random(len(codes)) < 0.08) & ~np.isin(streets.kind, ["主干路", "快速路"])
    swept = {"主干路": 0.97, "快速路": 1.0, "次干路": 0.8, "支路": 0.42, "街巷": 0.05}
    share = np.array([swept[k] for k in streets.kind]) * np.where(streets.place == "core", 1.0, 0.4)
    columns: list[Column] = [
        ("道路编号", numbers),
        ("道路编码", codes),
        ("道路名称", [s.name for s in streets.all]),
        ("道路等级", streets.kind),
        ("路宽", np.where(unknown, np.nan, streets.width)),
        ("车行道", np.where(streets.twin, "双幅", "单幅")),
        ("机扫", np.where((rng.random(len(codes)) < share) | (streets.kind == "快速路"), "是", "否")),
        *county.civic.roads.items(),
    ]
    _write(folder / "道路.shp", streets.lines, "LineString", columns)
    return Delivery("roads", folder / "道路.shp")


def _points(folder: Path, county: County, lamp_codes: list[str], rng: np.random.Generator) -> list[Delivery]:
    lamps, toilets, bins = county.lamps, county.toilets, county.bins
    columns: list[Column] = [
        ("路灯编号", lamp_codes),
        ("所在道路", lamps.named),
        ("灯头数", lamps.lights.astype(np.int32)),
        ("灯杆高", lamps.height),
        ("状态", lamps.state),
        ("检查日期", lamps.checked),
    ]
    _write(folder / "路灯.shp", shapely.points(lamps.xy), "Point", columns)
    flush = toilets.kinds == "水冲"
    columns = [
        ("公厕编号", [f"GC{k + 1:03d}" for k in range(len(toilets.xy))]),
        ("名称", [f"{name}公厕" for name in toilets.named]),
        ("类型", toilets.kinds),
        (
            "厕位数",
            np.where(flush, rng.integers(6, 25, len(flush)), rng.integers(2, 7, len(flush))).astype(np.int32),
        ),
        ("无障碍", np.where(flush & (rng.random(len(flush)) < 0.68), "是", "否")),
    ]
    _write(folder / "公厕.shp", shapely.points(toilets.xy), "Point", columns)
    columns = [
        ("编号", [f"GP{k + 1:04d}" for k in range(len(bins.xy))]),
        ("所在道路", bins.named),
        ("类型", bins.kinds),
    ]
    _write(folder / "果皮箱.shp", shapely.points(bins.xy), "Point", columns)
    return [
        Delivery(*d)
        for d in (
            ("lamps", folder / "路灯.shp"),
            ("toilets", folder / "公厕.shp"),
            ("bins", folder / "果皮箱.shp"),
        )
    ]


def _polygons(folder: Path, county: County) -> list[Delivery]:
    fabric, water = county.fabric, county.water
    lots: Areas = fabric.lots
    area, wide = shapely.area(lots.shapes), lots.kinds == "路内"
    bays = np.maximum(4, np.where(wide, area / 2.4 / 6.2, area / 29)).astype(np.int32)
    columns: list[Column] = [
        ("编号", [f"TC{k + 1:04d}" for k in range(len(area))]),
        ("名称", [f"{kind}停车场{k + 1}号" for k, kind in enumerate(lots.kinds)]),
        ("泊位数", bays),
        ("类型", lots.kinds),
    ]
    _write(folder / "停车场.shp", lots.shapes, "Polygon", columns)
    greens = fabric.greens
    columns = [
        ("编号", [f"LH{k + 1:05d}" for k in range(len(greens.names))]),
        ("名称", greens.names),
        ("类型", greens.kinds),
    ]
    _write(folder / "绿地.shp", greens.shapes, "Polygon", columns)
    built = fabric.buildings
    columns = [
        ("编号", [f"JZ{k + 1:05d}" for k in range(len(built.uses))]),
        ("用途", built.uses),
        ("人口", built.residents.astype(np.int32)),
        ("层数", built.floors.astype(np.int32)),
    ]
    _write(folder / "建筑.shp", built.shapes, "Polygon", columns)
    columns = [
        ("编号", [f"SX{k + 1:03d}" for k in range(len(water.names))]),
        ("名称", water.names),
        ("类型", water.kinds),
        ("河湖长", [f"河湖长{k + 1:02d}" if k % 9 else "" for k in range(len(water.names))]),
    ]
    _write(folder / "水系.shp", np.array(water.shapes, dtype=object), "Polygon", columns)
    files = {"parking": "停车场.shp", "greenery": "绿地.shp", "buildings": "建筑.shp", "water": "水系.shp"}
    return [Delivery(layer, folder / name) for layer, name in files.items()]


def _civic(folder: Path, county: County) -> list[Delivery]:
    """Land use, parcels, canopy, places and adverts; places come in two files, as areas and as points."""
    civic = county.civic

    def put(
        layer: str, name: str, shapes: Geometries, prefix: str, columns: list[Column], **options: object
    ) -> Delivery:
        number: Column = ("编号", [f"{prefix}{k + 1:05d}" for k in range(len(shapes))])
        kind = "Point" if shapely.get_type_id(shapes[0]) == 0 else "Polygon"
        _write(folder / name, shapes, kind, [number, *columns])
        return Delivery(layer, folder / name, options)

    land, parcels, canopy, adverts = civic.land, civic.parcels, civic.canopy, civic.adverts
    quotas: list[Column] = [("名称", parcels.names), ("类型", parcels.kinds), ("绿地率指标", parcels.quota)]
    grounds: list[Column] = [("名称", civic.grounds.names), ("类型", civic.grounds.kinds)]
    spots: list[Column] = [("名称", civic.places.named), ("类型", civic.places.kinds)]
    signs: list[Column] = [("所在道路", adverts.named), ("类型", adverts.kinds), ("主题", civic.themes)]
    points = shapely.points(civic.places.xy)
    return [
        put("land_use", "用地.shp", land.shapes, "YD", [("用地性质", land.kinds)]),
        put("parcels", "单位小区.shp", parcels.shapes, "DW", quotas),
        put("tree_canopy", "绿化覆盖.shp", canopy.shapes, "FG", [("类型", canopy.kinds)]),
        put("places", "学校医院小区.shp", civic.grounds.shapes, "XX", grounds),
        put("places", "公共服务点.shp", points, "DD", spots, mode="append"),
        put("adverts", "公益广告.shp", shapely.points(adverts.xy), "GG", signs),
    ]


def _reports(folder: Path) -> Delivery:
    """Values that offices reported for the county, of two days."""
    path = folder / "上报值.xlsx"
    rows: list[list[object]] = [
        [indicator, COUNTY_CODE, value if day.month == 9 else round(value * 0.97, 2), day, office]
        for indicator, value, office in REPORTS
        for day in (date(2026, 3, 31), date(2026, 9, 30))
    ]
    title = f"{COUNTY_NAME}部门上报指标（虚构）"
    _workbook(path, [("上报值", title, REPORT_COLUMNS, rows)])
    return Delivery("reported", path)


def _sheet(book: Any, name: str, title: str, columns: tuple[str, ...], rows: list[list[object]]) -> None:
    """Write a sheet with a merged title row above its header row; texts stay texts, dates are dates."""
    sheet = book.add_worksheet(name)
    head = book.add_format({"bold": True, "align": "center", "valign": "vcenter", "font_size": 16})
    bold = book.add_format({"bold": True, "border": 1, "align": "center", "bg_color": "#DDEBF7"})
    plain, day = book.add_format({"border": 1}), book.add_format({"border": 1, "num_format": "yyyy-mm-dd"})
    sheet.merge_range(0, 0, 0, len(columns) - 1, title, head)
    sheet.set_row(0, 30)
    sheet.write_row(1, 0, columns, bold)
    sheet.set_column(0, len(columns) - 1, 15)
    sheet.freeze_panes(2, 0)
    for r, row in enumerate(rows, 2):
        for c, value in enumerate(row):
            if isinstance(value, date):
                sheet.write_datetime(r, c, datetime(value.year, value.month, value.day), day)
            elif isinstance(value, str):
                sheet.write_string(r, c, value, plain)
            elif value is None:
                sheet.write_blank(r, c, None, plain)
            else:
                sheet.write_number(r, c, float(str(value)), plain)


def _workbook(path: Path, sheets: list[tuple[str, str, tuple[str, ...], list[list[object]]]]) -> None:
    book = xlsxwriter.Workbook(str(path))
    book.set_properties({"title": path.stem, "comments": "虚构 synthetic", "created": datetime(2026, 11, 20)})
    for name, title, columns, rows in sheets:
        _sheet(book, name, title, columns, rows)
    book.close()


def _tables(folder: Path, staff: People) -> list[Delivery]:
    posts = [row for row in staff.chiefs if row[0] != tables.FORMER]
    vacant = sum(row[1] == "" for row in posts)
    listed: list[list[object]] = [[k + 1, *row] for k, row in enumerate(staff.chiefs)]
    listed.append([f"合计 {len(posts)} 岗，在岗 {len(posts) - vacant} 人，空岗 {vacant} 个", *[None] * 7])
    chiefs, officers, checks = folder / "路长制.xlsx", folder / "网格员.xlsx", folder / "巡查记录.csv"
    _workbook(
        chiefs,
        [
            ("路长", f"{COUNTY_NAME}路长名录（虚构）", ("序号", *tables.CHIEF_COLUMNS), listed),
            ("责任路段", f"{COUNTY_NAME}路长责任路段（虚构）", tables.DUTY_COLUMNS, staff.duties),
        ],
    )
    _workbook(
        officers,
        [
            ("网格员", f"{COUNTY_NAME}网格员名录（虚构）", tables.OFFICER_COLUMNS, staff.officers),
            ("网格责任", f"{COUNTY_NAME}网格责任（虚构）", tables.GRID_DUTY_COLUMNS, staff.grid_duties),
        ],
    )
    with checks.open("w", encoding="gb18030", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(tables.CHECK_COLUMNS)
        writer.writerows(staff.checks)
    return [
        Delivery("chiefs", chiefs, {"source_layer": "路长"}),
        Delivery("officers", officers, {"source_layer": "网格员"}),
        Delivery("duties", chiefs, {"source_layer": "责任路段"}),
        Delivery("duties", officers, {"source_layer": "网格责任", "mode": "append"}),
        Delivery("observations", checks),
    ]


def _late_lamps(folder: Path, county: County) -> None:
    """A dozen lamps handed in later, four of them with faults, to try what becomes of such rows. Not loaded."""
    xy = county.lamps.xy[:: len(county.lamps.xy) // 12][:12] + 1.5
    lon, lat = pyproj.Transformer.from_crs(CRS, 4490, always_xy=True).transform(xy[:, 0], xy[:, 1])
    rows: list[list[object]] = [
        [f"BL{k + 1:03d}", 1, "亮", date(2026, 11, 18), round(float(x), 7), round(float(y), 7)]
        for k, (x, y) in enumerate(zip(lon, lat, strict=True))
    ]
    rows[2][0] = None
    rows[5][2] = "时亮时灭"
    rows[8][4] = rows[8][5] = 0
    rows[10][0] = "BL001"
    columns = ("路灯编号", "灯头数", "状态", "检查日期", "经度(CGCS2000)", "纬度(CGCS2000)")
    _workbook(
        folder / "路灯补录.xlsx", [("补录", f"{COUNTY_NAME}路灯补录（虚构，含 4 行错误）", columns, rows)]
    )


def make_sample(folder: Path, seed: int = 20261120) -> list[Delivery]:
    """Generate the sample county from a seed, write its files into a folder, and list them in load order."""
    folder.mkdir(parents=True, exist_ok=True)
    county = build(seed)
    rng = np.random.default_rng((seed, 99))
    lamp_codes = [f"LD{k + 1:06d}" for k in range(len(county.lamps.xy))]
    staff = make_people(county.units, county.streets, county.lamps, lamp_codes, rng)
    _late_lamps(folder, county)
    (folder / "说明.txt").write_text(NOTE, encoding="utf-8-sig")
    return [
        *_units(folder, county),
        _roads(folder, county, rng),
        *_points(folder, county, lamp_codes, rng),
        *_polygons(folder, county),
        *_civic(folder, county),
        *_tables(folder, staff),
        _reports(folder),
    ]
