"""A running farm takes another bundle at a bar boundary: every bar is answered once, by one version."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from itertools import groupby
from typing import Any

import pytest

from benchmarks.estate import Experts, shelve
from benchmarks.farmstead import Caller, Farmstead
from live_trader.core.bars import Ticker
from live_trader.edge.shelf import Shelf

Make = Callable[..., Farmstead]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


class Watch:
    """Gives orders to a running farm and looks at what its server stores of one ticker."""

    def __init__(self, place: Farmstead, ticker: Ticker) -> None:
        self._place, self._ticker = place, ticker
        self._caller = Caller(place.port, place.token("read"))

    def order(self, *words: str) -> dict[str, Any]:
        """Run a verb for this ticker to its good end."""
        code, told, error = self._place.say(*words, "--json")
        assert code == 0, error
        return dict(told)

    def signals(self, *, shadow: bool = False) -> list[dict[str, Any]]:
        """The stored signals, traded or only watched."""
        found = self._caller.signals(self._ticker, f"trader&shadow={str(shadow).lower()}")
        return [each for each in found if bool(each.get("shadow")) is shadow]

    def until(self, version: str, *, shadow: bool = False, count: int = 3) -> None:
        """Wait until the newest bars were answered by this version."""
        deadline = time.monotonic() + 30.0
        while {each["bundle"] for each in self.signals(shadow=shadow)[-count:]} != {version}:
            assert time.monotonic() < deadline, f"{version} does not answer"
            time.sleep(0.2)

    def holes(self, *, shadow: bool = False) -> tuple[int, int]:
        """How many bars between the first and the last signal have none, and how many have two."""
        answered = [each["bar_time"] for each in self.signals(shadow=shadow)]
        stored = [each for each in self._caller.bars(self._ticker) if answered[0] <= each <= answered[-1]]
        return len(set(stored) - set(answered)), len(answered) - len(set(answered))

    def reigns(self) -> list[str]:
        """The versions that answered, one after the other, in the order of the bars."""
        made = sorted(self.signals(), key=lambda each: str(each["bar_time"]))
        return [version for version, _ in groupby(each["bundle"] for each in made)]


def test_deploy_rollback_shadow_and_promote_under_load_lose_no_bar_and_answer_none_twice(
    farmstead: Make, taught: Experts
) -> None:
    place = farmstead(("AUDUSD", "EURUSD", "USDJPY"))
    ticker, calm = place.tickers[0], place.tickers[1]
    shelf = Shelf(place.models, place.work)
    one = shelf.deployed_version(ticker)
    assert one is not None
    other = shelve(shelf, ticker, taught, seed=2).name
    place.start()
    place.until_serving()
    watch, name = Watch(place, ticker), (ticker.symbol, ticker.timeframe.name)
    watch.until(one)
    worker = place.pids()[str(ticker)]
    assert watch.order("deploy", *name, other, "--force")["champion"] == other
    watch.until(other)
    assert watch.order("rollback", *name)["champion"] == one
    watch.until(one)
    assert watch.order("deploy", *name, other, "--force", "--shadow")["shadow"] == other
    watch.until(other, shadow=True, count=1)
    time.sleep(3.0)
    compared = watch.order("bundles", "compare", *name)
    assert watch.order("deploy", *name, "--promote")["champion"] == other
    watch.until(other)

    assert watch.reigns() == [one, other, one, other]
    assert watch.holes() == watch.holes(shadow=True) == Watch(place, calm).holes() == (0, 0)
    assert {each["bundle"] for each in watch.signals(shadow=True)} == {other}
    assert (compared["champion"]["version"], compared["shadow"]["version"]) == (one, other)
    assert compared["bars"] >= 2
    assert (compared["agreement"], compared["fault"]) == (1.0, "")  # the same experts under two versions
    assert place.pids()[str(ticker)] == worker
    assert place.stop() == 0


def test_a_worker_killed_while_it_swaps_still_answers_every_bar_once(
    farmstead: Make, taught: Experts
) -> None:
    place = farmstead(("AUDUSD",))
    ticker = place.tickers[0]
    shelf = Shelf(place.models, place.work)
    one = shelf.deployed_version(ticker)
    assert one is not None
    versions = [shelve(shelf, ticker, taught, seed=seed).name for seed in (2, 3)]
    place.start()
    place.until_serving()
    watch = Watch(place, ticker)
    watch.until(one)
    for version in versions:
        watch.order("deploy", ticker.symbol, ticker.timeframe.name, version, "--force")
        os.kill(place.pids()[str(ticker)], signal.SIGKILL)
        watch.until(version)
    assert watch.reigns() == [one, *versions]
    assert watch.holes() == (0, 0)
    assert place.stop() == 0
