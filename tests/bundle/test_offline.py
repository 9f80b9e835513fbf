"""The whole way: a bundle made with a network is installed, tried and served without one."""

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

# Installs, serves the demo, asks the service, and tries to reach further than the machine.
SCENE = r"""
set -e
if [ -n "$CUT" ]; then
    "$PYTHON" -c 'if True:
    import fcntl, socket, struct
    with socket.socket() as one:
        up = struct.pack("16sh14x", b"lo", 0x1 | 0x40)
        fcntl.ioctl(one, 0x8914, up)'
fi
sh bundle/install.sh --to to --bin bin --no-font --no-demo
PATH="$PWD/bin:$PATH"
gridsvc demo demo --lang en
gridsvc serve --workspace demo --port "$PORT" --lang en >served 2>&1 &
server=$!
"$PYTHON" - <<'END'
import os, socket, time, urllib.error, urllib.request
def get(path):
    with urllib.request.urlopen("http://127.0.0.1:" + os.environ["PORT"] + path, timeout=60) as answer:
        return answer.status, answer.read().decode("utf-8", "replace")
for _ in range(300):
    try:
        get("/healthz")
        break
    except (urllib.error.URLError, ConnectionError):
        time.sleep(0.1)
import re
docs = get("/docs")[1]
assets = [one for one in re.findall(r'(?:src|href)="([^"]+)"', docs)]
print("assets", *assets)
for path in ["/", "/docs", "/healthz", *[one for one in assets if one.startswith("/")]]:
    status, text = get(path)
    print("got", path, status, len(text))
try:
    socket.create_connection(("192.0.2.1", 443), timeout=5)
    print("there is a network")
except OSError as error:
    print("no network:", error)
END
kill -INT $server
wait $server || true
"""


@pytest.fixture(scope="module")
def unpacked(root, tmp_path_factory):
    """A bundle for this machine, of the packages of the environment that the tests run in."""
    folder = tmp_path_factory.mktemp("offline")
    done = subprocess.run(
        [sys.executable, root / "scripts" / "_bundle" / "make.py", "--no-font", "-o", folder],
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if re.search("connection|name resolution|unreachable|timed out", done.stderr, re.IGNORECASE):
        pytest.skip("no packages can be fetched here, so no bundle can be made")
    assert done.returncode == 0, done.stdout + done.stderr
    archive = next(folder.glob("*.tar.gz"))
    subprocess.run(["tar", "-xf", archive, "-C", folder], check=True)
    archive.unlink()
    next(folder.glob("gridsvc-*")).rename(folder / "bundle")
    return folder


@pytest.fixture(scope="module")
def alone(unpacked):
    """What a clean account printed, in a network that has only the loopback where the system grants one."""
    cut = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--net", "--map-root-user"]
    if (
        not shutil.which("unshare")
        or subprocess.run([*cut, "true"], capture_output=True, check=False).returncode
    ):
        cut = []
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (unpacked / "home").mkdir()
    own = {
        "HOME": str(unpacked / "home"),
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "PYTHON": sys.executable,
    }
    # for clients where nothing is cut: a proxy that is not there
    nowhere = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9") | {"no_proxy": "127.0.0.1"}
    done = subprocess.run(
        [*cut, "bash", "-c", SCENE],
        cwd=unpacked,
        env={**own, **nowhere, "CUT": "1" if cut else "", "PORT": str(port)},
        capture_output=True,
        encoding="utf-8",
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert not cut or "no network:" in done.stdout
    return done.stdout


def test_it_installs_and_makes_the_demo(alone, unpacked):
    assert "is ready: " in alone
    made = int(re.search(r"^Maps: (\d+) pages", alone, re.MULTILINE)[1])
    assert len(list((unpacked / "demo" / "maps" / "out").rglob("*.html"))) == made > 100


def test_the_service_answers_and_its_documentation_loads_nothing_from_elsewhere(alone):
    got = {path: int(size) for path, size in re.findall(r"^got (\S+) 200 (\d+)$", alone, re.MULTILINE)}
    assert {"/", "/docs", "/healthz"} <= set(got)
    assets = re.search(r"^assets (.*)$", alone, re.MULTILINE)[1].split()
    scripts = [one for one in assets if one.endswith(".js")]
    assert scripts
    assert all(got[one] > 100_000 for one in scripts)
    assert not [one for one in assets if "://" in one or one.startswith("//")]


def test_what_is_carried_is_what_the_tests_passed_with(unpacked, wheels):
    here = wheels.installed_versions()
    lines = (unpacked / "bundle" / "requirements.txt").read_text().splitlines()
    carried = dict(line.split(" ")[0].split("==") for line in lines)
    assert {"gridsvc", "numpy", "pyogrio"} <= set(carried)
    assert {name: version for name, version in carried.items() if here[name] != version} == {}
    assert {path.suffix for path in Path(unpacked / "bundle" / "wheels").iterdir()} == {".whl"}
