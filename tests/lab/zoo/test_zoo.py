"""At least 95 of 100 leaks are found in the zoo, and an honest training raises no alarm."""

from __future__ import annotations

from live_trader.core.bars import Tape, Ticker, Timeframe
from live_trader.edge.feeds.simulated import Market
from live_trader.lab import zoo


def test_the_check_finds_the_leaks_of_the_zoo_and_nothing_in_an_honest_training() -> None:
    ticker = Ticker("GBPUSD", Timeframe.H1)
    tape = Tape.of(ticker, list(Market(ticker, 8).history(1_760_000_400, 2000)))
    assert zoo.clean(tape) == []
    found = dict(zoo.visit(tape))
    missed = [name for name, leaks in found.items() if not leaks]
    assert len(found) >= 60
    assert len(missed) <= 0.05 * len(found), f"missed: {missed}"


def test_every_exhibit_says_what_is_wrong_with_it() -> None:
    for name, maker in zoo.EXHIBITS.items():
        assert maker.__doc__, name
    for pupil in zoo.PUPILS:
        assert pupil.__doc__ != zoo.Pupil.__doc__, pupil
