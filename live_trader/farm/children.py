"""The processes of a farm, each as the function that its process runs from birth to death."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec.structs import replace

from live_trader.core.bars import Ticker, Timeframe
from live_trader.edge.client import connect
from live_trader.edge.clock import Clock
from live_trader.edge.happenings import Happenings
from live_trader.edge.settings import Settings, load
from live_trader.edge.shelf import Shelf
from live_trader.errors import Interrupted, TraderError
from live_trader.farm.process import Stop, give_back, live
from live_trader.farm.pulse import Beat, Phase, Pulse, path_of
from live_trader.farm.worker import Patience, Worker

_POLL_SHARE, _TIMEOUT_SHARE = 3.0, 2.0
_FIRST, _LONGEST = 0.2, 5.0
_SERVER_BEAT = 1.0


def run_path(settings: Settings) -> Path:
    """Where a farm keeps its pages, pid and control files."""
    return Path(settings.farm.work_path) / "run"


def logs_path(settings: Settings) -> Path:
    """Where a farm's processes write their logs."""
    return Path(settings.farm.work_path) / "logs"


def page_of(settings: Settings, name: str) -> Path:
    """The pulse page of the server, the feed or the desk."""
    return run_path(settings) / f"{name}.pulse"


def work(settings: Settings, name: str) -> None:
    """The process of one worker."""
    ticker = Ticker.parse(name)
    page = path_of(run_path(settings), ticker)
    _exit(name.replace(" ", "_"), settings, lambda stop: serve_ticker(settings, ticker, page, stop))


def serve_ticker(settings: Settings, ticker: Ticker, page: Path, stop: Stop) -> None:
    """Answer every closed bar of this ticker until the stop."""
    clock = Clock()
    prompt = _prompt(settings)
    with _shown(page) as (show, beat), connect(prompt, wake=stop.descriptor, clock=clock) as server:
        patience = Patience(settings.farm.silent_after_s / _POLL_SHARE, _FIRST, _LONGEST)
        worker = Worker(
            settings.farm.id,
            ticker,
            server,
            Shelf.of(settings),
            clock,
            stop.rest,
            show,
            beat,
            patience,
            settings.farm.threshold,
            settings.farm.tolerance,
            Happenings(run_path(settings), clock).of(str(ticker)),
            give_back,
        )
        worker.run()


def _prompt(settings: Settings) -> Settings:
    """The settings with a request's time limit so short that a stalled one is no silent worker yet."""
    limit = min(settings.server.timeout_s, settings.farm.silent_after_s / _TIMEOUT_SHARE)
    return replace(settings, server=replace(settings.server, timeout_s=limit))


@contextmanager
def _shown(page: Path) -> Iterator[tuple[Callable[[Beat], None], Beat]]:
    """A page of this process's own, with what the one before still owed; at the end it says which end."""
    pulse = Pulse.own(page)
    before = pulse.read()
    beat = Beat(pid=os.getpid())
    if before:
        beat.owed_after, beat.version = before.owed_after, before.version
    try:
        yield pulse.write, beat
    except Interrupted:
        beat.phase = Phase.STOPPED
        raise
    except TraderError as fault:
        beat.phase, beat.reason = Phase.FAILED, str(fault)
        raise
    finally:
        pulse.write(beat)
        pulse.close()


def serve_here(
    symbol: str, timeframe: str, work_path: str, bot_id: str, address: str | None, threshold: float | None
) -> None:
    """Answer every closed bar of one ticker in the caller's process, until it is interrupted."""
    given = {"farm.work_path": work_path, "farm.id": bot_id}
    if address is not None:
        given["server.address"] = address
    if threshold is not None:
        given["farm.threshold"] = str(threshold)
    settings = load(overrides=given).settings
    ticker = Ticker(symbol, Timeframe.parse(timeframe))
    serve_ticker(settings, ticker, path_of(run_path(settings), ticker), Stop())


def serve(settings: Settings) -> None:
    """The process of the embedded server."""

    def body(_: Stop) -> None:
        from live_trader.edge.server import serve as serve_forever

        clock = Clock()
        options, folder = settings.server.embedded, Path(settings.farm.work_path) / "server"
        with _shown(page_of(settings, "server")) as (show, beat):

            def again() -> None:
                beat.phase, beat.beaten = Phase.SERVING, clock.monotonic()
                show(beat)
                asyncio.get_running_loop().call_later(_SERVER_BEAT, again)

            serve_forever(
                options,
                folder,
                bots=[settings.farm.id],
                clock=clock,
                on_ready=lambda _: again(),
                shelf=Shelf.of(settings),
                tolerance=settings.farm.tolerance,
            )

    _exit("server", settings, body)


def feed(settings: Settings) -> None:
    """The process of the feed."""

    def body(stop: Stop) -> None:
        from live_trader.farm.feeder import keep_feeding

        with _shown(page_of(settings, "feed")) as (show, beat):
            keep_feeding(settings, stop, Clock(), show, beat)

    _exit("feed", settings, body)


def desk(settings: Settings) -> None:
    """The process of the desk."""

    def body(stop: Stop) -> None:
        from live_trader.farm.dealing import keep_dealing

        with _shown(page_of(settings, "desk")) as (show, beat):
            clock = Clock()
            keep_dealing(settings, stop, clock, show, beat, Happenings(run_path(settings), clock).of("desk"))

    _exit("desk", settings, body)


def _exit(name: str, settings: Settings, body: Callable[[Stop], None]) -> None:
    sys.exit(live(name, logs_path(settings), body))
