"""The sample county: deterministic, nested, readable as delivered, and shaped like a county."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely
from python_calamine import CalamineWorkbook

from gridsvc.layers import fold, load_layers
from gridsvc.sample import COUNTY_CODE, COUNTY_NAME, Delivery, make_sample
from gridsvc.sample.plan import MAIN_EW, MAIN_NS


class Sample:
    """The delivered files, read once each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.deliveries = make_sample(folder)
        self._frames: dict[str, gpd.GeoDataFrame] = {}

    def frame(self, name: str) -> gpd.GeoDataFrame:
        if name not in self._frames:
            self._frames[name] = pyogrio.read_dataframe(self.folder / f"{name}.shp")
        return self._frames[name]

    def rows(self, book: str, sheet: str) -> list[list[object]]:
        return CalamineWorkbook.from_path(str(self.folder / book)).get_sheet_by_name(sheet).to_python()


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return Sample(tmp_path_factory.mktemp("sample"))


def test_deliveries_exist_in_load_order(sample: Sample) -> None:
    layers = [d.layer for d in sample.deliveries]
    assert layers[:4] == ["counties", "districts", "communities", "grids"]
    assert layers.index("chiefs") < layers.index("duties")
    assert layers.index("lamps") < layers.index("observations")
    assert all(d.path.is_file() for d in sample.deliveries)
    assert (
        Delivery("duties", sample.folder / "网格员.xlsx", {"source_layer": "网格责任", "mode": "append"})
        in sample.deliveries
    )
    assert "虚构" in (sample.folder / "说明.txt").read_text("utf-8-sig")


def test_same_seed_gives_the_same_bytes(sample: Sample, tmp_path: Path) -> None:
    make_sample(tmp_path)
    names = sorted(p.name for p in sample.folder.iterdir())
    assert names == sorted(p.name for p in tmp_path.iterdir())
    for name in names:
        assert (sample.folder / name).read_bytes() == (tmp_path / name).read_bytes(), name


def test_main_roads_are_six_by_six_of_65_2_km(sample: Sample) -> None:
    roads = sample.frame("道路")
    main = roads[roads["道路等级"] == "主干路"]
    assert set(main["道路名称"]) == {*MAIN_NS, *MAIN_EW}
    assert main["道路编码"].is_unique
    assert len(main) == 12
    assert main.length.sum() == pytest.approx(65_200, abs=50)


def test_road_numbers_codes_and_the_divided_road(sample: Sample) -> None:
    roads = sample.frame("道路")
    assert roads["道路编号"].is_unique
    assert set(roads["道路等级"]) == {"快速路", "主干路", "次干路", "支路", "街巷"}
    divided = roads[roads["车行道"] == "双幅"]
    assert len(divided) == 2
    assert divided["道路编码"].nunique() == 1
    assert roads.groupby("道路编码")["道路名称"].nunique().max() == 1
    assert roads["道路名称"].nunique() == len(roads) - 1
    assert 0 < roads["路宽"].isna().mean() < 0.15


def test_roads_share_vertices_where_they_meet(sample: Sample) -> None:
    lines = np.asarray(sample.frame("道路").geometry.values)
    ends = shapely.get_point(lines, [[0], [-1]]).ravel()
    owner = np.tile(np.arange(len(lines)), 2)
    tree = shapely.STRtree(lines)
    joined = [set() for _ in ends]
    for reach in (1e-6, 0.1):
        end, line = tree.query(ends, "dwithin", distance=reach)
        other = owner[end] != line
        joined.append(set(end[other].tolist()))
    exact, close = joined[-2:]
    assert len(close - exact) <= 3
    dead = Counter(
        sample.frame("道路")["道路等级"].iloc[owner[k]] for k in range(len(ends)) if k not in close
    )
    assert 5 <= dead["支路"] <= 30
    assert dead["主干路"] == 0


@pytest.mark.parametrize(
    ("child", "parent", "digits"),
    [("街道乡镇", "县界", 6), ("社区村", "街道乡镇", 9), ("网格", "社区村", 12)],
)
def test_codes_nest_by_prefix_and_shapes_within_3_m(
    sample: Sample, child: str, parent: str, digits: int
) -> None:
    lower, upper = sample.frame(child), sample.frame(parent)
    assert lower["编码"].is_unique
    assert (lower["编码"].str.len() == digits + 3).all()
    assert (lower["上级编码"] == lower["编码"].str[:digits]).all()
    assert set(lower["上级编码"]) == set(upper["编码"])
    holders = upper.set_index("编码").geometry.loc[lower["上级编码"]]
    assert shapely.covers(shapely.buffer(holders.values, 3.2), lower.geometry.values).all()
    assert lower.geometry.is_valid.all()
    assert (lower.geometry.geom_type == "Polygon").all()


def test_code_sequence_runs_west_to_east(sample: Sample) -> None:
    towns = sample.frame("街道乡镇")
    towns = towns[towns["名称"].str.endswith("街道")].sort_values("编码")
    assert [c[-3:] for c in towns["编码"]] == ["001", "002", "003", "004"]
    assert COUNTY_CODE == "419900"
    assert sample.frame("县界")["名称"].tolist() == [COUNTY_NAME]


def test_numbers_of_features(sample: Sample) -> None:
    count = {
        name: len(sample.frame(name))
        for name in ("街道乡镇", "社区村", "网格", "路灯", "建筑", "公厕", "绿地")
    }
    assert count["街道乡镇"] == 20
    assert count["社区村"] == 120
    assert 950 <= count["网格"] <= 1080
    assert 8_000 <= count["路灯"] <= 12_000
    assert 8_000 <= count["建筑"] <= 12_000
    assert 200 <= count["公厕"] <= 240
    assert count["绿地"] > 2_000
    assert sample.frame("建筑")["人口"].sum() == pytest.approx(180_000, rel=0.01)
    assert sample.frame("县界").area.sum() / 1e6 == pytest.approx(1_000, rel=0.03)


def test_deliberate_defects_of_the_grids(sample: Sample) -> None:
    grids, communities = sample.frame("网格"), sample.frame("社区村")
    shapes = np.asarray(grids.geometry.values)
    one, two = shapely.STRtree(shapes).query(shapes, "overlaps")
    area = shapely.area(shapely.intersection(shapes[one], shapes[two]))
    assert ((area > 50) & (one < two)).sum() == 1
    assert 200 < area.max() < 900
    covered = grids.groupby("上级编码").apply(lambda g: float(g.area.sum()), include_groups=False)
    bare = communities.set_index("编码").area - covered
    assert ((bare > 500_000) & (bare < 1_500_000)).sum() == 1
    assert (bare > 20_000).sum() == 1


def test_grids_follow_road_centre_lines_in_the_core(sample: Sample) -> None:
    grids, roads = sample.frame("网格"), sample.frame("道路")
    core = grids[grids["编码"].str[6:9] < "100"]
    corners = shapely.points(shapely.get_coordinates(core.geometry.values))
    near = shapely.STRtree(roads.geometry.values).query_nearest(
        corners, all_matches=False, return_distance=True
    )[1]
    assert (near < 3.2).mean() > 0.8
    assert ((near > 0.05) & (near < 3.2)).mean() > 0.3


def test_gbk_files_in_the_3_degree_zone(sample: Sample) -> None:
    stem = sample.folder / "路灯"
    assert stem.with_suffix(".cpg").read_text().strip() == "GBK"
    head = stem.with_suffix(".dbf").read_bytes()[:1000]
    assert "路灯编号".encode("gbk") in head
    assert "CGCS2000_3_Degree_GK_CM_114E" in stem.with_suffix(".prj").read_text()
    for path in sample.folder.glob("*.shp"):
        frame = sample.frame(path.stem)
        assert frame.crs.to_epsg() == 4547
        assert all(len(c.encode("gbk")) <= 10 for c in frame.columns if c != "geometry")
        assert frame.geometry.is_valid.all(), path.stem


def test_lamps_stand_by_their_roads(sample: Sample) -> None:
    lamps, roads = sample.frame("路灯"), sample.frame("道路")
    lines = roads.geometry.values
    nearest, gap = shapely.STRtree(lines).query_nearest(
        lamps.geometry.values, all_matches=False, return_distance=True
    )
    near = nearest[1]
    width = roads["路宽"].to_numpy()[near]
    known = ~np.isnan(width)
    assert np.abs(gap[known] - width[known] / 2 - 0.8).max() < 0.8
    named = lamps["所在道路"].fillna("").to_numpy()
    assert 0.02 < (named == "").mean() < 0.06
    assert 0.004 < ((named != "") & (named != roads["道路名称"].to_numpy()[near])).mean() < 0.02
    assert lamps["路灯编号"].is_unique
    assert set(lamps["灯头数"]) == {1, 2}


def test_lamp_states_have_gaps_and_unknowns(sample: Sample) -> None:
    lamps = sample.frame("路灯")
    state = lamps["状态"].fillna("")
    assert set(state) == {"亮", "灭", ""}
    assert 0.08 < (state == "").mean() < 0.16
    burning = (state == "亮").sum() / (state != "").sum()
    assert 0.93 < burning < 0.99
    assert (lamps["检查日期"].isna() == (state == "")).all()


def test_fabric_keeps_off_roads_and_water(sample: Sample) -> None:
    houses = np.asarray(sample.frame("建筑").geometry.values)
    roads = sample.frame("道路")
    assert len(shapely.STRtree(houses).query(roads.geometry.values, "intersects")[0]) == 0
    assert len(shapely.STRtree(houses).query(sample.frame("水系").geometry.values, "intersects")[0]) == 0
    assert len(shapely.STRtree(houses).query(houses, "overlaps")[0]) == 0


def test_values_of_the_area_layers(sample: Sample) -> None:
    assert set(sample.frame("绿地")["类型"]) == {"公园", "广场绿地", "防护绿地", "附属绿地", "道路绿化"}
    assert set(sample.frame("停车场")["类型"]) == {"公共", "配建", "路内"}
    assert set(sample.frame("建筑")["用途"]) == {"住宅", "商业", "学校", "医院", "办公"}
    assert (sample.frame("公厕")["类型"] == "旱厕").mean() == pytest.approx(0.08, abs=0.01)
    zones = sample.frame("创建范围").set_index("类型").geometry
    assert zones["创建范围"].area > zones["建成区"].area > 25e6
    green = shapely.intersection(shapely.union_all(sample.frame("绿地").geometry.values), zones["建成区"])
    assert 0.25 < green.area / zones["建成区"].area < 0.36


def test_every_layer_but_agreements_and_lineage_is_delivered(sample: Sample) -> None:
    layers = load_layers()
    left_out = {"lineage", "road_shares", "exemptions"}
    assert {d.layer for d in sample.deliveries} == set(layers) - left_out


def test_layers_of_the_catalogue_speak_their_definitions(sample: Sample) -> None:
    layers = load_layers()
    files = {
        "land_use": ("用地", {"用地性质": "kind"}), "parcels": ("单位小区", {"类型": "kind"}),
        "places": ("学校医院小区", {"类型": "kind"}), "roads": ("道路", {"建设类型": "works"}),
    }  # fmt: skip
    for layer, (name, columns) in files.items():
        for column, field in columns.items():
            spelled = {fold(text) for text in sample.frame(name)[column]}
            assert spelled <= set(layers[layer].fields[field].value_of), (layer, column)
    stops = sample.frame("公共服务点")["类型"]
    assert set(stops) == {"农贸市场", "垃圾转运站", "公交站点"}
    assert (stops == "公交站点").sum() > 100
    land = sample.frame("用地")
    assert not len(shapely.STRtree(land.geometry.values).query(land.geometry.values, "overlaps")[0])
    quota = sample.frame("单位小区")["绿地率指标"]
    assert set(quota.dropna()) == {25, 30, 35}
    assert 0 < quota.isna().mean() < 0.1
    green, canopy = (sample.frame(name).union_all().area for name in ("绿地", "绿化覆盖"))
    assert 1 < canopy / green < 1.3


def test_reports_are_of_two_days(sample: Sample) -> None:
    rows = sample.rows("上报值.xlsx", "上报值")
    assert rows[1] == ["指标", "编码", "数值", "上报日期", "来源"]
    assert len(rows) == 2 + 8
    assert {row[1] for row in rows[2:]} == {COUNTY_CODE}


def test_chiefs_and_duties(sample: Sample) -> None:
    rows = sample.rows("路长制.xlsx", "路长")
    assert rows[0][0] == "样例县路长名录（虚构）"
    assert rows[1] == ["序号", "编号", "姓名", "职务", "级别", "电话", "单位", "备注"]
    assert str(rows[-1][0]).startswith("合计 60 岗")
    chiefs = {str(r[1]): r for r in rows[2:-1]}
    assert len(chiefs) == 61
    assert Counter(r[4] for r in list(chiefs.values())[:60]) == {"一级": 12, "二级": 24, "三级": 24}
    assert [c for c, r in chiefs.items() if r[2] == ""] == ["LZ029"]
    assert all(str(r[5]).startswith("000-") for r in chiefs.values() if r[2])
    duties = sample.rows("路长制.xlsx", "责任路段")[2:]
    roads = sample.frame("道路")
    assert {r[0] for r in duties} == set(chiefs)
    assert {r[1] for r in duties} - {""} <= set(roads["道路编码"])
    assert {r[2] for r in duties} <= set(roads["道路名称"])
    assert {r[0] for r in duties if r[8] != ""} == {"LZ061"}
    branch = roads[roads["道路等级"] == "支路"]["道路名称"]
    assert set(branch) - {r[2] for r in duties}


def test_officers_cover_97_percent_of_the_grids(sample: Sample) -> None:
    officers = {r[0] for r in sample.rows("网格员.xlsx", "网格员")[2:]}
    duties = sample.rows("网格员.xlsx", "网格责任")[2:]
    grids = set(sample.frame("网格")["编码"])
    assert {r[0] for r in duties} == officers
    assert {r[1] for r in duties} <= grids
    assert len({r[1] for r in duties}) == len(duties)
    assert len(duties) / len(grids) == pytest.approx(0.97, abs=0.015)


def test_observations_name_lamps(sample: Sample) -> None:
    with (sample.folder / "巡查记录.csv").open(encoding="gb18030", newline="") as file:
        rows = list(csv.DictReader(file))
    assert 300 < len(rows) < 900
    assert {r["图层"] for r in rows} == {"路灯"}
    assert {r["值"] for r in rows} == {"亮", "灭"}
    assert {r["时间"] for r in rows} == {"2026-11-10", "2026-11-17"}
    assert {r["部件编号"] for r in rows} <= set(sample.frame("路灯")["路灯编号"])
