"""The store: acknowledged means durable, one counter orders all, and memory agrees with the disk."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from live_trader.core.bars import Bar, Ticker, Timeframe, epoch, moment
from live_trader.edge.happenings import Happening
from live_trader.edge.server.hub import Hub
from live_trader.edge.server.options import Retention
from live_trader.edge.server.problems import Problem
from live_trader.edge.server.store import Store
from live_trader.edge.server.store.conditions import Change
from live_trader.edge.server.store.signals import Filter, Posted
from live_trader.edge.wire.portfolio import Entry
from live_trader.edge.wire.v1 import SignalText
from tests.edge.server.house import START, Hands

Answer = TypeVar("Answer")
TICKER = Ticker("AUDUSD", Timeframe.M1)
OTHER = Ticker("EURUSD", Timeframe.M1)


def with_store(work: Callable[[Store], Awaitable[Answer]], folder: Path | None = None) -> Answer:
    """Do this with a store that is closed afterwards."""

    async def done(place: Path) -> Answer:
        store = Store(place, Hands(), Hub(), lambda writes, seconds: commits.append(writes))
        try:
            return await work(store)
        finally:
            await store.close()

    if folder is not None:
        return asyncio.run(done(folder))
    with tempfile.TemporaryDirectory() as place:
        return asyncio.run(done(Path(place)))


commits: list[int] = []


def bar(minute: int, close: float = 1.5) -> Bar:
    return Bar(moment(START + 60 * minute), 1.25, 2.0, 1.0, close, 7.0)


def posted(minute: int, value: float = 1, ticker: Ticker = TICKER, bot: str = "trader") -> Posted:
    time = START + 60 * minute
    text = SignalText(
        id=bot, symbol=ticker.symbol, timeframe=ticker.timeframe.name, bar_time=moment(time), signal=value
    )
    return Posted(text, ticker, time)


MINUTES = st.integers(0, 30)
ASKED = st.lists(st.tuples(st.integers(-2, 31), st.integers(1, 40)), min_size=1, max_size=4)
POSTS = st.lists(st.lists(st.tuples(MINUTES, st.sampled_from([1.25, 1.5, 1.75])), max_size=12), max_size=12)


@settings(max_examples=30, deadline=None)
@given(
    posts=POSTS, asked=st.lists(st.tuples(st.integers(-2, 31), st.integers(1, 40)), min_size=1, max_size=4)
)
def test_memory_answers_what_the_disk_would(
    posts: list[list[tuple[int, float]]], asked: list[tuple[int, int]]
) -> None:
    held: dict[int, list[float]] = {}

    async def work(store: Store) -> int:
        revised = late = 0
        for post in posts:
            tally = await store.bars.add(TICKER, [bar(*each) for each in post])
            stored = 0
            newest = max(held, default=-1)
            late += len({minute for minute, _ in post if minute not in held and minute < newest})
            for minute, close in post:
                versions = held.setdefault(minute, [])
                if close not in versions:
                    stored += not versions
                    revised += bool(versions)
                    versions.append(close)
            assert tally.stored == stored
            assert sum(tally) == len(post)
            for minute, limit in asked:
                expected = [(each, held[each][-1]) for each in sorted(held) if each > minute][:limit]
                found = await store.bars.after(TICKER, START + 60 * minute, limit)
                assert [((epoch(each.time) - START) // 60, each.close) for each in found] == expected
                last = await store.bars.last(TICKER, limit)
                assert [(epoch(each.time) - START) // 60 for each in last] == sorted(held)[-limit:]
        assert store.bars.revision(TICKER) == revised + late
        return revised + late

    async def again(store: Store) -> int:
        assert await store.bars.forget(START + 60 * 5) >= 0
        return store.bars.revision(TICKER)

    with tempfile.TemporaryDirectory() as folder:
        revision = with_store(work, Path(folder))
        assert [with_store(again, Path(folder)) for _ in range(2)] == [revision] * 2


SIGNALS = st.lists(
    st.tuples(MINUTES, st.sampled_from([1.0, 0.5, -1.0]), st.sampled_from(["a", "b"]), st.booleans()),
    max_size=40,
)


@settings(max_examples=30, deadline=None)
@given(signals=SIGNALS, size=st.integers(1, 8))
def test_the_first_signal_of_a_key_stands_for_ever(
    signals: list[tuple[int, float, str, bool]], size: int
) -> None:
    first: dict[tuple[int, str, bool], float] = {}

    async def work(store: Store) -> None:
        for start in range(0, len(signals), size):
            batch = signals[start : start + size]
            texts = [posted(minute, value, bot=bot) for minute, value, bot, _ in batch]
            shadows = [each[3] for each in batch]
            wanted = [
                Posted(_shadowed(each.text, shadow), each.ticker, each.time)
                for each, shadow in zip(texts, shadows, strict=True)
            ]
            filed = await store.signals.add(wanted)
            for (minute, value, bot, shadow), body in zip(batch, filed, strict=True):
                key = (minute, bot, shadow)
                expected = 201 if key not in first else 200 if first[key] == value else 409
                assert body.status == expected
                first.setdefault(key, value)
        for shadow in (False, True):
            found = await store.signals.listed(Filter(TICKER, shadow=shadow), 0, 1000)
            told = {((epoch(each.bar_time) - START) // 60, each.id, shadow): each.signal for each in found}
            assert told == {key: value for key, value in first.items() if key[2] is shadow}

    with_store(work)


def _shadowed(text: SignalText, shadow: bool) -> SignalText:
    return SignalText(
        id=text.id, symbol=text.symbol, timeframe=text.timeframe, bar_time=text.bar_time, signal=text.signal,
        shadow=shadow,
    )  # fmt: skip


FACTS = st.lists(
    st.one_of(
        st.tuples(st.just("bar"), MINUTES, st.sampled_from([1.25, 1.5])),
        st.tuples(st.just("signal"), MINUTES, st.sampled_from([1.0, -1.0])),
        st.tuples(st.just("portfolio"), st.sampled_from(["ACTIVE", "REDUCING", "HALTED"])),
    ),
    max_size=30,
)


@settings(max_examples=30, deadline=None)
@given(facts=FACTS, page=st.integers(1, 7), again=st.integers(0, 30))
def test_the_stream_resumed_anywhere_is_the_rest_of_the_stream(
    facts: list[Any], page: int, again: int
) -> None:
    async def work(store: Store) -> None:
        for kind, *rest in facts:
            if kind == "bar":
                await store.bars.add(TICKER, [bar(*rest)])
            elif kind == "signal":
                await store.signals.add([posted(*rest)])
            else:
                await store.portfolios.put((), lambda _, state=rest[0]: state)
        whole = await store.events.after(0, 1000)
        seqs = [event.seq for event in whole]
        assert seqs == sorted(set(seqs))
        assert seqs == list(range(1, store.seq + 1)), "every fact has a seq and every seq a fact"
        pages, after = [], 0
        while events := await store.events.after(after, page):
            pages += events
            after = events[-1].seq
        assert pages == whole
        assert await store.events.after(again, 1000) == [event for event in whole if event.seq > again]

    with_store(work)


def test_writes_of_one_moment_share_a_commit() -> None:
    async def work(store: Store) -> None:
        commits.clear()
        await asyncio.gather(*(store.signals.add([posted(minute)]) for minute in range(200)))

    with_store(work)
    assert sum(commits) == 200
    assert len(commits) <= 3


def test_everything_is_there_when_the_store_is_opened_again(tmp_path: Path) -> None:
    async def fill(store: Store) -> int:
        await store.bars.add(TICKER, [bar(0), bar(1)])
        await store.bars.add(TICKER, [bar(1, 1.75)])
        await store.signals.add([posted(0), posted(1, -1)])
        await store.portfolios.put((_entry(),), lambda _: "REDUCING")
        return store.seq

    async def look(store: Store) -> tuple[Any, ...]:
        last = store.signals.last["trader", TICKER]
        return (
            store.seq, store.bars.newest, store.bars.revision(TICKER), (last.time, last.signal),
            store.portfolios.now.state, store.portfolios.now.allocations,
        )  # fmt: skip

    seq = with_store(fill, tmp_path)
    assert with_store(look, tmp_path) == (
        seq, {TICKER: START + 60}, 1, (START + 60, -1), "REDUCING", (_entry(),)
    )  # fmt: skip


def _entry() -> Entry:
    return Entry(symbol="AUDUSD", timeframe="M1", weight=0.5, positive_group={"LGBMClassifier~PC": 1})


def test_a_full_disk_acknowledges_nothing_and_loses_nothing(tmp_path: Path) -> None:
    async def work(store: Store) -> None:
        await store.bars.add(TICKER, [bar(0)])
        store._disk._opened.writer.execute("PRAGMA max_page_count = 1")  # the smallest it takes: no page more
        with pytest.raises(Problem, match="full") as refused:
            await store.bars.add(TICKER, [bar(minute) for minute in range(1, 5000)])
        assert refused.value.code == "store_unavailable"
        assert "full" in store.fault
        assert store.bars.newest == {TICKER: START}
        assert len(await store.bars.last(TICKER, 9)) == 1
        store._disk._opened.writer.execute("PRAGMA max_page_count = 1000000")
        await store.bars.add(TICKER, [bar(minute) for minute in range(1, 5000)])
        assert store.fault == ""
        assert len(await store.bars.after(TICKER, 0, 9999)) == 5000

    with_store(work, tmp_path)


def test_one_write_that_breaks_spoils_no_later_one() -> None:
    async def work(store: Store) -> None:
        def broken(_: sqlite3.Connection) -> None:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await store._disk.write(broken, lambda _: None)
        both = asyncio.gather(
            store._disk.write(broken, lambda _: None),
            store.bars.add(TICKER, [bar(1)]),
            return_exceptions=True,
        )
        assert [type(each) for each in await both] == [ZeroDivisionError] * 2, "they shared a commit"
        assert (await store.bars.add(TICKER, [bar(0)])).stored == 1

    with_store(work)


def test_what_is_too_old_is_forgotten_and_the_rest_kept(tmp_path: Path) -> None:
    async def work(store: Store) -> None:
        for ticker in (TICKER, OTHER):
            await store.bars.add(ticker, [bar(minute) for minute in range(-6000, 10)])
        await store.signals.add([posted(-3000), posted(5)])
        await store.forget(Retention(bars_days=1, signals_days=1))
        first = (await store.bars.after(TICKER, 0, 1))[0].time
        assert first == datetime(2024, 1, 1, tzinfo=UTC)
        assert len(await store.bars.last(OTHER, 9999)) == 10
        assert len(await store.signals.listed(Filter(), 0, 9)) == 1
        await store.forget(Retention())
        assert len(await store.bars.last(TICKER, 9999)) == 10

    with_store(work, tmp_path)


def test_what_became_of_bots_and_of_the_farm_is_forgotten_too(tmp_path: Path) -> None:
    """Their conditions and the timeline as long as is set, whatever is kept of bars and signals."""

    async def work(store: Store) -> None:
        now = Hands().now()
        for days in (40, 20):
            told = Happening(
                at=now - timedelta(days=days), sort="restart", who="farm", text=f"{days} days ago"
            )
            await store.happenings.add([told])
        await store.conditions.add([Change("trader", TICKER, "ABSENT")])
        await store.forget(Retention(states_days=30))
        events = await store.events.after(0, 9)
        assert [each.kind for each in events] == ["farm", "bot"]
        assert b"20 days ago" in events[0].data
        await store.conditions.forget(now.timestamp() + 1.0)
        assert [each.kind for each in await store.events.after(0, 9)] == ["farm"]

    with_store(work, tmp_path)


def test_a_store_that_forgot_its_newest_facts_is_not_taken_for_a_damaged_one(tmp_path: Path) -> None:
    async def fill(store: Store) -> int:
        await store.bars.add(TICKER, [bar(-6000)])
        await store.forget(Retention(bars_days=1))
        assert await store.bars.last(TICKER, 9) == []
        return store.seq

    async def look(store: Store) -> tuple[int, str]:
        return store.seq, store.set_aside

    assert with_store(fill, tmp_path) == 1
    assert with_store(look, tmp_path) == (1, "")


def test_bars_from_before_1970_are_bars_too() -> None:
    async def work(store: Store) -> None:
        await store.bars.add(TICKER, [bar(-40_000_000), bar(-39_999_999)])
        assert store.bars.newest[TICKER] == START - 60 * 39_999_999 < 0
        assert len(await store.bars.after(TICKER, START - 60 * 40_000_000, 9)) == 1

    with_store(work)
