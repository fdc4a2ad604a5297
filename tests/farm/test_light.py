"""What the processes of a running farm have in memory: no heavy library, unless a bundle needs one."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.estate import Experts, shelve
from benchmarks.farmstead import Farmstead
from live_trader.edge.shelf import Shelf
from live_trader.experts.served import Heavy

Make = Callable[..., Farmstead]
HEAVY = {"pandas", "sklearn", "scipy", "lightgbm", "matplotlib"}
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(180),
    pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="the system shows no process's memory"),
]


def mapped(pid: int) -> set[str]:
    """The packages of which this process has a compiled part in its memory."""
    text = Path(f"/proc/{pid}/maps").read_text()
    return set(re.findall(r"/site-packages/(\w+?)(?:\.libs)?/", text))


def imported(place: Farmstead) -> set[str]:
    """The packages that any process of this farm imported, as Python itself tells under importtime."""
    return set(re.findall(r"^import time: +\d+ \| +\d+ \| +(\w+)", place.output(), re.MULTILINE))


@pytest.mark.parametrize("method", ["forkserver", "spawn"])
def test_no_worker_of_a_farm_imports_a_heavy_library(
    farmstead: Make, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPROFILEIMPORTTIME", "1")
    place = farmstead(settings={"farm": {"start_method": method}})
    place.start()
    place.until_serving()
    for ticker in place.tickers:
        packages = mapped(place.pids()[str(ticker)])
        assert "numpy" in packages
        assert not packages & HEAVY
    assert place.stop() == 0
    assert {"numpy", "live_trader"} <= imported(place)
    assert not imported(place) & {"pycaret", "sklearn"}  # the one has no compiled part to be seen above


def test_a_worker_whose_bundle_needs_the_pipeline_itself_has_its_libraries_and_says_so(
    farmstead: Make, taught: Experts
) -> None:
    place = farmstead()
    ticker, light = place.tickers
    shelf = Shelf(place.models, place.work)
    place.say("deploy", *str(ticker).split(), shelve(shelf, ticker, heavy(taught), 2).name, "--force")
    place.start()
    place.until_serving()
    assert {"pandas", "sklearn", "lightgbm"} <= mapped(place.pids()[str(ticker)])
    assert not mapped(place.pids()[str(light)]) & HEAVY
    shown = {each["name"]: each["heavy"] for each in place.say("status", "--json")[1]["children"]}
    assert (shown[str(ticker)], shown[str(light)]) == (True, False)
    found = place.say("doctor", "--json")[1]["findings"]
    heavies = [each["about"] for each in found if "served by the pipeline itself" in each["says"]]
    assert heavies == [f"bundle {ticker}"]
    assert place.stop() == 0


def heavy(made: Experts) -> Experts:
    """The same experts as if no exact served form of them were known."""
    sides = {}
    for side, learned in made.sides.items():
        models = {
            name: replace(each, model=Heavy(pickle.loads(each.pipeline), each.columns), reason="not proven")
            for name, each in learned.models.items()
        }
        sides[side] = replace(learned, models=models)
    return replace(made, sides=sides)
