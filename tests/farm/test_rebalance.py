"""A rebalance goes step by step, waits for what must be waited for, and says what it waits for."""

from __future__ import annotations

import json

import pytest

from live_trader.edge.client.admin import ClassicAdmin, V1Admin
from live_trader.edge.client.reply import Answer
from live_trader.edge.clock import Clock
from live_trader.errors import BadData, Refused, TimedOut, Unauthorised
from live_trader.farm.rebalance import Rebalance

ENTRIES = [
    {"symbol": "AUDUSD", "timeframe": "M1", "weight": 0.5, "positive_group": {"A~PC": 1}, "portfolio": "x"},
    {"symbol": "EURCHF", "timeframe": "H1", "weight": 0.5, "positive_group": {"T~AG": 1}, "portfolio": "x"},
]
PUT = json.dumps(ENTRIES).encode()


class World:
    """A server at the seam, and a clock that passes where the rebalance rests."""

    def __init__(self, desk: list | None = None, version: int = 3) -> None:
        self.said: list[str] = []
        self.asked: list[str] = []
        self.desk = desk
        self.portfolio = {"version": version, "state": "ACTIVE", "allocations": ENTRIES}
        self.bots: list[dict] = []
        self.status: dict[str, int] = {}
        self.later: list[tuple[float, object]] = []
        self.time = 0.0

    def __call__(self, method: str, target: str, body: bytes = b"", **_: object) -> Answer:
        self.asked.append(f"{method} {target}")
        answer: object = {}
        status = self.status.get(target, 200)
        match method, target:
            case "GET", "v1/positions":
                status = 404 if self.desk is None else status
                answer = {"positions": self.desk}
            case "GET", "v1/portfolio":
                answer = self.portfolio
            case "POST", "v1/onlyclose":
                if self.portfolio["state"] == "ACTIVE":
                    self.portfolio |= {"state": "REDUCING"}
                answer = self.portfolio
            case "PUT", "v1/portfolio":
                sent = json.loads(body)
                wanted = sent["allocations"]
                kept = {} if wanted is None else {"allocations": wanted, "put": True}
                version = self.portfolio["version"] + 1
                state = "HALTED" if self.portfolio["state"] == "HALTED" else "ACTIVE"
                self.portfolio |= {**kept, "version": version, "state": sent.get("state", state)}
                answer = self.portfolio
            case "GET", "v1/bots":
                answer = {"bots": self.bots}
            case "GET", "getportfolio":
                answer = ENTRIES
        return Answer(status, {}, bytearray(json.dumps(answer).encode()))

    def monotonic(self) -> float:
        return self.time

    def rest(self, seconds: float) -> None:
        self.time += seconds
        while self.later and self.later[0][0] <= self.time:
            self.later.pop(0)[1]()

    def rebalance(self, entries: bytes | None = PUT, timeout: float = 60):
        return Rebalance(timeout, self.said.append, self, self.rest).carry_out(
            V1Admin(self, Clock()), entries
        )


def bot(state: str = "FRESH", version: int | None = 4, bot_id: str = "trader") -> dict:
    return {"id": bot_id, "symbol": "AUDUSD", "timeframe": "M1", "state": state, "portfolio_version": version}


def test_the_steps_in_their_order():
    """Only-close comes first, the portfolio when nothing is held, and the end when every bot follows it."""
    world = World()
    world.bots = [bot()]
    done = world.rebalance()
    assert world.asked == [
        "POST v1/onlyclose",
        "GET v1/positions",
        "PUT v1/portfolio",
        "GET v1/portfolio",
        "GET v1/bots",
    ]
    assert (done.protocol, done.version, [*map(str, done.tickers)], done.desk) == (
        "v1",
        4,
        ["AUDUSD M1"],
        "not running",
    )
    assert world.said[0].startswith("skipped T of EURCHF H1")
    assert world.said[-1] == "every bot is FRESH on version 4"


def test_what_is_sent_is_what_was_given():
    """Entries this program cannot serve travel on untouched, whether given or already in force."""
    for entries in (PUT, None):
        world = World()
        world.bots = [bot()]
        world.rebalance(entries)
        assert world.portfolio["allocations"] == ENTRIES


def test_positions_are_waited_for():
    """The portfolio is not put while anything is held."""
    world = World(desk=[{"symbol": "AUDUSD", "quantity": "-1000.5"}, {"symbol": "EURUSD", "quantity": 0}])
    world.bots = [bot()]
    world.later = [(5, lambda: world.desk[0].update(quantity=0))]
    done = world.rebalance()
    assert (done.desk, world.time) == ("flat", 5)
    assert world.asked.index("PUT v1/portfolio") > 8


def test_not_flat_in_time():
    """Out of time, the portfolio stays what it was, and the sentence says what is held."""
    world = World(desk=[{"symbol": "AUDUSD", "quantity": "-1000.5"}])
    with pytest.raises(TimedOut, match=r"not flat after 10 s: -1000\.5 AUDUSD held") as caught:
        world.rebalance(timeout=10)
    assert caught.value.exit_code == 5
    assert "PUT v1/portfolio" not in world.asked


@pytest.mark.parametrize(
    ("bots", "cause"),
    [
        ([], "no bot for AUDUSD M1"),
        ([bot("ABSENT")], "no bot for AUDUSD M1"),
        ([bot("STALE")], "trader AUDUSD M1 is STALE"),
        ([bot(version=3)], "trader AUDUSD M1 is on version 3"),
        ([bot(version=None)], "on version unknown"),
        ([bot(), bot(version=3, bot_id="other")], "other AUDUSD M1 is on version 3"),
    ],
)
def test_bots_that_do_not_follow_are_named(bots, cause):
    """Every ticker needs a bot, and every bot that is there must be FRESH on the new version."""
    world = World()
    world.bots = bots
    with pytest.raises(TimedOut, match=cause):
        world.rebalance(timeout=5)


def test_bots_may_take_their_time():
    """A bot that follows later is waited for; one that went long ago is not."""
    world = World()
    world.bots = [bot(version=3), bot("ABSENT", bot_id="gone")]
    world.later = [(20, lambda: world.bots[0].update(portfolio_version=5))]
    assert world.rebalance().version == 4
    assert world.time == 20


def test_a_server_that_fails_for_a_moment_is_asked_again():
    """While waiting, an answer that does not come is no reason to give up."""
    world = World()
    world.bots = [bot()]
    world.status["v1/bots"] = 503
    world.later = [(3, world.status.clear)]
    world.rebalance()
    assert world.time == 3


def test_nobody_may_rebalance_in_between():
    """A version that gave way at once is not waited for."""
    world = World()
    put = world.__call__

    class Busy(World):
        def __call__(self, method: str, target: str, body: bytes = b"", **_: object) -> Answer:
            answer = put(method, target, body)
            if method == "PUT":
                world.portfolio["version"] += 1
            return answer

    with pytest.raises(Refused, match="version 4 gave way to 5"):
        Busy().rebalance()


def test_without_the_right_nothing_is_touched():
    """The first step already needs the owner's token."""
    world = World()
    world.status["v1/onlyclose"] = 403
    with pytest.raises(Unauthorised):
        world.rebalance()
    assert world.asked == ["POST v1/onlyclose"]


def test_what_is_no_portfolio_closes_nothing():
    """The portfolio is understood before the first step."""
    world = World()
    with pytest.raises(BadData):
        world.rebalance(b'[{"symbol":"AUDUSD","timeframe":"M1","weight":"much"}]')
    assert world.asked == []


def test_where_no_portfolio_was_ever_put_none_is_made_of_it():
    """Sending "the one in force" must not turn "nobody has said" into "nothing is wanted"."""
    world = World(version=1)
    world.portfolio = {"version": 1, "state": "REDUCING", "allocations": [], "put": False}
    world.rebalance(None)
    assert world.portfolio == {"version": 2, "state": "ACTIVE", "allocations": [], "put": False}
    assert world.said[-1] == "no portfolio was ever put: all stays as it was"


def test_an_empty_portfolio_is_sent_as_one():
    """Who sends an empty list wants nothing traded, and is told so."""
    world = World()
    world.rebalance(b"[]")
    assert world.portfolio["allocations"] == []
    assert world.said[-1] == "it names no ticker, so nothing is traded"


def test_a_halt_ends_by_a_rebalance_that_says_so():
    """Who runs the resetter while trading is HALTED wants it to go on, also after a panic."""
    world = World(desk=[])
    world.bots = [bot()]
    world.portfolio["state"] = "HALTED"
    world.rebalance()
    assert world.portfolio["state"] == "ACTIVE"
    assert any("trading is HALTED" in each for each in world.said)
    assert "version 4 is in force, and trading is no longer HALTED" in world.said


def test_a_halt_that_came_in_between_stays():
    """A panic during a rebalance is not undone by it."""
    world = World(desk=[{"symbol": "AUDUSD", "quantity": "5"}])
    world.bots = [bot()]

    def panic() -> None:
        world.desk.clear()
        world.portfolio["state"] = "HALTED"

    world.later = [(5, panic)]
    with pytest.raises(Refused, match="HALTED meanwhile and stays so"):
        world.rebalance()
    assert world.portfolio["state"] == "HALTED"


def test_a_halted_desk_that_is_not_flat_stays_halted():
    """Nothing closes in a halt, so the sentence says what stands in the way."""
    world = World(desk=[{"symbol": "AUDUSD", "quantity": "5"}])
    world.portfolio["state"] = "HALTED"
    with pytest.raises(TimedOut, match="HALTED stays in force, since the desk is not flat after 10 s"):
        world.rebalance(timeout=10)
    assert world.portfolio["state"] == "HALTED"


def test_a_classic_server_gets_two_seconds():
    """onlyclose, a pause, rebalance: more a classic server cannot tell."""
    world = World()
    admin = ClassicAdmin(world, Clock())
    done = Rebalance(60, world.said.append, world, world.rest).carry_out(admin, None)
    assert world.asked == ["GET getportfolio", "GET onlyclose", "POST rebalance"]
    assert (done.protocol, done.version, world.time) == ("classic", None, 2)
