"""The cache of things that are expensive to make."""

import threading
import time

import pytest

from gridsvc.api.shelf import Shelf


def test_a_thing_is_made_once_for_all_who_ask_at_the_same_time():
    shelf, made, got = Shelf(4), [], []

    def make():
        made.append(1)
        time.sleep(0.05)
        return object()

    threads = [threading.Thread(target=lambda: got.append(shelf.get("thing", 1, make))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert len(set(map(id, got))) == 1


def test_a_new_stamp_makes_it_anew():
    shelf = Shelf(4)
    assert shelf.get("thing", 1, lambda: "old") == "old"
    assert shelf.get("thing", 1, lambda: "new") == "old"
    assert shelf.get("thing", 2, lambda: "new") == "new"


def test_what_was_not_asked_for_longest_goes_first():
    shelf = Shelf(2)
    for name in ("a", "b"):
        shelf.get(name, 1, lambda: "first")
    shelf.get("a", 1, lambda: "second")
    shelf.get("c", 1, lambda: "first")
    assert shelf.get("a", 1, lambda: "second") == "first"
    assert shelf.get("b", 1, lambda: "second") == "second"


def test_what_could_not_be_made_is_tried_again():
    shelf = Shelf(2)

    def fail():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        shelf.get("thing", 1, fail)
    assert shelf.get("thing", 1, lambda: "made") == "made"
