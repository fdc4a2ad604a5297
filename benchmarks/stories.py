"""The stories of the simulator: what a world is like, and what will happen in it, drawn from a seed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.world import STEP, TICKER, World, bar
from live_trader.core.bars import Bar, Ticker, Window, epoch
from live_trader.core.signals import Coefficients, Decision, Direction, Opinion
from live_trader.core.strategies import Rows
from live_trader.farm.pulse import NONE

MEMORY = 5
_SILENCE = 60.0
_WRONG_S = 400.0
_DIRECTIONS = (Direction.LONG, Direction.SHORT, Direction.NEUTRAL)


class Broken(Exception):
    """Something that must never be was."""


@dataclass
class Story:
    """One world, what happens in it, and what is known of it."""

    world: World
    classic: bool
    seen: list[dict[int, float]] = field(default_factory=list)
    decided: dict[int, float] = field(default_factory=dict)
    checked: int = 0
    versions: tuple[str, ...] = ("v1",)
    first: int = NONE
    turn: asyncio.Lock = field(
        default_factory=asyncio.Lock
    )  # a classic server cannot say that a bar came late

    def serving(self, _: Ticker) -> tuple[str, ...]:
        return self.versions

    def load(self, _: Ticker) -> tuple[_Bundle, ...]:
        return tuple(_Bundle(version, self) for version in self.versions)


@dataclass(frozen=True)
class _Bundle:
    version: str
    story: Story
    models: tuple[str, ...] = ("Digest~PC",)
    heavy: bool = False
    thresholds: Mapping[str, Mapping[str, float]] = field(
        default_factory=lambda: {side: {"Digest~PC": 0.3} for side in ("long", "short")}
    )

    def strategy(self, _coefficients: Coefficients | None, _threshold: float | None, _: None) -> _Digest:
        return _Digest(self.story)


@dataclass(frozen=True)
class _Digest:
    """A strategy whose answer changes with every bit of its window."""

    story: Story
    memory: int = MEMORY

    def decide(self, window: Window) -> Decision:
        if len(window) != MEMORY or len(window.close) != MEMORY:
            raise Broken(f"the window holds {len(window.close)} bars")
        now = (
            self.story.world.worker_clock.now().timestamp()
        )  # a clock that was set back may say a bar is in time
        self.story.decided[window.end] = min(now, self.story.decided.get(window.end, now))
        return digest(window.times.tolist(), window.close.tolist())

    def look(self, window: Window) -> Rows:
        """It looks at the bars themselves."""
        return ()

    def judge(self, window: Window, rows: Rows) -> Decision:
        """As decided."""
        return self.decide(window)

    def prepare(self, window: Window) -> None:
        """Nothing can be done before the next bar."""


def digest(times: Sequence[int], closes: Sequence[float]) -> Decision:
    """A decision that is a fingerprint of these bars."""
    number = zlib.crc32(struct.pack(f"<{len(times)}q{len(closes)}d", *times, *closes))
    direction = _DIRECTIONS[number % 3]
    return Decision(direction, {"Digest~PC": Opinion(number / 2**33, 0.0, direction)})


def plan(story: Story, draw: random.Random) -> float:
    """Lay down what will happen, and give when the last bar comes."""
    world = story.world
    slots, slot = [], MEMORY + 1
    for _ in range(draw.randint(15, 30)):
        slot += draw.choices((1, 3, 25), (30, 2, 1))[0]
        slots.append(slot)
    history = [bar(each, 100.0 + each % 7) for each in range(MEMORY + 1)]
    world.loop.selector.passed = STEP * (MEMORY + 1) + draw.random() * 50
    world.loop.run_until_complete(_post(story, 0.0, history))
    for place, each in enumerate(slots):
        _plan_bar(story, draw, each, calm=place >= len(slots) - 4)
    end = STEP * (slots[-4] + 1)
    for _ in range(draw.randint(0, 6)):
        _plan_fault(story, draw, draw.uniform(world.loop.time(), end))
    world.later(_at(story, end, "calm"))
    return float(STEP * (slots[-1] + 1))


def _plan_bar(story: Story, draw: random.Random, slot: int, *, calm: bool) -> None:
    made, closes = bar(slot, round(100.0 + draw.gauss(0, 3), 2)), STEP * (slot + 1)
    kind = draw.choices(
        ("plain", "repeated", "forming", "impossible", "late", "revised", "crowd"), (30, 3, 2, 2, 3, 2, 2)
    )[0]
    if calm or (story.classic and kind in ("late", "revised")):
        kind = "plain"
    story.world.happened.append(kind)
    comes = closes + draw.uniform(0.01, 1.0)
    if kind == "late":
        comes += draw.uniform(1.0, 4.0) * STEP
    story.world.later(_post(story, comes, [made]))
    if kind == "repeated":
        story.world.later(_post(story, comes + draw.uniform(0, 200), [made]))
    if kind == "forming":
        # on a classic server once only: later it would pass for closed, and nothing there tells of revisions
        story.world.later(_post(story, closes - 20.0, [bar(slot, 50.0)], once=story.classic))
    if kind == "impossible":
        crooked = bar(slot, 100.0)
        object.__setattr__(crooked, "low", 1000.0)
        story.world.later(_post(story, comes - 0.005, [crooked]))
    if kind == "revised":
        story.world.later(_post(story, comes + draw.uniform(1, 300), [bar(slot, made.close + 1.0)]))
    if kind == "crowd" and not story.classic:
        story.world.later(_post(story, comes + 70.0, [bar(slot + 1, 90.0), made, bar(slot + 1, 90.0)]))


async def _post(story: Story, at: float, bars: list[Bar], *, once: bool = False) -> None:
    await asyncio.sleep(at - story.world.loop.time())
    async with story.turn if story.classic else contextlib.nullcontext():
        await story.world.feed(bars, once=once)
    texts = await story.world.parts.store.bars.last(TICKER, 10_000)
    known = {epoch(each.time): each.close for each in texts}
    if not story.seen or story.seen[-1] != known:
        story.seen.append(known)


def _plan_fault(story: Story, draw: random.Random, at: float) -> None:
    kind = draw.choice(("server", "parted", "killed", "frozen", "portfolio", "deployed", "skew", "jump"))
    # on a classic server less than a bar: there only the worker's clock says which bar is closed
    wrong = draw.uniform(-_WRONG_S, _WRONG_S) * (0.05 if story.classic else 1.0)
    story.world.later(_at(story, at, kind, draw.choice((0.5, 20.0, 150.0)), wrong))


async def _at(story: Story, at: float, kind: str, lasts: float = 0.0, wrong: float = 0.0) -> None:
    """One thing that happens to the world, and its end."""
    world = story.world
    await asyncio.sleep(at - world.loop.time())
    world.happened.append(kind)
    match kind:
        case "calm":
            world.trouble = 0.0
        case "server":
            await world.kill_server()
            await asyncio.sleep(lasts)
            if world.down:
                await world.raise_server()
        case "parted":
            world.parted = True
            world.stir()
            await asyncio.sleep(lasts)
            world.parted = False
        case "killed":
            world.doomed = True
            world.stir()
        case "frozen":  # the supervisor finds it silent and kills it
            world.parted, world.doomed = True, False
            await asyncio.sleep(_SILENCE)
            world.parted, world.doomed = False, True
            world.stir()
        case "portfolio":
            await _rebalance(world, wrong)
        case "deployed":
            story.versions = (f"v{int(at)}",)
        case "skew" | "jump":
            world.worker_clock.wrong += wrong
            if kind == "jump":
                await asyncio.sleep(lasts)
                world.worker_clock.wrong -= wrong


async def _rebalance(world: World, weight: float) -> None:
    entry = {
        "negative_group": None, "positive_group": {"Digest~PC": 1.0 + abs(weight)}, "portfolio": "('TOP_N',)",
        "symbol": TICKER.symbol, "timeframe": TICKER.timeframe.name, "weight": 1.0,
    }  # fmt: skip
    body = json.dumps({"allocations": [entry]}).encode()
    while world.down or (await world.exchange("PUT", "v1/portfolio", body, "admin")).status != 200:
        await asyncio.sleep(1.0)
