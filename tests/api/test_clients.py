"""Real clients on loopback: GDAL's own driver, and a browser."""

import json
import socket
import subprocess
import sys
import threading

import pytest
import uvicorn

from gridsvc.api import create_app

from .conftest import LAMPS, SOUTH, WEST

READ = """
import json, sys
import pyogrio

address, questions = sys.argv[1], json.loads(sys.argv[2])
answers = []
for layer, options in questions:
    if options is None:
        info = pyogrio.read_info(address, layer=layer)
        types = dict(zip(info["fields"].tolist(), map(str, info["dtypes"])))
        answers.append([info["features"], info["crs"], info["geometry_type"], types])
    else:
        if "bbox" in options:
            options["bbox"] = tuple(options["bbox"])
        answers.append(len(pyogrio.read_dataframe(address, layer=layer, **options)))
print(json.dumps([[name for name, _ in pyogrio.list_layers(address).tolist()], answers]))
"""


class Recorder:
    """The application, with a note of every address that was asked for."""

    def __init__(self, app):
        self.app = app
        self.asked = []

    async def __call__(self, scope, receive, send):
        if scope["type"] == "http":
            self.asked.append(scope["path"] + "?" + scope["query_string"].decode())
        await self.app(scope, receive, send)


@pytest.fixture(scope="module")
def served(town):
    """The service on a port of its own; ended when the tests are done."""
    recorder = Recorder(create_app(town))
    server = uvicorn.Server(uvicorn.Config(recorder, log_level="warning", lifespan="off"))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield address, recorder
        finally:
            server.should_exit = True
            thread.join(timeout=10)
    assert not thread.is_alive()


@pytest.fixture(scope="module")
def gdal(served):
    """Asks the service through GDAL in a process of its own."""

    def ask(*questions):
        command = [sys.executable, "-c", READ, f"OAPIF:{served[0]}", json.dumps(questions)]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        assert "Warning" not in done.stderr, done.stderr
        return json.loads(done.stdout)

    return ask


def test_gdal_lists_every_layer_with_types_even_of_empty_ones(gdal):
    layers, (lamps, parking) = gdal(("lamps", None), ("parking", None))
    assert {"counties", "lamps", "roads", "parking"} <= set(layers)
    count, crs, kind, types = lamps
    assert (count, crs, kind) == (LAMPS, "EPSG:4326", "Point")
    assert types["light_points"] == "int32"
    assert types["checked_on"] == "datetime64[D]"
    assert types["height"] == "float64"
    assert parking[0] == 0
    assert parking[3]["bays"] == "int32"


def test_gdal_reads_every_feature_over_several_pages(gdal, served):
    served[1].asked.clear()
    assert gdal(("lamps", {}))[1] == [LAMPS]
    assert any("offset=2000" in address for address in served[1].asked)


def test_gdal_lets_the_service_filter(gdal, served):
    served[1].asked.clear()
    box = [WEST + 0.001, SOUTH, WEST + 0.0049, SOUTH + 0.01]
    questions = [
        ("lamps", {"where": "state = 'dark'"}),
        ("lamps", {"where": "state = 'dark' AND light_points = 2"}),
        ("roads", {"where": "road_name = '中山路'"}),
        ("toilets", {"where": "accessible = 1"}),
        ("lamps", {"where": "checked_on >= '2026/11/03'"}),
        ("grids", {"bbox": box}),
    ]
    assert gdal(*questions)[1] == [LAMPS // 3, LAMPS // 6, 1, 1, LAMPS // 3, 1]
    pushed = [address for address in served[1].asked if "limit=1000" in address]
    for part in (
        "state=dark&light_points=2",
        "road_name=%E4%B8%AD",
        "accessible=1",
        "datetime=2026-11-03T",
        "bbox=",
    ):
        assert any(part in address for address in pushed), (part, pushed)


@pytest.mark.browser
@pytest.mark.parametrize("size", [(393, 851), (1440, 900)])
def test_pages_fit_the_screen_and_fetch_nothing_from_elsewhere(served, chromium, size):
    from playwright.sync_api import sync_playwright

    flags = (
        "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync --disable-component-update"
    )
    paths = [
        "",
        "coverage",
        "coverage?level=grid",
        "chiefs",
        "chiefs/C1",
        "collections",
        "collections/lamps",
        "docs",
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=flags.split())
        page = browser.new_page(viewport={"width": size[0], "height": size[1]}, locale="zh-CN")
        faults, asked = [], []
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: asked.append(request.url))
        for path in paths:
            page.goto(served[0] + path)
            if path == "docs":
                page.wait_for_selector(".swagger-ui .opblock")
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= size[0], path
        assert "测试县" in page.title()
        browser.close()
    assert faults == []
    assert all(url.startswith((served[0], "data:")) for url in asked)
