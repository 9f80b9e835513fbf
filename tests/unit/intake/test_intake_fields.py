import pytest

from gridsvc.errors import InputRefusedError, UsageError
from gridsvc.intake.fields import ROW_NUMBER, check_options, match_fields
from gridsvc.intake.positions import coordinate_columns
from gridsvc.layers import Field, Layer
from gridsvc.text import bilingual


def text(zh, en, aliases=(), **more):
    return Field(type="text", title=bilingual(en, zh), aliases=aliases, **more)


LAYER = Layer(
    name="poles",
    title=bilingual("Poles", "灯杆"),
    role="asset",
    geometry=("Point",),
    key=("pole_id",),
    fields={
        "pole_id": text("灯杆编号", "Pole id", ("杆号", "编号"), required=True),
        "road_name": text("所在道路", "Road", ("路名", "名称")),
        "light_points": text("灯头数", "Light points"),
    },
)


def matched(columns, **more):
    found = match_fields(LAYER, columns, "f", **{"mapping": {}, "constants": {}, **more})
    return {name: match.column for name, match in found.matches.items()}


def test_names_and_aliases_match_whatever_their_case_and_separators():
    assert matched(["POLE-ID", "路 名", "Light_Points"]) == {
        "pole_id": "POLE-ID",
        "road_name": "路 名",
        "light_points": "Light_Points",
    }


def test_an_exact_name_beats_an_alias_and_each_column_feeds_one_field():
    assert matched(["编号", "灯杆编号", "名称"]) == {"pole_id": "灯杆编号", "road_name": "名称"}


def test_an_earlier_alias_beats_a_later_one():
    assert matched(["编号", "杆号"])["pole_id"] == "杆号"


def test_the_serial_number_of_a_table_is_no_key():
    with pytest.raises(InputRefusedError, match="no column for pole_id"):
        matched(["序号", "路名"])


def test_names_cut_at_ten_bytes_are_recognised_where_that_can_be():
    columns = ["灯杆编号", "light_poin"]
    assert matched(columns, cut=True)["light_points"] == "light_poin"
    assert "light_points" not in matched(columns)


def test_map_wins_and_may_use_a_column_twice():
    found = matched(["a", "灯杆编号"], mapping={"pole_id": "A", "road_name": "a"})
    assert found == {"pole_id": "a", "road_name": "a"}
    assert matched(["b"], mapping={"pole_id": ROW_NUMBER})["pole_id"] == ROW_NUMBER


def test_a_mapped_column_must_exist():
    with pytest.raises(UsageError, match=r"--map pole_id=x: f has no such column; it has: a, b"):
        matched(["a", "b"], mapping={"pole_id": "x"})


def test_a_constant_takes_the_place_of_a_column():
    assert matched(["灯杆编号", "路名"], constants={"road_name": "人民路"}) == {"pole_id": "灯杆编号"}


def test_a_missing_required_field_is_told_with_the_columns_and_the_option():
    with pytest.raises(InputRefusedError) as error:
        matched(["gid", "路名"])
    assert "pole_id (Pole id); its columns are: gid, 路名" in error.value.text.en
    assert "--map pole_id=列名" in error.value.text.zh


def test_options_for_unknown_fields_are_refused():
    with pytest.raises(UsageError, match="no such field; it has: pole_id"):
        check_options(LAYER, {"lamp": "a"}, {})
    with pytest.raises(UsageError, match="not both"):
        check_options(LAYER, {"pole_id": "a"}, {"pole_id": "1"})


def test_columns_with_positions():
    assert coordinate_columns(["名称", "经度", "纬度"]) == ("经度", "纬度")
    assert coordinate_columns(["LNG", "Lat"]) == ("LNG", "Lat")
    assert coordinate_columns(["经度"]) is None


WIDE = LAYER.model_copy(
    update={
        "fields": {
            **LAYER.fields,
            "height": Field(type="number", unit="m", title=bilingual("Height", "杆高")),
        }
    }
)


def test_a_heading_may_bear_its_unit_and_a_mark():
    found = match_fields(WIDE, ["灯杆编号*", "杆高（米）"], "f", mapping={}, constants={})
    assert {name: match.column for name, match in found.matches.items()} == {
        "pole_id": "灯杆编号*",
        "height": "杆高（米）",
    }


def test_a_heading_of_another_unit_feeds_no_field():
    found = match_fields(WIDE, ["灯杆编号", "杆高(cm)"], "f", mapping={}, constants={})
    assert found.ignored == ["杆高(cm)"]


def test_a_column_is_known_by_all_its_headings_or_by_the_last_where_that_is_unique():
    paths = {"灯杆/编号": ("灯杆", "编号"), "道路/名称": ("道路", "名称")}
    assert matched(list(paths), paths=paths) == {"pole_id": "灯杆/编号", "road_name": "道路/名称"}
    paths["电缆/编号"] = ("电缆", "编号")
    assert matched(list(paths), paths=paths)["pole_id"] == "灯杆/编号"
    with pytest.raises(InputRefusedError):
        matched(["a/杆号", "b/杆号"], paths={"a/杆号": ("a", "杆号"), "b/杆号": ("b", "杆号")})


def test_names_shortened_for_a_shapefile_are_recognised():
    layer = LAYER.model_copy(
        update={"fields": {**LAYER.fields, "light_points_b": text("灯头数乙", "Light points b")}}
    )
    columns = ["pole_id", "light_poin", "light_po_2"]
    found = match_fields(layer, columns, "f", mapping={}, constants={}, cut=True)
    assert {name: match.column for name, match in found.matches.items()} == dict(
        zip(["pole_id", "light_points", "light_points_b"], columns, strict=True)
    )
