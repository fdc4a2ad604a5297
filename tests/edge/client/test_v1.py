"""What the v1 client asks, and what it makes of the answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from live_trader.core.bars import Ticker, epoch, moment
from live_trader.core.signals import Direction, Opinion, Signal
from live_trader.edge.client.reply import Answer
from live_trader.edge.client.v1 import V1
from live_trader.edge.clock import Clock
from live_trader.errors import BadAnswer, Conflict, Refused, Unacceptable, Unauthorised, Unreachable

TICKER = Ticker.parse("AUDUSD M1")
START = datetime(2024, 7, 15, 10, tzinfo=UTC)


def bar(minute: int, close: float = 1.1) -> dict:
    return {
        "time": f"{START + timedelta(minutes=minute):%Y-%m-%dT%H:%M:%SZ}",
        "open": 1.1,
        "high": 1.2,
        "low": 1.0,
        "close": close,
        "volume": 5,
    }


def bars(*each: dict, **more: object) -> dict:
    return {"symbol": "AUDUSD", "timeframe": "M1", "bars": each, "portfolio_version": 3, "revision": 0} | more


def signal(minute: int = 0, direction: Direction = Direction.LONG, bot: str = "trader") -> Signal:
    opinions = {"LGBMClassifier~PC": Opinion(0.41, 0.12, direction)}
    return Signal(bot, TICKER, START + timedelta(minutes=minute), direction, opinions, "v7")


class Seam:
    """In place of the transport: answers from a function, and what it was asked."""

    def __init__(self, answer: Callable[[str, str, bytes], tuple[int, object]]) -> None:
        self._answer = answer
        self.asked: list[tuple[str, str, bytes, float, bool]] = []

    def __call__(
        self, method: str, target: str, body: bytes = b"", *, extra: float = 0.0, breakable: bool = False
    ) -> Answer:
        self.asked.append((method, target, body, extra, breakable))
        status, said = self._answer(method, target, body)
        text = said if isinstance(said, bytes) else json.dumps(said).encode()
        return Answer(status, {b"retry-after": b"7"} if status == 429 else {}, bytearray(text))


def v1(seam: Seam) -> V1:
    return V1(seam, "trader", Clock())


def always(said: object, status: int = 200) -> Seam:
    return Seam(lambda *_: (status, said))


def test_the_newest_bars_are_the_history():
    """History asks without `after`, which means the newest, and gives them in order."""
    seam = always(bars(bar(0), bar(1)))
    server = v1(seam)
    assert [each.opened for each in server.history(TICKER, 2)] == [START, START + timedelta(minutes=1)]
    assert seam.asked[0][1] == "v1/bars?symbol=AUDUSD&timeframe=M1&id=trader&limit=2"
    assert server.revision(TICKER) == 0


def test_a_history_longer_than_one_answer_is_fetched_further_back():
    """Ten thousand bars come at once; the rest is found by looking back, across a closed market too."""
    opened = [epoch(START) - 60 * i for i in range(30_000) if not 11_000 < i < 14_000][::-1]

    def answer(_: str, target: str, __: bytes) -> tuple[int, object]:
        query = dict(part.split("=") for part in target.partition("?")[2].split("&"))
        limit = int(query["limit"])
        assert limit <= 10_000
        if "after" in query:
            after = epoch(datetime.fromisoformat(query["after"]))
            given = [time for time in opened if time > after][:limit]
        else:
            given = opened[-limit:]
        told = [{**bar(0), "time": f"{moment(time):%Y-%m-%dT%H:%M:%SZ}"} for time in given]
        return 200, bars(*told)

    history = v1(Seam(answer)).history(TICKER, 12_500)
    assert [epoch(each.opened) for each in history] == opened[-12_500:]


def test_a_server_with_fewer_bars_gives_what_it_has():
    """A history shorter than wanted is no error and asks no end of questions."""
    seam = Seam(lambda _, target, __: (200, bars() if "after" in target else bars(bar(0))))
    assert len(v1(seam).history(TICKER, 5)) == 1
    assert len(seam.asked) < 20


def test_the_next_bar_is_waited_for():
    """The wait is told to the server, at most 20 s, and can be broken off."""
    seam = always(bars(bar(1), portfolio_version=4, revision=2))
    news = v1(seam).next(TICKER, START, 60)
    assert seam.asked[0][1].endswith("&after=2024-07-15T10:00:00Z&limit=500&wait=20")
    assert seam.asked[0][3:] == (20, True)
    assert (len(news.bars), news.portfolio_version, news.revision) == (1, 4, 2)


def test_impossible_bars_are_refused_one_by_one():
    """An impossible bar is told; the good ones beside it count."""
    impossible = {**bar(2), "high": 0.5}
    news = v1(always(bars(bar(1), impossible))).next(TICKER, START, 1)
    assert len(news.bars) == 1
    assert "impossible" in news.refused[0]


def test_nothing_but_impossible_bars_is_a_bad_answer():
    """Otherwise the same bars would be asked for again without a pause."""
    with pytest.raises(BadAnswer, match="impossible"):
        v1(always(bars({**bar(1), "low": 2.0}))).next(TICKER, START, 1)


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        (b"", "empty"),
        (b"<html>busy</html>", "not JSON"),
        (b'{"symbol":"AUDUSD","timeframe":"M1","bars":[{"time"', "not JSON"),
        (bars({**bar(1), "close": "1.1"}), "not what was expected"),
        (
            b'{"symbol":"AUDUSD","timeframe":"M1","bars":[{"time":"2024-07-15T10:01:00Z","open":NaN}]}',
            "not JSON",
        ),
        (bars(symbol="EURUSD"), "EURUSD M1 where AUDUSD M1"),
        (bars(timeframe="M2"), "not a timeframe"),
        ([], "not what was expected"),
    ],
)
def test_what_is_no_answer_is_said(said, cause):
    """Anything but bars of this ticker is a bad answer with its cause."""
    with pytest.raises(BadAnswer, match=cause):
        v1(always(said)).next(TICKER, START, 1)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (302, BadAnswer),
        (400, Refused),
        (401, Unauthorised),
        (403, Unauthorised),
        (404, Refused),
        (408, Unreachable),
        (413, Refused),
        (422, Unacceptable),
        (429, Unreachable),
        (500, Unreachable),
        (502, Unreachable),
        (503, Unreachable),
    ],
)
def test_every_status_has_its_meaning(status, error):
    """The status says whether to retry, to stop or to call a person; the server's sentence is passed on."""
    problem = {"title": "No", "detail": "because of this", "status": status, "code": "x", "request_id": "r"}
    with pytest.raises(error, match="server.address" if status == 302 else "because of this") as caught:
        v1(always(problem, status)).portfolio()
    assert type(caught.value) is error
    if status == 429:
        assert caught.value.retry_after == 7


def test_a_signal_is_spelled_as_the_contract_says():
    """One signal travels as an object, with its votes and probabilities."""
    seam = always({"status": 201}, 201)
    v1(seam).send([signal()])
    assert json.loads(seam.asked[0][2]) | {"seq": None, "received_at": None} == {
        "id": "trader",
        "symbol": "AUDUSD",
        "timeframe": "M1",
        "bar_time": "2024-07-15T10:00:00Z",
        "signal": 1,
        "models": {"LGBMClassifier~PC": 1},
        "probabilities": {"LGBMClassifier~PC": {"long": 0.41, "short": 0.12}},
        "bundle": "v7",
        "late": False,
        "shadow": False,
        "seq": None,
        "received_at": None,
    }


def test_many_signals_travel_in_requests_that_the_server_takes():
    """No body comes near 1 MiB, the order is kept, and nothing to send asks nothing."""
    seam = Seam(lambda *asked: (201, {"results": [{"status": 201}] * len(json.loads(asked[-1]))}))
    v1(seam).send([signal(minute) for minute in range(3000)])
    sent = [json.loads(body) for _, _, body, *_ in seam.asked]
    assert [each["bar_time"] for batch in sent for each in batch] == [
        bar(minute)["time"] for minute in range(3000)
    ]
    assert max(len(body) for _, _, body, *_ in seam.asked) < 300_000
    seam.asked.clear()
    v1(seam).send([])
    assert not seam.asked


@pytest.mark.parametrize("said", [b"", b"<html>welcome</html>", {}, {"status": 500}, {"results": []}])
def test_an_answer_that_does_not_say_that_signals_are_stored_is_no_acknowledgement(said):
    """A gateway's page with a good status does not make anybody forget a signal."""
    with pytest.raises(BadAnswer):
        v1(always(said)).send([signal(0)])
    with pytest.raises(BadAnswer):
        v1(always(said)).send([signal(0), signal(1)])


def test_one_conflict_says_what_the_server_holds():
    """409 is a Conflict that carries the stored signal."""
    problem = {"detail": "another stands", "stored": {"signal": -1}}
    with pytest.raises(Conflict, match="another stands") as caught:
        v1(always(problem, 409)).send([signal()])
    assert json.loads(caught.value.stored) == {"signal": -1}


def test_a_conflict_within_a_list_keeps_nobody_else_from_being_stored():
    """Where the server judges each signal, its verdicts count; where it refuses all, each is sent alone."""
    verdicts = {
        "detail": "one stands",
        "results": [{"status": 201}, {"status": 409, "stored": {"signal": -1}}],
    }
    with pytest.raises(Conflict, match="-1"):
        v1(always(verdicts, 409)).send([signal(0), signal(1)])

    alone: list[str] = []

    def whole_list_refused(_: str, __: str, body: bytes) -> tuple[int, object]:
        said = json.loads(body)
        if isinstance(said, list):
            return 409, {"detail": "no"}
        alone.append(said["bar_time"])
        return (409, {"detail": "stands"}) if said["bar_time"] == bar(1)["time"] else (201, {"status": 201})

    with pytest.raises(Conflict, match="stands"):
        v1(Seam(whole_list_refused)).send([signal(0), signal(1), signal(2)])
    assert alone == [bar(minute)["time"] for minute in range(3)]


def test_the_stored_signals_are_where_a_restart_carries_on():
    """The signals of this bot come back as they were sent."""
    told = {
        "id": "trader",
        "symbol": "AUDUSD",
        "timeframe": "M1",
        "bar_time": "2024-07-15T10:00:00Z",
        "signal": 1,
        "models": {"LGBMClassifier~PC": 1},
        "bundle": "v7",
        "seq": 9,
        "received_at": "2024-07-15T10:01:00.5Z",
        "probabilities": {"LGBMClassifier~PC": {"long": 0.41, "short": 0.12}},
    }
    assert v1(always({"signals": [told]})).signals(TICKER, 100) == [signal()]
    assert v1(always({"signals": []})).signals(TICKER, 100) == []
    with pytest.raises(BadAnswer, match="another bot or ticker"):
        v1(always({"signals": [{**told, "id": "other"}]})).signals(TICKER, 100)


def test_the_portfolio_in_force():
    """Version, state and allocations; what cannot be served is left out, not guessed."""
    entry = {"positive_group": {"LGBMClassifier‾PC": 1, "X~AG": 1}, "negative_group": None, "portfolio": "t"}
    entry |= {"symbol": "AUDUSD", "timeframe": "M1", "weight": "0.5"}
    portfolio = v1(always({"version": 4, "state": "REDUCING", "allocations": [entry]})).portfolio()
    assert (portfolio.version, portfolio.state.name, portfolio.allocations[0].weight) == (4, "REDUCING", 0.5)
    assert portfolio.allocations[0].coefficients.models == ("LGBMClassifier~PC",)
