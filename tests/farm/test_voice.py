"""What a worker tells of itself reaches the farm's timeline and its counts, each under its cause."""

from __future__ import annotations

from datetime import timedelta

import pytest

from live_trader.core.signals import Direction, Opinion, Signal
from live_trader.edge.client import Interrupted
from live_trader.errors import BadAnswer, Conflict, Unacceptable, Unreachable
from live_trader.farm.dealing import _said
from live_trader.farm.pulse import Beat
from live_trader.farm.voice import Voice
from live_trader.farm.worker import Patience, Worker
from tests.farm.village import MEMORY, TICKER, Shelf, Village, VirtualClock, bar


def signal(index: int, *, late: bool = False) -> Signal:
    opinions = {"Last~PC": Opinion(0.4, 0.1, Direction.LONG)}
    return Signal("trader", TICKER, bar(index).opened, Direction.LONG, opinions, "v1", late)


def test_every_trouble_is_told_under_its_sort_and_counted_under_its_cause() -> None:
    told: list[tuple[str, str, str]] = []
    clock, beat = VirtualClock(), Beat()
    voice = Voice("trader", TICKER, clock, lambda _: None, beat, lambda *each: told.append(each))
    voice.serves("v1", heavy=False)
    voice.trouble(Unreachable("nobody answers"))
    voice.trouble(Unreachable("nobody answers"))
    voice.trouble(BadAnswer("a page of a hotel"))
    voice.refuse("a high below the low")
    voice.conflicts(Conflict("another"))
    voice.unaccepted(signal(5), Unacceptable("too old"))
    now = clock.now()
    made = voice.timed([signal(5, late=True), signal(6)], (now, now + timedelta(seconds=1), now))
    assert made[0].lags is None
    voice.answered(made)
    voice.reboots("swap", "another bundle is deployed")
    voice.serves("v2", heavy=False)
    assert [each[0] for each in told] == [
        "fault", "fault", "refusal", "refusal", "refusal", "fault", "swap", "swap",
    ]  # fmt: skip
    texts = [each[2] for each in told]
    assert texts[0] == "waits: nobody answers"
    assert "answered a bar too late to be traded" in texts[5]
    assert texts[7] == "serves the bundle v2 in place of v1"
    counts = (beat.unreachable, beat.garbled, beat.refused, beat.conflicts, beat.unaccepted, beat.late)
    assert counts == (2, 1, 1, 1, 1, 1)
    assert beat.faults == 5
    assert beat.features - beat.received == 1.0


def test_a_worker_tells_when_it_takes_up_another_bundle_and_other_bars() -> None:
    """A swap is one in the timeline; bars that changed are a restart."""
    told: list[tuple[str, str, str]] = []
    place, shelf = Village(VirtualClock()), Shelf()
    place.add(*(bar(index) for index in range(MEMORY)))
    place.script = [
        lambda place: place.add(bar(5)),
        lambda place: setattr(shelf, "versions", ("v2",)),
        lambda place: place.add(bar(6)),
    ]
    worker = Worker(
        "trader", TICKER, place, shelf, place.clock, place.clock.pass_by, lambda _: None, Beat(),
        Patience(5.0, 0.1, 1.0), happened=lambda *each: told.append(each),
    )  # fmt: skip
    with pytest.raises(Interrupted):
        worker.run()
    assert ("swap", "boots", "boots again: another bundle is deployed") in told
    assert ("swap", "bundle", "serves the bundle v2 in place of v1") in told


def test_what_the_desk_says_and_what_risk_refuses_are_told_apart() -> None:
    """A remark is a fault, a refusal is one; the seat they are about keeps others from being passed over."""
    told: list[tuple[str, str, str]] = []
    say, refuse = _said(lambda *each: told.append(each))
    say("trading is HALTED, because holdings differ: AUDUSD: 3 at the broker, 0 in the book")
    refuse("AUDUSD M1: refused by max_leverage, which is 4 where the limit is 3")
    assert [each[:2] for each in told] == [
        ("fault", "trading is HALTED, because holdings differ"),
        ("refusal", "AUDUSD M1"),
    ]
