"""How the classic client gets its bars, on a virtual clock, from a server written from the contract."""

from __future__ import annotations

import itertools
import json
import random
import sys
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from live_trader.core.bars import Ticker, epoch, moment
from live_trader.core.signals import Direction, Opinion, Signal
from live_trader.edge.client.classic import Classic
from live_trader.edge.client.reply import Answer
from live_trader.edge.settings import Classic as Options
from live_trader.errors import BadAnswer, Unreachable

classic_server = sys.modules["classic_server"]
TICKER = Ticker.parse("AUDUSD M1")
NAME = ("AUDUSD", "M1")
START = epoch(datetime(2024, 7, 15, 10, tzinfo=UTC))
PRICES = (1.1, 1.2, 1.0, 1.15, 7.0)
ENTRY = {
    "negative_group": None,
    "positive_group": {"LGBMClassifier~PC": 1},
    "portfolio": "('TOP_N',)",
    "symbol": "AUDUSD",
    "timeframe": "M1",
    "weight": "0.25",
}


class World:
    """A classic server and one client of it, in a time that only passes where the client waits."""

    def __init__(self, now: float = START, piece: int = 1000, seed: int = 0, **options: object) -> None:
        self.server = classic_server.ClassicServer(piece=piece)
        self.now_s = now
        self.asked: list[tuple[float, str]] = []
        self.coming: list[tuple[float, int]] = []
        self._chance = random.Random(seed)
        self.client = Classic(self, "trader", self, self.rest, Options(**options), 10.0)

    def bars(self, count: int) -> None:
        """So many bars are closed by now."""
        for i in range(count):
            self.server.close_bar(NAME, START + 60 * (i - count), PRICES)

    def __call__(
        self, method: str, target: str, body: bytes = b"", *, extra: float = 0.0, breakable: bool = False
    ) -> Answer:
        while self.coming and self.coming[0][0] <= self.now_s:
            self.server.close_bar(NAME, self.coming.pop(0)[1], PRICES)
        self.asked.append((self.now_s, f"{method} {target}"))
        status, text = self.server.answer(method, "/" + target, body.decode())
        return Answer(status, {}, bytearray(text.encode()))

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.now_s, UTC)

    def monotonic(self) -> float:
        return self.now_s

    def chance(self) -> float:
        return self._chance.random()

    def rest(self, seconds: float) -> None:
        assert seconds >= 0
        self.now_s += seconds


def signal(direction: Direction) -> Signal:
    opinions = {
        "LGBMClassifier~PC": Opinion(0.1, 0.5, direction),
        "RidgeClassifier~PC": Opinion(0.1, 0.2, Direction.NEUTRAL),
    }
    return Signal("trader", TICKER, moment(START), direction, opinions, "v7")


def test_the_requests_are_those_old_servers_expect():
    """The names and the order of the query are exactly the contract's."""
    world = World()
    world.bars(5)
    world.client.history(TICKER, 3)
    assert world.asked[0][1] == "GET fillbars?count=4&symbol=AUDUSD&timeframe=M1&id=trader"
    assert {asked for _, asked in world.asked[1:]} == {"GET getbars?symbol=AUDUSD&timeframe=M1&id=trader"}


@pytest.mark.parametrize("piece", [1, 2, 7, 100])
def test_a_history_in_pieces_is_put_together(piece):
    """However the buffer is cut, the history has the last bars in order."""
    world = World(piece=piece)
    world.bars(40)
    bars = world.client.history(TICKER, 30)
    assert [epoch(bar.opened) for bar in bars] == [START - 60 * i for i in range(30, 0, -1)]


@pytest.mark.parametrize("piece", [1, 5, 1000])
def test_a_bar_that_is_forming_is_left_out(piece):
    """The last bar of the first batch is dropped by its time, and comes again when it is closed."""
    world = World(now=START + 30, piece=piece)
    world.bars(20)
    world.server.forming[NAME] = classic_server.spelled(START, (1.1, 1.3, 1.0, 1.3, 1.0))
    bars = world.client.history(TICKER, 10)
    assert len(bars) == 10
    assert bars[-1].opened == moment(START - 60)
    world.coming = [(START + 60.3, START)]
    news = world.client.next(TICKER, bars[-1].opened, 60)
    assert [(bar.opened, bar.close) for bar in news.bars] == [(moment(START), 1.15)]


def test_a_server_that_fills_slowly_is_waited_for():
    """Pieces that come later belong to the same history, which is not asked for anew."""
    world = World()
    world.coming = [(START + (4 if i > 4 else 12), START - 60 * i) for i in range(10, 0, -1)]
    assert len(world.client.history(TICKER, 10)) == 6
    assert [epoch(bar.opened) for bar in world.client.history(TICKER, 10)] == [
        START - 60 * i for i in range(10, 0, -1)
    ]
    assert sum("fillbars" in asked for _, asked in world.asked) == 1


def test_a_piece_that_got_lost_leaves_no_hole():
    """An answer that broke off is gone from the buffer, so the whole history is asked for again."""
    world = World(piece=1)
    world.bars(12)
    drain, drained = world.server.drain, itertools.count()

    def lose_the_fifth(key: object) -> str:
        return drain(key) if next(drained) != 4 else drain(key)[:20]

    world.server.drain = lose_the_fifth
    with pytest.raises(BadAnswer):
        world.client.history(TICKER, 10)
    bars = world.client.history(TICKER, 10)
    assert [epoch(bar.opened) for bar in bars] == [START - 60 * i for i in range(10, 0, -1)]


def test_a_server_without_enough_bars_costs_the_timeout():
    """What there is, is given after the timeout, not after for ever."""
    world = World()
    world.bars(4)
    assert len(world.client.history(TICKER, 10)) == 4
    assert world.now_s - START <= 11


@given(
    appears=st.floats(0, 3), seed=st.integers(0, 99), since=st.floats(-59, 30), wait=st.sampled_from([5, 20])
)
@settings(deadline=None, max_examples=60)
def test_a_bar_is_had_within_a_second_of_its_appearance(appears, seed, since, wait):
    """Wherever in the minute the waiting begins and whenever the bar appears, it is had at most 1 s later."""
    world = World(now=START + since, seed=seed)
    world.bars(3)
    last = world.client.history(TICKER, 3)[-1].opened
    world.coming = [(START + 60 + appears, START)]
    while not (news := world.client.next(TICKER, last, wait)).bars:
        assert world.now_s < START + 100
    assert [bar.opened for bar in news.bars] == [moment(START)]
    assert world.now_s - max(START + 60 + appears, START + since) <= 1.0


def test_between_bars_the_server_is_left_in_peace():
    """In the middle of an hour one question per wait is enough to learn of a new portfolio."""
    hourly = Ticker.parse("AUDUSD H1")
    world = World(now=START + 600)
    for _ in range(10):
        assert world.client.next(hourly, moment(START - 3600), 20).bars == ()
    assert len(world.asked) == 10


def test_two_hundred_workers_do_not_ask_in_the_same_instant():
    """The first question after a close is spread, too."""
    times = set()
    for seed in range(50):
        world = World(now=START + 50, seed=seed)
        world.bars(1)
        world.client.history(TICKER, 1)
        world.coming = [(START + 60, START)]
        world.client.next(TICKER, moment(START - 60), 20)
        times.add(round(world.now_s, 3))
    assert len(times) > 40
    assert max(times) - min(times) < 0.5


def test_a_pushed_portfolio_is_news():
    """After a rebalance the portfolio comes in place of bars, and under another version."""
    world = World()
    world.bars(3)
    before = world.client.portfolio()
    world.client.history(TICKER, 3)
    world.server.rebalance([ENTRY])
    news = world.client.next(TICKER, moment(START - 60), 5)
    assert news.portfolio == world.client.portfolio() != before
    assert news.portfolio.version != before.version
    assert world.client.next(TICKER, moment(START - 60), 5).portfolio is None


def test_a_portfolio_pushed_during_priming_is_not_lost():
    """What came between the pieces of a history is told with the next news."""
    world = World(piece=2)
    world.bars(6)
    fill = world.server.fill

    def fill_and_push(*how: object) -> str:
        said = fill(*how)
        world.server.rebalance([ENTRY])
        return said

    world.server.fill = fill_and_push
    assert len(world.client.history(TICKER, 5)) == 5
    assert world.client.next(TICKER, moment(START - 60), 1).portfolio.allocations[0].weight == 0.25


def test_a_gap_is_refilled():
    """The bars after a time are asked for as a history just long enough."""
    world = World()
    world.bars(30)
    bars = world.client.after(TICKER, moment(START - 60 * 6), 500)
    assert [epoch(bar.opened) for bar in bars] == [START - 60 * i for i in range(5, 0, -1)]
    assert "count=7&" in world.asked[0][1]


def test_a_refill_whose_answer_somebody_else_was_given_is_asked_for_again():
    """A request that a proxy repeats drains the buffer twice: nothing is no market gap, and is armed anew."""
    world = World()
    world.bars(30)
    answer, drained = world.server.answer, []

    def repeated(method: str, target: str, body: str) -> tuple[int, str]:
        if "getbars" in target and not drained:
            drained.append(answer(method, target, body))
        return answer(method, target, body)

    world.server.answer = repeated
    with pytest.raises(BadAnswer, match="none of the bars"):
        world.client.after(TICKER, moment(START - 60 * 6), 500)
    assert "High" in drained[0][1]
    bars = world.client.after(TICKER, moment(START - 60 * 6), 500)
    assert [epoch(bar.opened) for bar in bars] == [START - 60 * i for i in range(5, 0, -1)]


def test_impossible_bars_do_not_spoil_the_others():
    """NaN, text that is no number, a missing price and a time off the grid are refused one by one."""
    world = World()
    world.client.history(TICKER, 1)
    good = classic_server.spelled(START, PRICES)
    bad = [
        good | {"Close": "nan"},
        good | {"Open": "abc"},
        good | {"Low": None},
        good | {"Time": "2024-07-15 10:00:30"},
    ]
    world.server.buffers["trader", *NAME].extend([*bad, good])
    news = world.client.next(TICKER, moment(START - 60), 5)
    assert (len(news.bars), len(news.refused)) == (1, 4)


@pytest.mark.parametrize(
    ("zero", "direction", "value"),
    [
        (False, Direction.SHORT, -1),
        (True, Direction.SHORT, 0),
        (True, Direction.LONG, 1),
        (False, Direction.NEUTRAL, 0.5),
    ],
)
def test_a_result_is_an_object_with_a_value_per_model(zero, direction, value):
    """A result is posted as an object, in the old spelling where that is set."""
    world = World(zero_is_short=zero)
    world.client.send([signal(direction)])
    (_, _, body) = world.server.calls[-1]
    assert json.loads(body) == {
        "exec_time": "2024-07-15 10:00:00",
        "symbol": "AUDUSD",
        "timeframe": "M1",
        "probas": {"LGBMClassifier~PC": value, "RidgeClassifier~PC": 0.5},
    }


def test_an_endless_history_is_given_up():
    """A server that gives ever more bars than were asked for cannot fill the memory."""
    world = World()
    times = itertools.count(0, 60)

    def flood(_: object) -> str:
        return json.dumps([classic_server.spelled(next(times), PRICES) for _ in range(5000)])

    world.server.drain = flood
    with pytest.raises(BadAnswer, match="without end"):
        world.client.history(TICKER, 10)


def test_what_a_classic_server_does_not_know():
    """It keeps no signals to tell, and says nothing of revisions."""
    client = World().client
    assert client.signals(TICKER, 100) == []
    assert client.revision(TICKER) is None


@pytest.mark.parametrize(
    "text", ["", "<html>busy</html>", '[{"Time"', "{}", '[{"foo":1}]', "[1]", "[NaN]", "null"]
)
def test_no_bars_at_all_are_a_bad_answer(text):
    """Whatever is not a list of bars or entries is an error with its cause, never a bar."""
    world = World()
    world.server.drain = lambda _: text
    with pytest.raises(BadAnswer, match="getbars: "):
        world.client.next(TICKER, moment(START), 1)


def test_a_failing_server_is_unreachable():
    """5xx is no answer."""
    world = World()
    world.server.answer = lambda *_: (500, "oops")
    with pytest.raises(Unreachable, match=r"500.*oops"):
        world.client.send([signal(Direction.LONG)])
