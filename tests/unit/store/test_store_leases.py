"""A lease: one process at a time has it, and it ends with whoever holds it."""

import subprocess
import sys

import pytest

from gridsvc.errors import StoreError
from gridsvc.settings import StoreUrl
from gridsvc.store import Lease

HOLD = """
import sys
from pathlib import Path
from gridsvc.settings import StoreUrl
from gridsvc.store import Lease
lease = Lease(StoreUrl.parse(sys.argv[1], Path("/")), "work")
print(lease.take(), flush=True)
sys.stdin.read()
"""


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgis)])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path.relative_to('/')}/county.sqlite"
    return f"{request.getfixturevalue('postgres')}&schema=leases"


@pytest.fixture
def lease(url, tmp_path):
    with Lease(StoreUrl.parse(url, type(tmp_path)("/")), "work") as lease:
        yield lease


def hold(url, root):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, url],
        env={"PYTHONPATH": str(root), "PATH": "/usr/bin:/bin"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    return process, process.stdout.readline().strip()


def test_a_lease_that_another_process_has_is_not_taken(url, root, lease):
    process, taken = hold(url, root)
    assert taken == "True"
    assert not lease.take()
    process.kill()
    process.communicate()
    assert lease.take()
    assert lease.take()
    process, taken = hold(url, root)
    assert taken == "False"
    process.kill()
    process.communicate()


def test_a_lease_that_is_given_back_can_be_taken_again(lease):
    assert lease.take()
    lease.close()
    assert lease.take()


def test_leases_for_other_work_are_others(url, tmp_path, lease):
    with Lease(StoreUrl.parse(url, type(tmp_path)("/")), "other") as other:
        assert lease.take()
        assert other.take()


def test_a_lock_file_that_is_none_is_told_and_not_taken_for_somebody_elses(tmp_path):
    (tmp_path / "county.sqlite-work").write_text("not a database, and long enough to be taken for one" * 40)
    url = StoreUrl.parse(f"sqlite:///{tmp_path.relative_to('/')}/county.sqlite", type(tmp_path)("/"))
    with Lease(url, "work") as lease, pytest.raises(StoreError, match="cannot be locked"):
        lease.take()
