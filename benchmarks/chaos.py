"""Kills, freezes and cuts parts of a real farm at random, and compares what it stored with a calm run.

Workers, server, feed and supervisor are killed with SIGKILL or stopped with SIGSTOP, and every connection is
cut, at moments drawn from the seed, while tapes are played at high speed. Some workers are hit at a chosen
moment: while they prime, between prediction and post, and when the post has left; so is the server when a
post has just arrived. What the store holds afterwards must be what the same bars give through the same
functions with nothing in the way: the same keys, the same values to the last bit, in the same order for each
bot.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.estate import experts, plant
from benchmarks.farmstead import ROOT, Caller, Farmstead, alive, answering, free_port
from benchmarks.proxy import Wire
from benchmarks.witness import Witness
from live_trader.core.bars import Tape, Ticker, Timeframe, Window
from live_trader.core.bots import Bot, signals
from live_trader.edge.feeds.simulated import Market
from live_trader.edge.shelf import Shelf
from live_trader.edge.tapes import write
from live_trader.edge.wire import value
from live_trader.farm.pulse import Phase

_HISTORY = 640
_TREES = 20
_WEIGHTS = {
    "worker": 40, "priming": 10, "unsent": 12, "unacknowledged": 12, "uncommitted": 4, "server": 4,
    "feed": 4, "supervisor": 3, "freeze": 3, "stall": 2, "cut": 6,
}  # fmt: skip
_AMBUSH_S = 3.0
_STALL_S = 1.0


@dataclass
class Scene:
    """The processes of a farm under attack, and what has been done to them."""

    place: Farmstead
    folder: Path
    wire: Wire
    rate: float
    witness: Witness
    server: subprocess.Popen[bytes] | None = None
    feed: subprocess.Popen[bytes] | None = None
    done: dict[str, int] = field(default_factory=dict)

    def raise_server(self) -> None:
        """Start the server if it is not running."""
        if self.server is None or self.server.poll() is not None:
            self.server = self._spawn(
                str(ROOT / "instant_trader.py"), "serve", "--config", str(self.place.configure())
            )

    def raise_feed(self) -> None:
        """Start the feed if it is not running and has not finished."""
        if self.feed is None or self.feed.poll() not in (None, 0):
            self.feed = self._spawn(
                "-m", "benchmarks.tapefeed", str(self.folder / "tapes"), "--port", str(self.place.port),
                "--token-file", str(self.folder / "feed.token"), "--per-second", str(self.rate),
            )  # fmt: skip

    def raise_farm(self) -> None:
        """Start the supervisor if it is not running."""
        if self.place.process is None or self.place.process.poll() is not None:
            self.place.start("run")

    def _spawn(self, *words: str) -> subprocess.Popen[bytes]:
        log = (self.folder / "parts.txt").open("ab")
        return subprocess.Popen(
            [sys.executable, *words], cwd=self.folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip

    def end(self) -> None:
        """Leave nothing running."""
        self.witness.stop()
        self.place.kill()
        for each in (self.server, self.feed):
            if each is not None and each.poll() is None:
                each.kill()
                each.wait()
        self.wire.close()


def main(arguments: list[str] | None = None) -> int:
    """Run the chaos and print what it did and what it found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos", description=__doc__)
    parser.add_argument("--tickers", type=int, default=20)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--bars", type=int, default=0, help="bars per ticker; as many as the kills need by default"
    )
    parser.add_argument("--per-second", type=float, default=4.0, help="bars per ticker and second")
    parser.add_argument("--every", type=float, default=0.3, help="seconds between kills, on average")
    parser.add_argument(
        "--recovery", type=float, default=5.0, help="seconds in which 95 %% of the killed answer again"
    )
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        figures, done = chaos(Path(folder), options)
    print(json.dumps(figures) if options.json else "\n".join(f"{k:16} {v}" for k, v in figures.items()))
    print(", ".join(f"{count} {kind}" for kind, count in sorted(done.items())), file=sys.stderr)
    slow = (figures["recovery_s_p95"] or 0.0) > options.recovery
    return 1 if slow or figures["lost"] or figures["duplicates"] or figures["differing"] else 0


def chaos(folder: Path, options: argparse.Namespace) -> tuple[dict[str, Any], dict[str, int]]:
    """One farm, so many kills, one comparison: its figures, and how often what was done."""
    tickers = [Ticker(f"T{index:02}", Timeframe.S1) for index in range(options.tickers)]
    coming = options.bars or int(options.kills * options.every * options.per_second * 1.1) + 40
    begins = int(time.time()) - _HISTORY - coming
    tapes = {ticker: _tape(ticker, begins, _HISTORY + coming, options.seed) for ticker in tickers}
    port = free_port()
    wire = Wire(port)
    settings = {
        "farm": {"silent_after_s": 5.0},
        "farm.restart": {"max_restarts": 100_000, "backoff_first_s": 0.02, "backoff_max_s": 0.2},
        "server": {"address": f"http://127.0.0.1:{wire.port}/", "token_file": str(folder / "bot.token")},
    }
    place = Farmstead(folder, tickers, settings, port)
    plant(place.work, place.models, tickers, experts(options.seed, _TREES, Timeframe.S1))
    ends = {ticker: int(tape.times[-1]) for ticker, tape in tapes.items()}
    scene = Scene(place, folder, wire, options.per_second, Witness(place.work / "run", ends))
    try:
        _set(scene, tapes)
        _attack(scene, options)
        _settle(scene, tapes)
        found = _compare(scene, tapes)
    finally:
        scene.end()
    recovered = sorted(scene.witness.recoveries)
    worst = max(scene.witness.silences, default=(0.0, "nothing"))
    print(f"longest silent: {worst[1]}", file=sys.stderr)
    figures = {
        **found,
        "recovery_s_p95": round(recovered[int(len(recovered) * 0.95)], 2) if recovered else None,
        "frozen_s_max": round(max(scene.witness.thaws, default=0.0), 2),
        "silent_s_max": round(worst[0], 2),
    }
    return figures, scene.done


def _tape(ticker: Ticker, begins: int, count: int, seed: int) -> Tape:
    return Tape.of(ticker, list(Market(ticker, seed).history(begins + count, count)))


def _set(scene: Scene, tapes: dict[Ticker, Tape]) -> None:
    """Server up, history stored, every worker primed, the tapes ready to be played."""
    (scene.folder / "tapes").mkdir()
    scene.raise_server()
    answering(scene.place.port)
    for role in ("feed", "bot-trader"):
        path = scene.folder / f"{role.partition('-')[0]}.token"
        path.write_text(scene.place.token(role))
        path.chmod(0o600)
    caller = Caller(scene.place.port, scene.place.token("feed"))
    for ticker, tape in tapes.items():
        write(scene.folder / "tapes" / f"{ticker.symbol}_{ticker.timeframe.name}.csv", tape)
        caller.post_bars(ticker, tape.cut(0, _HISTORY).bars())
    scene.raise_farm()
    scene.place.until_serving()
    scene.witness.start()
    scene.raise_feed()


def _attack(scene: Scene, options: argparse.Namespace) -> None:
    chance = random.Random(options.seed)
    kinds: dict[str, Callable[[], bool]] = {
        "worker": lambda: _hit(scene, chance),
        "freeze": lambda: _hit(scene, chance, signal.SIGSTOP),
        "priming": lambda: _hit_priming(scene, chance),
        "unsent": lambda: _ambush(scene, sent=False),
        "unacknowledged": lambda: _ambush(scene, sent=True),
        "uncommitted": lambda: _ambush(scene, sent=True, server=True),
        "server": lambda: _kill(scene, "server", scene.server),
        "feed": lambda: _kill(scene, "feed", scene.feed),
        "supervisor": lambda: _kill(scene, "supervisor", scene.place.process),
        "stall": lambda: _stall(scene, chance),
        "cut": lambda: _cut(scene),
    }
    while sum(scene.done.values()) < options.kills:
        kind = chance.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        if kinds[kind]():
            scene.done[kind] = scene.done.get(kind, 0) + 1
        time.sleep(chance.expovariate(1.0 / options.every))
        _raise(scene)


def _raise(scene: Scene) -> None:
    scene.raise_server()
    scene.raise_farm()
    scene.raise_feed()


def _kill(scene: Scene, kind: str, process: subprocess.Popen[bytes] | None) -> bool:
    """End one of the parts that all workers share; it is started again at once."""
    if process is None or process.poll() is not None:
        return False
    process.kill()
    scene.witness.note(kind)
    process.wait()
    _raise(scene)
    return True


def _stall(scene: Scene, chance: random.Random) -> bool:
    """Stop server, feed or supervisor for a while, and let it go on."""
    process = chance.choice((scene.server, scene.feed, scene.place.process))
    if process is None or process.poll() is not None:
        return False
    process.send_signal(signal.SIGSTOP)
    scene.witness.note("stall")
    time.sleep(_STALL_S)
    process.send_signal(signal.SIGCONT)
    return True


def _cut(scene: Scene) -> bool:
    scene.witness.note("cut")
    return scene.wire.cut() > 0


def _hit(scene: Scene, chance: random.Random, number: int = signal.SIGKILL) -> bool:
    """Kill or freeze one worker, whatever it is doing."""
    beats = scene.witness.beats()
    ticker = chance.choice(sorted(beats))
    return _strike(scene, ticker, beats[ticker].pid, number)


def _hit_priming(scene: Scene, chance: random.Random) -> bool:
    """Kill one worker, and the process that takes its place before that one serves."""
    ticker = chance.choice(sorted(scene.witness.beats()))
    first = scene.witness.beats()[ticker].pid
    if not _strike(scene, ticker, first):
        return False
    deadline = time.monotonic() + _AMBUSH_S
    while time.monotonic() < deadline:
        beat = scene.witness.beats()[ticker]
        if beat.pid != first and beat.phase in (Phase.CONNECTING, Phase.PRIMING):
            return _strike(scene, ticker, beat.pid)
        time.sleep(0.001)
    return False


def _ambush(scene: Scene, *, sent: bool, server: bool = False) -> bool:
    """Wait for the next post of a signal; kill who sends it, before or after it has left, or who gets it."""
    struck = threading.Event()

    def end_server() -> None:
        if scene.server is not None:
            scene.server.kill()
            scene.witness.note("uncommitted")
            struck.set()

    def strike(post: bytes) -> bool:
        symbol = json.loads(post.partition(b"\r\n\r\n")[2].partition(b"}{")[0])
        ticker = Ticker((symbol[0] if isinstance(symbol, list) else symbol)["symbol"], Timeframe.S1)
        if server:
            threading.Timer(0.001, end_server).start()
        elif _strike(scene, ticker, scene.witness.beats()[ticker].pid):
            struck.set()
        return sent

    scene.wire.lie_in_wait(strike)
    if not struck.wait(_AMBUSH_S):
        scene.wire.lie_in_wait(None)  # else it would strike when nobody expects it any more
    return struck.is_set()


def _strike(scene: Scene, ticker: Ticker, pid: int, number: int = signal.SIGKILL) -> bool:
    try:
        if not alive(pid):  # a signal reaches the dead as well until they are buried, and does nothing
            return False
        os.kill(pid, number)
    except OSError:
        return False
    scene.witness.note("freeze" if number == signal.SIGSTOP else "worker", ticker, pid)
    return True


def _settle(scene: Scene, tapes: dict[Ticker, Tape], seconds: float = 120.0) -> None:
    """Wait until the tapes have ended and every worker has answered their last bars."""
    deadline = time.monotonic() + seconds + max(len(tape) for tape in tapes.values()) / scene.rate
    while time.monotonic() < deadline:
        _raise(scene)
        beats = scene.witness.beats()
        ended = scene.feed is not None and scene.feed.poll() == 0
        if ended and all(_answered(beats.get(ticker), tape) for ticker, tape in tapes.items()):
            break
        time.sleep(0.2)
    answering(scene.place.port)  # it may have been ended after the last answer


def _answered(beat: Any, tape: Tape) -> bool:
    return beat is not None and beat.phase is Phase.SERVING and beat.last_bar == int(tape.times[-1])


def _compare(scene: Scene, tapes: dict[Ticker, Tape]) -> dict[str, int]:
    """The store against the calm run, key by key."""
    caller = Caller(scene.place.port, scene.place.token("read"))
    shelf = Shelf(scene.place.models, scene.place.work)
    found = {"expected": 0, "stored": 0, "lost": 0, "duplicates": 0, "differing": 0}
    for ticker, tape in tapes.items():
        calm = _calm(shelf, ticker, tape)
        stored = caller.signals(ticker)
        times = [each["bar_time"] for each in stored]
        found["expected"] += len(calm)
        found["stored"] += len(stored)
        found["lost"] += len(calm.keys() - set(times))
        found["duplicates"] += len(times) - len(set(times))
        found["differing"] += sum(calm.get(each["bar_time"]) != _values(each) for each in stored)
        found["differing"] += times != sorted(times)
    return found


def _calm(shelf: Shelf, ticker: Ticker, tape: Tape) -> dict[str, Any]:
    """What every bar after the history gives with nothing in the way."""
    bundle = shelf.load(ticker)[0]
    bot = Bot("trader", ticker, bundle.strategy(), bundle.version)
    window = Window.ending(tape, bot.strategy.memory, _HISTORY)
    return {
        f"{each.opened:%Y-%m-%dT%H:%M:%SZ}": (
            value(each.direction),
            {name: (opinion.long, opinion.short) for name, opinion in each.opinions.items()},
        )
        for each in signals(bot, window, tape.cut(_HISTORY, len(tape)).bars())
    }


def _values(stored: dict[str, Any]) -> Any:
    opinions = stored["probabilities"]
    return stored["signal"], {name: (each["long"], each["short"]) for name, each in opinions.items()}


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
