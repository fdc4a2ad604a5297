"""Tells thousands of seeded stories in virtual time and checks, at every step, what must never break.

The worker's loop, the client of either protocol, the supervisor's table of states and the server with its
store are the real ones; time, the wire, the feed and the strategy are the simulator's. In a story bars come
late, repeated, revised, too early and impossible; requests are slow, cut, doubled, refused or answered with
rubbish; the worker dies before, during and after any of them; server and wire fail; clocks are wrong; the
portfolio and the deployed bundle change. A story that fails is told again by its seed alone:
    python -m benchmarks.simulator --first SEED --seeds 1
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import multiprocessing
import os
import random
import shutil
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.stories import MEMORY, Broken, Story, digest, plan
from benchmarks.world import GRACE, START, STEP, TICKER, Killed, World, slot_of
from live_trader.core.bars import epoch
from live_trader.core.signals import Decision
from live_trader.edge.client.classic import Classic
from live_trader.edge.client.v1 import V1
from live_trader.edge.server.store.signals import Filter
from live_trader.edge.settings import Classic as Options
from live_trader.edge.wire import value
from live_trader.errors import BadBot, Interrupted, TraderError, Unauthorised
from live_trader.farm.pulse import NONE, Beat
from live_trader.farm.states import Life, Policy, State, crashed, pardoned, started
from live_trader.farm.worker import Patience, Worker

_POLICY = Policy(max_restarts=5, within=600.0, first=1.0, longest=60.0)
_PATIENCE = Patience(20.0, 0.2, 5.0)
_BOOT = 0.5
_CALM = 400.0


def tell(seed: int, folder: Path) -> Counter[str]:
    """One story from its seed to its end; Broken says what was wrong in it."""
    draw = random.Random(f"story {seed}")
    world = World(folder, seed, trouble=draw.choice((0.0, 0.02, 0.1, 0.3)))
    story = Story(world, classic=draw.random() < 0.3)
    world.after_post = lambda: _check_signals(story)
    try:
        last = plan(story, draw)
        world.ends = last + _CALM
        world.later(_sweep(story))
        _supervise(story)
        _check_end(story)
        world.look_for_faults()
    finally:
        world.close()
    return Counter(world.happened)


def _supervise(story: Story) -> None:
    """The life of the worker's process, along the real table and by the real policy."""
    world, life, page = story.world, Life(), Beat()
    while True:
        life = started(life, world.loop.time())
        page = Beat(owed_after=page.owed_after)
        try:
            world.rest(_BOOT)
            life = life.step(State.RUNNING, world.loop.time())
            _work(story, page)
        except Interrupted:
            return
        except Killed:
            why = "killed"
        except (BadBot, Unauthorised) as fault:
            raise Broken(f"the worker gave up: {fault}") from fault
        except TraderError as fault:
            why = str(fault)
        life = crashed(life, world.loop.time(), why, _POLICY, world.worker_clock.chance)
        wait = life.again_at - world.loop.time()
        if life.state is State.FATAL:  # a person looks, and restarts it
            life, wait = pardoned(life).step(State.STOPPED, world.loop.time()), 30.0
        try:
            world.rest(wait)
        except Killed:
            pass
        except Interrupted:
            return


def _work(story: Story, page: Beat) -> None:
    world = story.world
    if story.classic:
        server: Any = Classic(world.ask, "trader", world.worker_clock, world.rest, Options(poll_s=2.0), 10.0)
    else:
        server = V1(world.ask, "trader", world.worker_clock)

    def show(beat: Beat) -> None:
        if story.first == NONE and beat.owed_after != NONE:
            story.first = beat.owed_after

    Worker(
        "trader", TICKER, server, story, world.worker_clock, world.rest, show, page, _PATIENCE,
    ).run()  # fmt: skip


async def _sweep(story: Story) -> None:
    """The server's own look at its bots, once a second, and whether it says in time who is missing."""
    world = story.world
    while True:
        await asyncio.sleep(1.0)
        if world.down:
            continue
        parts, store = world.parts, world.parts.store
        try:
            await parts.presence.sweep()
        except sqlite3.ProgrammingError:  # it was killed in the middle of it
            if parts is world.parts and not world.down:
                raise
            continue
        last = store.signals.last.get(("trader", TICKER))
        if story.classic or last is None or world.polls:
            continue
        now, allowed = world.loop.time(), STEP + GRACE + 1.5
        since = await store.bars.received_after(TICKER, last.time)
        owes = now - max(since - START, world.began) if since else 0.0
        silent = now - max(world.heard, world.began)
        if min(owes, silent) > allowed and store.conditions.last.get(("trader", TICKER)) != "ABSENT":
            raise Broken(
                f"nobody said that the bot was missing, {silent:.0f} s silent, owing for {owes:.0f} s"
            )


def _check_signals(story: Story) -> None:
    """Every signal stored since the last look is the one that its bars give."""
    story.world.later(_check(story))


async def _check(story: Story) -> None:
    if not story.world.down:
        _judge(story, await story.world.parts.store.signals.listed(Filter(), story.checked, 10_000))


def _judge(story: Story, signals: Sequence[Any]) -> None:
    for each in signals:
        opened = epoch(each.bar_time)
        allowed = [value(made.direction) for made in _possible(story, opened)]
        if each.signal not in allowed:
            raise Broken(f"the signal of slot {slot_of(each.bar_time)} is that of no window there ever was")
        if not story.classic:
            told = each.probabilities["Digest~PC"].long
            if told not in [made.opinions["Digest~PC"].long for made in _possible(story, opened)]:
                raise Broken(
                    f"the opinion of slot {slot_of(each.bar_time)} is that of no window there ever was"
                )
            if not each.late and story.decided[opened] > opened + 2 * STEP:
                raise Broken(f"the signal of slot {slot_of(each.bar_time)} was made late and does not say so")
        story.checked = max(story.checked, each.seq)


def _possible(story: Story, opened: int) -> list[Decision]:
    """What the window that ends then gave in every state of the store since its last bar was in it."""
    found = []
    for known in story.seen:
        times = sorted(each for each in known if each <= opened)[-MEMORY:]
        if opened in known and len(times) == MEMORY:
            found.append(digest(times, [known[each] for each in times]))
    return found


def _check_end(story: Story) -> None:
    """Every bar after the first primed one has its one signal."""
    world = story.world
    signals = world.loop.run_until_complete(world.parts.store.signals.listed(Filter(), 0, 10_000))
    _judge(story, signals)
    times = [epoch(each.bar_time) for each in signals]
    early = next(known for known in story.seen if times and times[0] in known)
    owed = {each for each in story.seen[-1] if each > story.first and (each > min(times) or each in early)}
    if len(times) != len(set(times)):
        raise Broken("a bar has two signals")
    if owed - set(times):
        raise Broken(f"no signal for slots {sorted((each - START) // STEP for each in owed - set(times))}")
    if set(times) - owed:
        raise Broken(f"a signal for slots {sorted((each - START) // STEP for each in set(times) - owed)}")


def told(seed: int) -> tuple[int, str, Counter[str]]:
    """A story's seed, what broke in it, if anything, and what happened."""
    logging.disable()
    folder = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    try:
        return seed, "", tell(seed, folder)
    except Exception as fault:  # noqa: BLE001 - whatever breaks a story is told with its seed
        return seed, f"{type(fault).__name__}: {fault}", Counter()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main(arguments: list[str] | None = None) -> int:
    """Tell so many stories, on all processors, and print the seeds of those that broke something."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulator", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    seeds = range(options.first, options.first + options.seeds)
    begun, broken, happened = time.monotonic(), {}, Counter[str]()
    with contextlib.ExitStack() as stack:
        spread: Any = map
        if options.processes > 1:
            spread = stack.enter_context(multiprocessing.Pool(options.processes)).imap_unordered
        for number, (seed, fault, found) in enumerate(spread(told, seeds), 1):
            happened += found
            if fault:
                broken[seed] = fault
                print(f"seed {seed}: {fault}", file=sys.stderr, flush=True)
            if number % 1000 == 0:
                print(f"{number} of {options.seeds} stories", file=sys.stderr, flush=True)
    figures = {"seeds": options.seeds, "broken": broken, "seconds": round(time.monotonic() - begun, 1)}
    print(json.dumps({**figures, "happened": happened}) if options.json else figures)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
