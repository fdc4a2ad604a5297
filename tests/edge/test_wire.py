"""Whatever comes in becomes words of core or one error with its cause."""

from __future__ import annotations

import tomllib
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from live_trader import errors
from live_trader.core.bars import Bar, Ticker, Timeframe, moment
from live_trader.core.portfolio import Allocation
from live_trader.core.signals import Coefficients, Direction, Opinion, Signal
from live_trader.edge.wire import classic, encode, owner, v1
from live_trader.edge.wire.portfolio import Reading, read, spell
from live_trader.errors import BadBar, BadData

CASES = Path(__file__).parents[1] / "cases" / "wire"
TICKER = Ticker.parse("AUDUSD M1")


def cases() -> list:
    found = [
        (path.stem, case)
        for path in sorted(CASES.glob("*.toml"))
        for case in tomllib.loads(path.read_text())["case"]
    ]
    return [pytest.param(protocol, case, id=f"{protocol}: {case['sentence']}") for protocol, case in found]


def body_of(case: dict) -> bytes:
    body = case["body"]
    if "repeat" in case:
        part, count = case["repeat"]
        body = body.replace("@", "".join(part.replace("#", str(i)) for i in range(count)))
    return body.encode()


def stamp(when: datetime) -> str:
    return f"{when:%Y-%m-%dT%H:%M:%SZ}"


def named(allocation: Allocation) -> str:
    groups = [f"+{name}" for name in allocation.coefficients.positive]
    groups += [f"-{name}" for name in allocation.coefficients.negative]
    return " ".join([str(allocation.ticker), str(allocation.weight), *groups])


def told(signal: Signal) -> str:
    marks = [mark for mark in ("late", "shadow") if getattr(signal, mark)]
    opinions = [
        f"{name}:{each.long}/{each.short}/{each.direction.value}" for name, each in signal.opinions.items()
    ]
    start = f"{signal.bot} {signal.ticker} {stamp(signal.opened)} {signal.direction.value} {signal.bundle}"
    return " ".join([start, *marks, *opinions])


def seen(reading: Reading | None) -> dict:
    return (
        {"allocations": [*map(named, reading.allocations)], "skipped": len(reading.skipped)}
        if reading
        else {}
    )


def read_classic(how: str, body: bytes) -> dict:
    if how == "getbars":
        batch = classic.pushed(body, TICKER)
        bars = [f"{stamp(bar.opened)} {bar.close}" for bar in batch.bars]
        return {"bars": bars, "refused": len(batch.refused)} | seen(batch.reading)
    if how == "getportfolio":
        return seen(classic.portfolio(body))
    result = classic.result(body, zero_is_short=how.endswith("zero is short"))
    return {
        "opened": stamp(result.opened),
        "votes": {name: vote.value for name, vote in result.votes.items()},
    }


def read_v1(how: str, body: bytes) -> dict:
    match how:
        case "bars":
            batch = v1.bars(body)
            bars = [f"{stamp(bar.opened)} {bar.close}" for bar in batch.bars]
            numbers = {"portfolio_version": batch.portfolio_version, "revision": batch.revision}
            return {"bars": bars, "refused": len(batch.refused), **numbers}
        case "posted" | "stored":
            return {"signals": [*map(told, v1.posted(body) if how == "posted" else v1.stored(body))]}
        case "portfolio":
            portfolio, skipped = owner.portfolio(body)
            seen = {"version": portfolio.version, "state": portfolio.state.name, "skipped": len(skipped)}
            return seen | {"allocations": [*map(named, portfolio.allocations)]}
        case "wanted":
            wanted = owner.wanted(body)
            return {"state": wanted.state.name, "entries": len(wanted.allocations)}
        case "bots":
            bots = owner.bots(body)
            return {
                "bots": [f"{b.id} {b.symbol} {b.timeframe} {b.state} {b.portfolio_version}" for b in bots]
            }
        case "positions":
            held = [each for each in owner.positions(body) if float(each.quantity)]
            return {"positions": [f"{each.symbol} {each.quantity}" for each in held]}
    raise AssertionError(how)


@pytest.mark.parametrize(("protocol", "case"), cases())
def test_case(protocol, case):
    """Every case of the table ends as the table says."""
    reader = read_classic if protocol == "classic" else read_v1
    if "error" in case:
        with pytest.raises(getattr(errors, case["error"])) as caught:
            reader(case["read"], body_of(case))
        assert case["says"] in str(caught.value)
        assert len(str(caught.value)) < 500
        assert str(caught.value).isprintable()
    else:
        found = reader(case["read"], body_of(case))
        assert {name: found[name] for name in case["gives"]} == case["gives"]


def test_the_table_is_long_enough():
    """At least sixty cases, of both protocols."""
    assert len(cases()) >= 60
    assert {case.values[0] for case in cases()} == {"classic", "v1"}


timeframes = st.sampled_from(Timeframe)
tickers = st.builds(
    Ticker,
    st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._|&+=#-]{0,20}", fullmatch=True).filter(lambda s: ".." not in s),
    timeframes,
)
model_names = st.from_regex(r"[A-Za-z0-9_.-]{1,30}~PC", fullmatch=True)
numbers = st.floats(-1e6, 1e6)
groups = st.dictionaries(model_names, numbers, max_size=4)
allocations = st.builds(
    Allocation, tickers, st.floats(0, 1e9), st.builds(Coefficients, groups, groups), st.text(max_size=30)
)
prices = st.lists(st.floats(1e-6, 1e9), min_size=4, max_size=4).map(sorted)


@st.composite
def bars(draw, ticker: Ticker = TICKER) -> Bar:
    low, one, other, high = draw(prices)
    slot = draw(st.integers(0, 2**32 // ticker.timeframe.seconds))
    return Bar(moment(slot * ticker.timeframe.seconds), one, high, low, other, draw(st.floats(0, 1e12)))


@st.composite
def signals(draw) -> Signal:
    ticker = draw(tickers)
    chance = st.floats(0, 1)
    opinions = draw(
        st.dictionaries(
            model_names, st.builds(Opinion, chance, chance, st.sampled_from(Direction)), max_size=4
        )
    )
    opened = draw(bars(ticker)).opened
    bot = draw(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True))
    flags = draw(st.tuples(st.booleans(), st.booleans()))
    held = draw(st.text(max_size=20))
    wish = Direction.NEUTRAL if held else draw(st.sampled_from(Direction))
    return Signal(bot, ticker, opened, wish, opinions, draw(st.text(max_size=20)), *flags, held)


@given(st.lists(allocations, max_size=4))
@settings(deadline=None)
def test_allocations_travel_without_loss(given_allocations):
    """Spelled and read again, a portfolio is the same, in both protocols."""
    assert classic.portfolio(classic.spell_portfolio(given_allocations)).allocations == tuple(
        given_allocations
    )
    assert read([spell(each) for each in given_allocations]) == Reading(tuple(given_allocations), ())


@given(signals())
@settings(deadline=None)
def test_signals_travel_without_loss(signal):
    """Spelled and read again, a signal is the same to the last bit."""
    assert v1.posted(encode(v1.spell_signal(signal))) == (signal,)
    assert v1.stored(encode(v1.SignalsText((v1.spell_signal(signal, 1, datetime.now(UTC)),)))) == (signal,)


@given(st.lists(bars(), max_size=5))
@settings(deadline=None)
def test_bars_travel_without_loss(given_bars):
    """Spelled and read again, bars are the same to the last bit, in both protocols."""
    assert v1.bars(v1.spell_bars(TICKER, given_bars)).bars == tuple(given_bars)
    assert classic.pushed(classic.spell_bars(given_bars), TICKER).bars == tuple(given_bars)


@given(signals(), st.booleans())
@settings(deadline=None)
def test_results_travel_without_loss(signal, zero_is_short):
    """What a classic server understands of a signal is its votes, none of them when it is held."""
    body = classic.spell_result(signal, zero_is_short=zero_is_short)
    votes = {
        name: Direction.NEUTRAL if signal.held else each.direction for name, each in signal.opinions.items()
    }
    if votes:
        result = classic.result(body, zero_is_short=zero_is_short)
        assert (result.ticker, result.opened, result.votes) == (signal.ticker, signal.opened, votes)
        assert result == classic.result(encode(body.decode()), zero_is_short=zero_is_short)


def test_votes_become_a_signal():
    """Blended where the portfolio has coefficients for them, else the first one counts."""
    votes = {"A~PC": Direction.SHORT, "B~PC": Direction.LONG}
    result = classic.Result(TICKER, moment(0), votes)
    assert result.signal("a").direction is Direction.SHORT
    assert result.signal("a", Coefficients({"B~PC": 1.0}, {"A~PC": 1.0})).direction is Direction.LONG
    assert result.signal("a", Coefficients({"C~PC": 1.0}, {})).direction is Direction.SHORT


READERS = [
    lambda body: classic.pushed(body, TICKER),
    classic.portfolio,
    classic.result,
    lambda body: classic.result(body, zero_is_short=True),
    *(v1.bars, v1.posted, v1.stored, v1.acknowledged, lambda body: v1.conflicting(body, 1)),
    *(owner.portfolio, owner.wanted, owner.bots, owner.positions, owner.entries, owner.problem),
]

KEYS = [
    *(
        "Time",
        "Open",
        "High",
        "Low",
        "Close",
        "Volume",
        "portfolio",
        "positive_group",
        "negative_group",
        "symbol",
    ),
    *(
        "timeframe",
        "weight",
        "exec_time",
        "probas",
        "id",
        "bar_time",
        "signal",
        "models",
        "probabilities",
        "bundle",
    ),
    *("bars", "signals", "allocations", "version", "state", "time", "open", "high", "low", "close", "volume"),
    *(
        "results",
        "status",
        "stored",
        "bots",
        "positions",
        "quantity",
        "long",
        "short",
        "seq",
        "received_at",
        "A~PC",
    ),
]
WORDS = [
    "M1",
    "H1",
    "AUDUSD",
    "2024-07-15 10:00:00",
    "2024-07-15T10:00:00Z",
    "A~PC",
    "1",
    "nan",
    "-1",
    "ACTIVE",
    "FRESH",
    "",
]
scalars = (
    st.none()
    | st.booleans()
    | st.sampled_from(WORDS)
    | st.sampled_from([0, 1, -1, 0.5, 1e308, -0.0, 2**63, 10**30])
    | st.text(max_size=8)
    | st.floats()
)
trees = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=4), inner, max_size=8)
    ),
    max_leaves=25,
)


@given(
    trees.map(encode) | st.binary(max_size=200) | trees.map(lambda tree: encode(encode(tree).decode())),
    st.data(),
)
@settings(deadline=None)
def test_no_body_raises_anything_but_errors_of_the_house(body, data):
    """Fuzzed bodies, whole or cut anywhere, are read or refused with BadData, never more."""
    body = body[: data.draw(st.integers(0, len(body)))] if data.draw(st.booleans()) else body
    for reader in READERS:
        said = ""
        try:
            reader(body)
        except BadData as fault:
            said = str(fault)
        assert len(said) < 500


@given(
    st.text(max_size=40)
    | st.from_regex(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,2}[T ]\d{1,2}:\d\d(:\d\d(\.\d{0,9})?)?(Z|[+-]\d\d:?\d\d)?")
)
@settings(deadline=None)
def test_no_time_raises_anything_but_bad_bar(text):
    """Any text is a time with a zone or a BadBar."""
    with suppress(BadBar):
        assert classic.read_time(text).tzinfo is not None
