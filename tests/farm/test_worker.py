"""The worker answers every closed bar once, in order, whatever happens between it and its server."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live_trader.core.bars import Bar, epoch
from live_trader.core.signals import Signal
from live_trader.edge.client import Interrupted, News
from live_trader.errors import BadAnswer, BadBundle, Unacceptable, Unauthorised, Unreachable
from live_trader.farm.crashes import report
from live_trader.farm.pulse import Beat, Phase
from live_trader.farm.worker import Patience, Worker
from tests.farm.village import MEMORY, START, TICKER, Shelf, Village, VirtualClock, bar, naming


def live(village: Village, shelf: Shelf | None = None, beat: Beat | None = None) -> Beat:
    """Run a worker until its village's story is over, and give its last beat."""
    shown = beat or Beat()
    worker = Worker(
        "trader",
        TICKER,
        village,
        shelf or Shelf(),
        village.clock,
        village.clock.pass_by,
        lambda _: None,
        shown,
        Patience(5.0, 0.1, 1.0),
    )
    with pytest.raises(Interrupted):
        worker.run()
    return shown


def village(bars: int = MEMORY, *story: Bar) -> Village:
    """A village with a history, that then closes these bars one by one."""
    made = Village(VirtualClock())
    made.add(*(bar(index) for index in range(bars)))
    made.script = [lambda place, each=each: place.add(each) for each in story]
    return made


def undisturbed(last: int) -> dict[object, Signal]:
    """The signals of a worker that nothing ever happened to."""
    calm = village(MEMORY, *(bar(index) for index in range(MEMORY, last + 1)))
    live(calm)
    return calm.kept


def test_the_first_primed_bar_and_every_bar_after_it_get_one_signal() -> None:
    place = village(MEMORY, bar(5), bar(6), bar(7))
    live(place)
    assert place.answered() == [4, 5, 6, 7]
    assert len(place.posts) == 4
    assert not any(each.late for each in place.posts)


def test_a_history_that_ends_long_ago_is_no_reason_for_a_first_signal() -> None:
    place = village(MEMORY)
    place.clock.pass_by(3600)
    live(place)
    assert place.answered() == []


def test_too_short_a_history_is_waited_for() -> None:
    place = village(2, bar(2), bar(3), bar(4), bar(5))
    beat = live(place)
    assert place.answered() == [4, 5]
    assert beat.phase is Phase.SERVING


def test_after_a_restart_every_bar_in_between_is_answered_and_marked_late() -> None:
    place = village(MEMORY, bar(5))
    live(place)
    place.add(bar(6), bar(7), bar(8))
    live(place)
    assert place.answered() == [4, 5, 6, 7, 8]
    assert [each.late for each in place.posts[2:]] == [True, False, False]
    assert place.kept.keys() == undisturbed(8).keys()


def test_late_means_more_than_one_timeframe_after_the_close() -> None:
    place = village(MEMORY)
    live(place)
    place.add(bar(5), bar(6), bar(7))
    place.clock.pass_by(0.5)
    live(place)
    assert [each.late for each in place.posts[1:]] == [True, True, False]


def test_a_repeated_bar_is_ignored() -> None:
    place = village(MEMORY, bar(5), bar(6))
    place.script.insert(1, lambda _: News((bar(4), bar(5)), (), 1, None, 0))
    live(place)
    assert len(place.posts) == 3


def test_an_older_bar_is_ignored() -> None:
    place = village(MEMORY, bar(5), bar(6))
    place.script.insert(1, lambda _: News((bar(-3),), (), 1, None, 0))
    live(place)
    assert len(place.posts) == 3


def test_a_gap_is_refilled_when_the_server_has_the_bars() -> None:
    def jump(place: Village) -> News:
        place.add(bar(5), bar(6), bar(7))
        return News((bar(7),), (), 1, None, 0)

    place = village(MEMORY)
    place.script = [jump]
    live(place)
    assert place.answered() == [4, 5, 6, 7]
    made, calm = ([each.opinions for each in all.values()] for all in (place.kept, undisturbed(7)))
    assert made == calm


def test_what_comes_with_a_refill_is_answered_at_once_and_once() -> None:
    """A classic server has then emptied its buffer: it will not bring the newer bars again."""

    def jump(place: Village) -> News:
        place.add(bar(5), bar(6), bar(7), bar(8))
        return News((bar(7),), (), 1, None, 0)

    def look(place: Village) -> News:
        assert place.answered() == [4, 5, 6, 7, 8]
        place.add(bar(9))
        return News((bar(8), bar(9)), (), 1, None, 0)

    place = village(MEMORY)
    place.script = [jump, look]
    live(place)
    assert place.answered() == [4, 5, 6, 7, 8, 9]
    assert len(place.posts) == 6


def test_a_hole_of_any_size_is_refilled() -> None:
    def jump(place: Village) -> News:
        place.add(*(bar(index) for index in range(5, 1300)))
        return News((bar(1299),), (), 1, None, 0)

    place = village(MEMORY)
    place.script = [jump]
    live(place)
    assert place.answered() == list(range(4, 1300))


def test_a_gap_in_the_market_is_accepted() -> None:
    place = village(MEMORY, bar(50), bar(51))
    live(place)
    assert place.answered() == [4, 50, 51]


def test_a_revised_bar_primes_again_and_the_stored_signal_stands() -> None:
    def revise(place: Village) -> None:
        place.bars[bar(4).opened] = bar(4, close=200.0)
        place.revised += 1

    place = village(MEMORY, bar(5))
    place.script += [revise, lambda place: place.add(bar(6))]
    live(place)
    assert place.answered() == [4, 5, 6]
    opinion = place.posts[-1].opinions["Last~PC"]
    assert opinion.long == sum(place.bars[bar(index).opened].close for index in range(2, 7))


def test_a_bar_that_comes_after_a_newer_one_was_answered_is_answered_late_and_known_to_the_next() -> None:
    def swap(place: Village) -> None:
        place.add(bar(6))

    def catch_up(place: Village) -> None:
        place.add(bar(5))
        place.revised += 1

    place = village(MEMORY)
    place.script = [swap, catch_up, lambda place: place.add(bar(7))]
    live(place)
    assert place.answered() == [4, 6, 5, 7]
    assert [each.late for each in place.posts] == [False, False, True, False]
    calm = undisturbed(7)
    for index in (5, 7):
        key = ("trader", TICKER, bar(index).opened, False)
        assert place.kept[key].opinions == calm[key].opinions


def test_bars_that_pile_up_while_a_worker_primes_are_all_answered() -> None:
    place = village(MEMORY)
    live(place)
    place.add(bar(5))
    history = place.history

    def slow(ticker: object, count: int) -> list[Bar]:
        last = (epoch(max(place.bars)) - START) // 60
        if last < 12:
            place.add(bar(last + 1), bar(last + 2), bar(last + 3))
        return history(TICKER, count)

    place.history = slow
    live(place)
    assert place.answered() == list(range(4, 15))


def test_a_refused_signal_is_reported_and_those_around_it_are_stored() -> None:
    place = village(MEMORY)
    live(place)
    place.add(bar(5), bar(6), bar(7))
    send = place.send

    def refuse(made: list[Signal]) -> None:
        if any(each.opened == bar(6).opened for each in made):
            raise Unacceptable("signals are kept for 1 day")
        send(made)

    place.send = refuse
    beat = live(place)
    assert place.answered() == [4, 5, 7]
    assert beat.faults == 1


def test_a_crash_says_who_it_was_and_which_bars_it_saw_last(tmp_path: Path) -> None:
    place = village(MEMORY)
    place.script = [lambda _: 1 / 0]
    worker = Worker(
        "trader", TICKER, place, Shelf(), place.clock, place.clock.pass_by, lambda _: None, Beat(),
        Patience(5.0, 0.1, 1.0),
    )  # fmt: skip
    with pytest.raises(ZeroDivisionError) as caught:
        worker.run()
    path = Path(report(tmp_path, "AUDUSD_M1", caught.value))
    written = path.read_text()
    assert path.stat().st_mode & 0o077 == 0
    for told in (
        "ZeroDivisionError",
        "bot trader, AUDUSD M1, bundle v1",
        "104 105 103 104 10",
        "numpy",
        "Python",
    ):
        assert told in written


def test_only_the_newest_crash_reports_are_kept(tmp_path: Path) -> None:
    for index in range(53):
        report(tmp_path, f"worker{index:02}", ValueError("again"))
    kept = sorted((tmp_path / "crashes").iterdir())
    assert len(kept) == 50


def test_a_classic_server_that_sends_a_revised_bar_primes_again() -> None:
    def revise(place: Village) -> News:
        place.bars[bar(4).opened] = bar(4, close=200.0)
        return News((bar(4, close=200.0),), (), 1, None, 0)

    place = village(MEMORY)
    place.script = [revise, lambda place: place.add(bar(5))]
    live(place)
    assert place.posts[-1].opinions["Last~PC"].long > 200.0


def test_a_revised_bar_is_noticed_also_behind_a_new_one() -> None:
    def revise(place: Village) -> News:
        place.bars[bar(4).opened] = bar(4, close=200.0)
        place.add(bar(5))
        return News((bar(5), bar(4, close=200.0)), (), 1, None, 0)

    place = village(MEMORY)
    place.script = [revise]
    live(place)
    assert place.answered() == [4, 5]
    assert place.posts[-1].opinions["Last~PC"].long > 200.0


def test_refused_and_off_grid_bars_are_counted_and_never_reach_the_model() -> None:
    crooked = Bar(bar(5).opened.replace(second=31), 1.0, 1.0, 1.0, 1.0, 0.0)
    place = village(MEMORY)
    place.script = [lambda _: News((crooked,), ("high is nan",), 1, None, 0)]
    beat = live(place)
    assert beat.refused == 2
    assert len(place.posts) == 1


@pytest.mark.parametrize("fault", [Unreachable("nobody answers"), BadAnswer("HTML where JSON was expected")])
def test_a_server_that_fails_is_asked_again_until_it_answers(fault: Exception) -> None:
    place = village(MEMORY, bar(5))
    place.failures = [fault] * 7
    beat = live(place)
    assert place.answered() == [4, 5]
    assert beat.faults == 7
    assert beat.reason == ""


def test_the_servers_own_wait_is_kept() -> None:
    place = village(MEMORY)
    place.failures = [Unreachable("too many requests", retry_after=30.0)]
    before = place.clock.at
    live(place)
    assert (place.clock.at - before).total_seconds() == 30.0


def test_a_long_wait_that_the_server_asked_for_is_no_silence() -> None:
    """Else the supervisor would kill a worker for obeying, again and again."""
    place = village(MEMORY)
    place.failures = [Unreachable("too many requests", retry_after=300.0)]
    beats = [place.clock.monotonic()]
    worker = Worker(
        "trader", TICKER, place, Shelf(), place.clock, place.clock.pass_by,
        lambda beat: beats.append(beat.beaten), Beat(), Patience(5.0, 0.1, 1.0),
    )  # fmt: skip
    with pytest.raises(Interrupted):
        worker.run()
    assert max(after - before for before, after in itertools.pairwise(beats)) <= 5.0
    assert beats[-1] - beats[0] == 300.0


def test_a_refused_token_ends_the_worker_at_once() -> None:
    place = village(MEMORY)
    place.failures = [Unauthorised("the token is wrong")]
    worker = Worker(
        "trader", TICKER, place, Shelf(), place.clock, place.clock.pass_by, lambda _: None, Beat(),
        Patience(5.0, 0.1, 1.0),
    )  # fmt: skip
    with pytest.raises(Unauthorised):
        worker.run()


def test_a_signal_that_differs_from_the_stored_one_is_reported_and_the_next_bar_is_answered() -> None:
    place = village(MEMORY, bar(5), bar(6))

    def tamper(place: Village) -> None:
        place.add(bar(5))
        other = next(iter(place.kept.values()))
        key = ("trader", TICKER, bar(5).opened, False)
        place.kept[key] = Signal("trader", TICKER, bar(5).opened, other.direction, {}, "other")

    place.script[0] = tamper
    beat = live(place)
    assert beat.faults == 1
    assert place.answered() == [4, 5, 6]


def test_another_deployment_is_served_from_the_next_bar_and_none_is_missed_or_repeated() -> None:
    shelf = Shelf()

    def swap(place: Village) -> None:
        shelf.versions = ("v2",)
        place.add(bar(6))

    place = village(MEMORY, bar(5))
    place.script += [swap, lambda place: place.add(bar(7))]
    live(place, shelf)
    assert place.answered() == [4, 5, 6, 7]
    assert [each.bundle for each in place.posts] == ["v1", "v1", "v1", "v2"]


def test_a_challenger_answers_every_bar_in_the_shadow() -> None:
    place = village(MEMORY, bar(5), bar(6))
    live(place, Shelf(("champion", "challenger")))
    assert place.answered() == place.answered(shadow=True) == [4, 5, 6]
    assert {each.bundle for each in place.posts if each.shadow} == {"challenger"}


def test_a_portfolio_that_names_other_models_is_followed_and_one_that_does_not_is_only_noted() -> None:
    shelf = Shelf()

    def reweigh(place: Village) -> None:
        place.held = naming(positive={"Last~PC": 1.0})

    place = village(MEMORY)
    place.script = [reweigh, lambda place: place.add(bar(5))]
    live(place, shelf)
    assert shelf.loads == 2
    assert place.answered() == [4, 5]


def test_where_the_server_remembers_no_signal_the_page_says_what_is_owed() -> None:
    place = village(MEMORY, bar(5))
    place.remembers = False
    beat = live(place)
    assert beat.owed_after == epoch(bar(5).opened)
    place.add(bar(6), bar(7))
    live(place, beat=Beat(owed_after=beat.owed_after))
    assert place.answered() == [4, 5, 6, 7]
    assert len(place.posts) == 4


def test_a_worker_that_dies_while_priming_owes_the_same_bars_when_it_is_back() -> None:
    place = village(MEMORY)
    beat = Beat()
    place.failures = []
    sent = place.send
    place.send = lambda _: (_ for _ in ()).throw(Interrupted("killed before the post"))
    live(place, beat=beat)
    place.send = sent
    place.add(bar(5), bar(6))
    live(place, beat=Beat(owed_after=beat.owed_after))
    assert place.answered() == [4, 5, 6]


def test_a_bundle_that_cannot_be_loaded_ends_the_worker_with_its_reason() -> None:
    class Broken(Shelf):
        def load(self, _: object) -> tuple[()]:
            raise BadBundle("the fingerprint of long/model is wrong")

    place = village(MEMORY)
    worker = Worker(
        "trader", TICKER, place, Broken(), place.clock, place.clock.pass_by, lambda _: None, Beat(),
        Patience(5.0, 0.1, 1.0),
    )  # fmt: skip
    with pytest.raises(BadBundle, match="fingerprint"):
        worker.run()


@given(
    st.lists(st.sampled_from(["bar", "two bars", "gap", "restart", "fail", "revise nothing"]), max_size=30)
)
def test_whatever_the_story_the_answers_are_those_of_the_bars(story: list[str]) -> None:
    place = village(MEMORY)
    live(place)
    index = MEMORY - 1
    expected = [index]
    for event in story:
        if event in ("bar", "two bars", "gap"):
            for _ in range(2 if event == "two bars" else 1):
                index += 3 if event == "gap" else 1
                place.add(bar(index))
                expected.append(index)
        elif event == "fail":
            place.failures = [Unreachable("nobody answers"), BadAnswer("truncated JSON")]
        live(place)
    assert place.answered() == expected
    assert len(place.posts) == len(expected)
    for signal in place.posts:
        end = (epoch(signal.opened) - START) // 60
        window = [each for each in sorted(place.bars) if each <= bar(end).opened][-MEMORY:]
        assert signal.opinions["Last~PC"].long == sum(place.bars[each].close for each in window)
