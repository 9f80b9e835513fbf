"""Pages of the tiny town: they say what the figures say."""

import json
import re

import pytest
import shapely

from gridsvc.errors import NotFoundError
from gridsvc.maps import Atlas, FileLinks, render_chief, render_index, render_overview, write_all
from gridsvc.maps.chief_data import chief_page
from gridsvc.maps.index_data import index_page
from gridsvc.maps.overview_data import overview_page
from gridsvc.store import open_store

LINKS = FileLinks("zh")


@pytest.fixture(scope="module")
def atlas(town):
    return atlas_of(town)


def atlas_of(place):
    return Atlas.open(place.store, place.workspace, place.layers, place.indicators)


def group(page, start):
    return [one for one in page.sheet.groups if one.id.startswith(start)]


def data_of(text, block="page"):
    return json.loads(
        re.search(rf'<script type="application/json" id="{block}">(.*?)</script>', text, re.DOTALL)[1]
    )


def test_a_chiefs_cards_are_the_figures(atlas, figures):
    cards = {card.indicator: card for card in chief_page(atlas, "C1").cards}
    table = figures.table(chief="C1").set_index("indicator")
    assert cards
    for name, card in cards.items():
        assert (card.display, card.grade) == (
            table.at[name, "display"] if card.value is not None else "",
            table.at[name, "grade"],
        )


def test_a_figure_without_a_value_stands_last_with_its_reason(build, content):
    place = build({**content, "lamps": []})
    place.compute()
    atlas = atlas_of(place)
    cards = chief_page(atlas, "C1").cards
    valued = [card.value is not None for card in cards]
    assert valued == sorted(valued, reverse=True)
    silent = {card.indicator: card.reason for card in cards if card.value is None}
    assert silent["flush_toilets"].zh
    text = render_chief(atlas, "C1", "zh", LINKS)
    assert text.count('class="card quiet"') == len(silent)


def test_indicators_without_their_layers_are_named_once(build, content):
    place = build({**content, "lamps": []})
    place.compute()
    atlas = atlas_of(place)
    assert "lamps_burning" not in {card.indicator for card in chief_page(atlas, "C1").cards}
    assert "lamps_burning" not in {heading.id for heading in overview_page(atlas, "green_road").headings}
    for text in (
        render_chief(atlas, "C1", "zh", LINKS),
        render_index(atlas, "zh", LINKS),
        render_overview(atlas, "green_road", "zh", LINKS),
    ):
        assert re.search("不计算（图层未入库）：[^<]*、亮灯率、", text)
        assert text.count("不计算（图层未入库）") == 1
    assert "Not computed, as layers are not loaded: " in render_chief(atlas, "C1", "en", LINKS)
    assert "不计算" not in render_chief(atlas_of(build(content)), "C1", "zh", LINKS)


def test_figures_that_no_person_can_have_are_no_cards(atlas):
    shown = {card.indicator for card in chief_page(atlas, "C1").cards}
    # residents, buildings and grids are nobody's, whatever is near them
    assert not shown & {"green_people", "parking_bays", "parking_near", "grids_with_officer", "green_share"}


def test_a_chief_with_roads_where_nothing_counts_is_told_so(build, content):
    place = build({**content, "zones": []})
    place.compute()
    text = render_chief(atlas_of(place), "C5", "en", LINKS)
    assert "No roads are assigned" not in text
    assert "nothing to count here" in text


def test_pages_are_made_after_the_store_is_closed(town):
    with open_store(town.workspace, town.layers) as store:
        atlas = Atlas.open(store, town.workspace, town.layers, town.indicators)
    assert render_index(atlas, "zh", LINKS)
    assert render_chief(atlas, "C1", "zh", LINKS)
    for name in town.indicators:
        assert overview_page(atlas, name).levels


def test_figures_of_areas_are_not_a_chiefs(atlas, town):
    names = {card.indicator for card in chief_page(atlas, "C1").cards}
    assert names
    assert all(town.indicators[name].for_chiefs for name in names)


def test_everybody_who_answers_for_a_road_is_named_the_highest_first(atlas):
    stretch = chief_page(atlas, "C1").stretches[0]
    assert (stretch.road, stretch.span.zh, round(stretch.metres)) == ("边界路", "0–400 米", 400)
    assert [person.id for person in stretch.team] == ["C1", "C5"]


def test_the_lines_of_a_divided_road_count_half(build, content):
    # two lines of 400 m are one road of 400 m, as in the figures
    duties = [{"holder": "C4", "road_code": "X004", "role": "路长"}]
    place = build({**content, "duties": duties})
    place.compute()
    assert round(chief_page(atlas_of(place), "C4").metres) == 400


def test_two_stretches_of_one_road_are_not_said_to_be_one(build, content):
    whole = {"holder": "C2", "road_name": "中心路", "role": "路长"}
    place = build({**content, "duties": [{**whole, "to_m": 100}, {**whole, "from_m": 300, "to_m": 400}]})
    place.compute()
    stretch = chief_page(atlas_of(place), "C2").stretches[0]
    assert (stretch.span.zh, round(stretch.metres)) == ("0–100、300–400 米", 200)


def test_only_who_held_the_same_post_is_the_predecessor(build, content):
    duty = {"road_code": "B001", "role": "路长"}
    before = {**duty, "date_from": "2025-01-01", "date_to": "2026-10-31"}
    duties = [
        {**duty, "holder": "C1", "level": "1", "date_from": "2026-11-01"},
        {**before, "holder": "C5", "level": "3"},
        {**before, "holder": "C3", "level": "1", "date_to": "2026-10-30"},
    ]
    place = build({**content, "duties": duties})
    place.compute()
    atlas = atlas_of(place)
    assert chief_page(atlas, "C1").predecessor == atlas.people["C3"].name


def test_stretches_are_measured_along_the_whole_road(atlas):
    # the duty says 250–450 m of a road drawn in two features, the second against the first
    stretch = chief_page(atlas, "C2").stretches[0]
    assert (stretch.road, stretch.span.zh, round(stretch.metres)) == ("中心路", "250–450 米", 200)


def test_gaps_are_the_figures_gaps(atlas, figures):
    page = chief_page(atlas, "C1")
    assert sorted(gap.indicator for gap in page.gaps) == sorted(figures.gaps(chief="C1")["indicator"])
    dark = [gap for gap in page.gaps if gap.indicator == "lit_road_main"]
    assert all(re.fullmatch(r"\d+–\d+ 米", gap.place.zh) for gap in dark)
    assert dark[0].title.zh == "边界路"


def test_gaps_lie_on_the_map_where_the_list_says(atlas):
    page = chief_page(atlas, "C1")
    for gap in page.gaps:
        found = group(page, gap.group)[0]
        assert found.extra["indicator"] == gap.indicator
        assert gap.index < found.count


def test_assets_stand_in_the_state_that_the_figures_saw(atlas):
    lamps = {one.title.zh: one for one in group(chief_page(atlas, "C1"), "asset-lamps")}
    # L6 was delivered burning after it was seen dark; L7's burning was seen only after the day
    assert "L6" in lamps["路灯：亮"].info.heads
    assert "L7" in lamps["路灯：未巡查"].info.heads


def test_a_lamp_that_waits_for_confirmation_is_nobodys(atlas):
    heads = [
        head
        for chief in atlas.chiefs
        for one in group(chief_page(atlas, chief), "asset-")
        for head in one.info.heads
    ]
    assert "ODD" not in heads
    assert "L6" in heads


def test_a_click_on_a_grid_tells_its_officer(atlas):
    grids = group(chief_page(atlas, "C1"), "grids")[0]
    names = dict(zip(grids.info.columns[0].values, grids.info.teams, strict=True))
    officers = {code: [person.name for person in team] for code, team in names.items()}
    assert officers["990001001001001"] == ["陈甲"]
    # the post is there, but nobody holds it
    assert officers["990001001001002"] == [""]
    assert officers["990001001001003"] == []


def test_a_vacant_post_says_so(atlas):
    text = render_chief(atlas, "C3", "zh", LINKS)
    assert "空岗" in text
    assert group(chief_page(atlas, "C3"), "own")[0].title.zh == "空岗道路"


def test_a_chief_without_roads_has_a_page_too(atlas):
    page = chief_page(atlas, "C4")
    assert page.stretches == []
    assert page.sheet.view
    assert "暂无责任道路" in render_chief(atlas, "C4", "zh", LINKS)


def test_an_unknown_chief_or_indicator_is_refused(atlas):
    with pytest.raises(NotFoundError, match="C99"):
        render_chief(atlas, "C99", "zh", LINKS)
    with pytest.raises(NotFoundError, match="no_such"):
        render_overview(atlas, "no_such", "zh", LINKS)


def test_a_grid_officer_has_no_chiefs_page(atlas):
    with pytest.raises(NotFoundError):
        render_chief(atlas, "O1", "zh", LINKS)


def test_phones_can_be_left_out(town, atlas):
    silent = Atlas.open(town.store, town.workspace, town.layers, town.indicators, phones=False)
    assert "13800000001" in render_chief(
        Atlas.open(town.store, town.workspace, town.layers, town.indicators), "C1", "zh", LINKS
    )
    for text in (render_chief(silent, "C1", "zh", LINKS), render_index(silent, "zh", LINKS)):
        assert "13800000001" not in text


def test_the_index_has_every_chief_with_grades(atlas):
    page = index_page(atlas)
    assert [row.chief.id for row in page.rows] == ["C1", "C2", "C3", "C4", "C5"]
    text = render_index(atlas, "en", LINKS)
    assert text.count('class="row"') == 5
    assert 'href="chiefs/C1.en.html"' in text
    assert 'href="overview/lit_road.en.html"' in text


def test_an_overview_has_every_unit_and_the_remainders(atlas, figures):
    page = overview_page(atlas, "lamps_burning")
    for table in page.levels:
        expected = figures.table(level=table.level, indicator="lamps_burning")
        assert table.codes == expected["subject"].tolist()
        shapes = group(page, table.group)[0].geometry
        assert len(shapes) == len(table.codes)
        assert all(shape is not None and shape.area > 0 for shape in shapes)


def test_the_units_of_an_overview_tile_the_county(atlas):
    page = overview_page(atlas, "green_near")
    county = atlas.ground.units["county"].geometry[0].area
    for table in page.levels:
        assert sum(shape.area for shape in group(page, table.group)[0].geometry) == pytest.approx(
            county, rel=1e-3
        )


def test_an_overview_page_holds_its_table_in_both_languages(atlas):
    for lang, name in (("zh", "其余部分"), ("en", "rest")):
        levels = data_of(render_overview(atlas, "green_near", lang, LINKS))["levels"]
        assert [level["level"] for level in levels] == ["district", "community", "grid"]
        assert any(name in unit["name"] for unit in levels[2]["units"])


def test_pages_exist_before_anything_is_computed(build, content):
    names = ("counties", "districts", "communities", "grids", "roads", "chiefs", "duties")
    place = build({name: content[name] for name in names})
    atlas = Atlas.open(place.store, place.workspace, place.layers, place.indicators)
    assert "尚未计算指标" in render_chief(atlas, "C1", "zh", LINKS)
    assert render_index(atlas, "zh", LINKS).count('class="row"') == 5
    assert render_overview(atlas, "lit_road", "zh", LINKS)


def test_an_empty_workspace_has_an_index(build):
    place = build({})
    atlas = Atlas.open(place.store, place.workspace, place.layers, place.indicators)
    assert "<html" in render_index(atlas, "zh", LINKS)


def test_a_layer_of_the_workspaces_own_is_drawn(build, content):
    hydrants = """
title = { zh = "消防栓", en = "Hydrants" }
role = "asset"
geometry = ["Point"]
key = ["hydrant_id"]
[fields.hydrant_id]
type = "text"
required = true
title = { zh = "编号", en = "Id" }
[fields.road_name]
type = "text"
title = { zh = "所在道路", en = "Road" }
[fields.state]
type = "text"
graded = true
title = { zh = "状态", en = "State" }
values = [{ value = "ok", zh = "完好", en = "Fine" }, { value = "bad", zh = "破损", en = "Broken" }]
"""
    rows = [{"hydrant_id": "H1", "state": "bad", "road_name": "边界路", "at": content["lamps"][6]["at"]},
            {"hydrant_id": "H2", "road_name": "边界路", "at": content["lamps"][5]["at"]}]  # fmt: skip
    place = build({**content, "hydrants": rows}, files={"hydrants": hydrants})
    place.compute()
    atlas = Atlas.open(place.store, place.workspace, place.layers, place.indicators)
    found = group(chief_page(atlas, "C1"), "asset-hydrants")
    assert [one.title.zh for one in found] == ["消防栓：破损", "消防栓：未填"]
    assert found[0].style != found[1].style


def test_of_two_counties_none_stands_for_all(build, content):
    other = {"code": "410199", "name": "邻县", "at": shapely.box(800, 0, 900, 400)}
    place = build({**content, "counties": [*content["counties"], other]})
    place.compute()
    page = overview_page(atlas_of(place), "lit_road")
    assert page.heading.county is None
    assert page.levels[0].level == "county"
    assert "410199" in page.levels[0].codes


def test_all_pages_are_written_and_those_of_nobody_removed(build, content):
    place = build(content)
    place.compute()
    atlas = Atlas.open(place.store, place.workspace, place.layers, place.indicators)
    told = []
    files = write_all(atlas, progress=lambda what, done, total: told.append((done, total)))
    folder = place.workspace.pages_dir
    assert files[0] == folder / "index.html"
    assert len(files) == 2 * (1 + 5 + len(atlas.counted))
    assert told[0][0] == 0
    assert told[-1] == (told[-1][1], told[-1][1])
    stale = folder / "chiefs" / "GONE.html"
    stale.write_text("", encoding="utf-8")
    links = set()
    for file in files:
        for href in re.findall(r'href="([^"#]+\.html)"', file.read_text(encoding="utf-8")):
            links.add((file.parent / href).resolve())
    assert links <= {file.resolve() for file in files}
    assert write_all(atlas) == files
    assert not stale.exists()
    assert {path.suffix for path in folder.rglob("*") if path.is_file()} == {".html"}


def test_pages_written_one_by_one_link_only_to_what_is_there(build, content):
    place = build(content)
    place.compute()
    atlas = atlas_of(place)
    files = write_all(atlas, langs=["zh"], chiefs=["C1"], overviews=[])
    assert [file.name for file in files] == ["index.html", "C1.html"]
    index = files[0].read_text(encoding="utf-8")
    assert 'href="chiefs/C1.html"' in index
    assert "C2.html" not in index
    assert "index.en.html" not in index
