"""A bot whose features drift is held at 0.5, by a real worker on a real server, and everybody says so."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from live_trader.core.bars import Bar, Tape, Ticker, Window, closes, epoch
from live_trader.core.bots import Bot, signals
from live_trader.core.drift import Tolerance
from live_trader.core.features import Recipe, table
from live_trader.edge.client import connect
from live_trader.edge.client.connect import connect_feed
from live_trader.edge.feeds.simulated import Market
from live_trader.edge.server.dashboard.records import records
from live_trader.edge.server.store.witness import Witness
from live_trader.edge.settings import Settings, load
from live_trader.edge.shelf import Shelf
from live_trader.edge.terms import Terms
from live_trader.edge.why import bundle_of, explain, opened, reach
from live_trader.edge.wire.v1 import SignalText
from live_trader.errors import Interrupted
from live_trader.experts.bundle import SIDES, Learned, Side, Trained
from live_trader.experts.bundle import load as load_bundle
from live_trader.farm.process import Stop
from live_trader.farm.pulse import Beat
from live_trader.farm.worker import Patience, Worker
from live_trader.lab.parity import Cause, parity
from tests.edge.server.house import House, started, until
from tests.experts.drafts import CREATED, draft, fitted

AUDUSD = Ticker.parse("AUDUSD M1")
END = 1_800_000_000 // 60 * 60
TOLERANCE = Tolerance(0.5, 400)
WILD = 30.0
RECIPES: dict[Side, Recipe] = {
    "long": Recipe.of([["bop", []], ["roc", [10]], ["natr", [14]]]),
    "short": Recipe.of([["roc", [5]], ["natr", [10]], ["mfi", [22]]]),
}


def calm_and_wild() -> tuple[list[Bar], list[Bar]]:
    """A simulated market, and how it went on with every move so many times as large."""
    calm = list(Market(AUDUSD, 7).history(END, 2000))
    rest = list(Market(AUDUSD, 8).history(END + 60 * 700, 700))
    base, last = rest[0].open, calm[-1].close

    def widened(price: float) -> float:
        return last * float(np.exp(WILD * np.log(price / base)))

    wild = [
        replace(each, **{name: widened(getattr(each, name)) for name in ("open", "high", "low", "close")})
        for each in rest
    ]
    return calm, wild


@dataclass
class Stage:
    """A server with a bundle deployed, and a worker that can be started and ended."""

    house: House
    settings: Settings
    shelf: Shelf
    ends: list[Stop] = field(default_factory=list)
    beat: Beat = field(default_factory=Beat)

    def store(self, bars: list[Bar]) -> None:
        self.house.hands.time = closes(AUDUSD.timeframe, bars[-1].opened)
        with connect_feed(self.settings, clock=self.house.hands) as feed:
            feed.store(AUDUSD, bars)

    def work(self, upto: Bar, tolerance: Tolerance | None = TOLERANCE) -> None:
        """Have a new worker answer up to this bar, and end it."""
        stop = Stop()

        def body() -> None:
            with connect(self.settings, wake=stop.descriptor, clock=self.house.hands) as server:
                worker = Worker(
                    "trader", AUDUSD, server, self.shelf, self.house.hands, stop.rest, lambda _: None,
                    self.beat, Patience(2.0, 0.02, 0.2), None, tolerance,
                )  # fmt: skip
                with pytest.raises(Interrupted):
                    worker.run()

        thread = threading.Thread(target=body)
        thread.start()
        until(lambda: self.beat.last_bar == epoch(upto.opened), 60)
        stop.request()
        thread.join(20)

    def stored(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.house.ask("GET", "/v1/signals?limit=10000", holder="read").json[
            "signals"
        ]
        return found


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    calm, _ = calm_and_wild()
    tape = Tape.of(AUDUSD, calm)
    sides = {}
    for side in SIDES:
        golden = table(RECIPES[side], tape)[600::22]
        sides[side] = Learned(
            RECIPES[side],
            golden,
            {"A~PC": Trained.of(fitted(golden, len(side)), tuple("abc"), golden, threshold=0.5)},
        )
    shelf = Shelf(tmp_path / "models", tmp_path / "work_dir")
    shelf.save(draft(AUDUSD, sides=sides, window=Window.ending(tape, 600, len(tape))), CREATED)
    shelf.deploy(AUDUSD, at=CREATED)
    house = started(tmp_path / "work_dir" / "server", grace_s=1e6)
    given = {"farm.work_path": str(tmp_path / "work_dir"), "farm.models_path": str(tmp_path / "models"),
             "server.embedded.port": house.port, "farm.drift_limit": 0.5, "farm.drift_bars": 400,
             "desk.instruments": ["* tick=0.00001 lot=1"]}  # fmt: skip
    yield Stage(house, load(env={}, overrides=given).settings, shelf)
    house.stop()


def test_a_drifted_tape_holds_the_bot_and_a_restart_changes_no_bit(stage: Stage) -> None:
    """Calm it is free; wild it is held with the reason stored; begun anew, past, explained: the same."""
    calm, wild = calm_and_wild()
    stage.store(calm[:-40])
    stage.work(calm[-41])
    stage.store(calm[-40:])
    stage.work(calm[-1])
    assert stage.beat.held == ""
    stage.store(wild[:400])
    stage.work(wild[399])
    stage.store(wild[400:])
    stage.work(wild[-1])
    found = stage.stored()
    assert len(found) == 741
    held = [each for each in found if "held" in each]
    assert 300 < len(held) < 700
    assert all(each["signal"] == 0.5 for each in held)
    assert {each["signal"] for each in found if "held" not in each} >= {1, 0.5}
    assert held[0]["held"].startswith("drift: ")
    assert stage.beat.held == held[-1]["held"]
    with records(stage.house.folder) as store:
        assert store.held(AUDUSD, "trader") == held[-1]["held"]
        assert sum(store.chart(AUDUSD, "trader", 2**40, 741)["signals"]["held"]) == len(held)
    past(stage, calm + wild)
    explained(stage, held[-1], calm + wild)
    proven(stage, wild[-30].opened)


def past(stage: Stage, bars: list[Bar]) -> None:
    """The same function over the tape gives the stored signals."""
    folder = stage.shelf.deployed(AUDUSD)
    assert folder is not None
    bundle = load_bundle(folder)
    strategy = bundle.strategy(None, None, TOLERANCE)
    begin = len(bars) - 741
    window = Window.ending(Tape.of(AUDUSD, bars), strategy.memory, begin)
    made = list(signals(Bot("trader", AUDUSD, strategy, bundle.version), window, bars[begin:]))
    lived = [replace(each.signal, late=False) for each in Witness(stage.house.folder).signals()]
    assert made == lived


def explained(stage: Stage, signal: dict[str, Any], bars: list[Bar]) -> None:
    """Explain says that it was held, why, and that this comes out again; without the setting, no more."""
    text = msgspec.convert(signal, SignalText)
    bundle = opened(bundle_of(stage.shelf, text))
    seen = bars[-reach(bundle, TOLERANCE) :]
    again = explain(text, bundle, seen, tolerance=TOLERANCE)
    assert again.same
    assert again.held == signal["held"]
    assert f"held at 0.5 whatever they said: {signal['held']}. That comes out again." in again.sentence
    assert explain(text, bundle, seen).held is None
    other = explain(text, bundle, seen, tolerance=Tolerance(50.0, 400))
    assert "does not come out again" in other.sentence


def proven(stage: Stage, since: datetime) -> None:
    """Parity reproduces the hold; with the setting taken away it calls the difference by its name."""
    work, terms = Path(stage.settings.farm.work_path), Terms.of(stage.settings)
    same = parity(work, stage.shelf, terms, None, tolerance=TOLERANCE)
    assert (same.signals, same.equal_share) == (741, 1.0)
    other = parity(work, stage.shelf, terms, None, (since, None))
    assert len(other.differences) == other.signals == 30
    assert {each.cause for each in other.differences} == {Cause.SETTINGS}
    assert {each.live for each in other.differences} == {"neutral, held"}


def test_a_setting_taken_away_frees_the_bot_at_the_next_bar(stage: Stage) -> None:
    calm, wild = calm_and_wild()
    stage.store(calm + wild[:-1])
    stage.work(wild[-2])
    stage.store(wild[-1:])
    stage.work(wild[-1], tolerance=None)
    one, other = stage.stored()
    assert "held" in one
    assert "held" not in other
    assert stage.beat.held == ""
