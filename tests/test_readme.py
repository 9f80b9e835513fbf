"""Every command in the READMEs is run, in their order, from ``scripts/run`` on."""

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

BINARIES = Path(sys.executable).parent
# the demo fixture ran scripts/run; this very run is scripts/test; the environment is the one we are in
ELSEWHERE = {"scripts/run", "scripts/test", "source .venv/bin/activate"}
# findings, and rows with faults, are what these are about
ATTENTION = ("gridsvc check ", "gridsvc load lamps delivery/路灯补录.xlsx ")


def commands(readme):
    """Lines after ``$`` in the console blocks of *readme*."""
    blocks = re.findall(
        r"^```console\n(.*?)^```", readme.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    return [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Terminal:
    """Runs one command after the other, as a reader would type them."""

    def __init__(self, folder):
        self.folder = folder
        self.port = free_port()
        self.server = None
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("GRIDSVC_")},
            "PATH": f"{BINARIES}{os.pathsep}{os.environ['PATH']}",
            "PYTHONUTF8": "1",
            "GRIDSVC_LANG": "en",
        }

    def type(self, line):
        words = shlex.split(line.replace(":8000/", f":{self.port}/"))
        if words[0] == "cd":
            self.folder = (self.folder / words[1]).resolve()
            assert self.folder.is_dir(), line
        elif words[:2] == ["gridsvc", "serve"]:
            self.serve(words)
        elif words[0] == "curl":
            self.fetch(words[1])
        else:
            self.run(line, words)

    def run(self, line, words):
        done = subprocess.run(
            words, cwd=self.folder, env=self.environment, capture_output=True, encoding="utf-8", check=False
        )
        allowed = {0, 1} if line.startswith(ATTENTION) else {0}
        assert done.returncode in allowed, f"{line}\n{done.stdout}\n{done.stderr}"
        assert done.stdout.strip(), line

    def serve(self, words):
        self.server = subprocess.Popen(
            [*words, "--port", str(self.port)], cwd=self.folder, env=self.environment, stdout=subprocess.PIPE
        )
        assert f":{self.port}/" in self.server.stdout.readline().decode()

    def fetch(self, url):
        for _ in range(100):
            try:
                with urllib.request.urlopen(url, timeout=30) as answer:
                    assert answer.status == 200
                    break
            except urllib.error.URLError as error:
                assert not isinstance(error, urllib.error.HTTPError), f"{url}: {error.read()}"
                time.sleep(0.1)
        if shutil.which("curl"):
            done = subprocess.run(["curl", "-sS", "--fail", url], capture_output=True, check=True)
            assert done.stdout

    def close(self):
        if self.server is not None:
            self.server.terminate()
            self.server.wait(timeout=20)
            self.server.stdout.close()


@pytest.fixture
def terminal(demo, tmp_path):
    """A terminal beside a copy of the demo."""
    shutil.copytree(demo, tmp_path / "demo")
    terminal = Terminal(tmp_path)
    yield terminal
    terminal.close()


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_readmes_begin_with_the_two_scripts(root, name):
    assert commands(root / name)[:2] == ["scripts/run", "scripts/test"]


def test_both_readmes_give_the_same_commands(root):
    def plain(name):
        return [re.sub(r"\S+\.xlsx", "FILE.xlsx", line) for line in commands(root / name)]

    assert plain("README.md") == plain("README.zh-CN.md")


def test_every_command_of_the_readme_works(root, terminal):
    for line in commands(root / "README.md"):
        if line not in ELSEWHERE:
            terminal.type(line)


def test_links_in_the_documents_lead_somewhere(root):
    for path in [*root.glob("*.md"), *(root / "docs").glob("*.md")]:
        text = path.read_text(encoding="utf-8")
        targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text) + re.findall(r'src="([^"]+)"', text)
        missing = [one for one in targets if "://" not in one and not (path.parent / one).exists()]
        assert not missing, path.name
