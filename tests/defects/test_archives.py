"""Archives and folders: what is in them is found, and nothing of them leaves the work folder."""

LAMPS = {"路灯编号": ["L1", "L2", "L3"], "所在道路": ["解放路"] * 3, "状态": ["亮", "灭", ""]}


def test_a_plain_shapefile_goes_in(deliver, shapefile, points):
    deliver("lamps", shapefile("路灯", LAMPS, points(3))).stored(changed=3).told("GB18030")


def test_an_unknown_file_is_refused(deliver, tmp_path):
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7")
    deliver("lamps", tmp_path / "a.pdf").refused("holds nothing to load")
