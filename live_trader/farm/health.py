"""What a colleague would look at before trusting this machine with a farm, and what to do about it."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from live_trader.edge.client import connect
from live_trader.edge.clock import Clock
from live_trader.edge.notices import sender
from live_trader.edge.settings import Settings
from live_trader.edge.shelf import Shelf
from live_trader.errors import NotRunning, TraderError
from live_trader.farm.children import run_path
from live_trader.farm.control import where
from live_trader.farm.roster import tickers

_SPACE_LOW, _SPACE_GONE = 1 << 30, 100 << 20
_SKEW = 2.0
_NEEDED = ("numpy", "TA-Lib", "msgspec", "httptools", "starlette", "uvicorn")
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: how it is, and what to do where it is not well."""

    about: str
    state: Literal["well", "note", "trouble"]
    says: str
    advice: str = ""


def findings(settings: Settings) -> Iterator[Finding]:
    """Everything there is to look at, one after the other."""
    looks: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
        _clock, _disk, _port, _server, _tokens, _bundles, _notices, _libraries, _threads,
    )  # fmt: skip
    for look in looks:
        yield from look(settings)


def _clock(_: Settings) -> Iterator[Finding]:
    begun, wall = time.monotonic(), time.time()
    time.sleep(0.05)
    drift = abs((time.time() - wall) - (time.monotonic() - begun))
    if time.gmtime().tm_year < 2025:
        yield Finding(
            "clock", "trouble", "the clock is years behind", "Set it, and keep it set with an NTP service"
        )
    elif drift > 0.02:
        yield Finding(
            "clock", "trouble", f"the clock jumped {drift:.3f} s while it was watched", "Let NTP slew it"
        )
    else:
        yield Finding("clock", "well", f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime())} UTC, steady")


def _disk(settings: Settings) -> Iterator[Finding]:
    work = Path(settings.farm.work_path)
    existing = next(each for each in (work.absolute(), *work.absolute().parents) if each.exists())
    free = shutil.disk_usage(existing).free
    if not os.access(existing, os.W_OK):
        yield Finding(
            "disk", "trouble", f"{existing} is not writable", "Give it to this user, or set farm.work_path"
        )
    elif free < _SPACE_GONE:
        yield Finding(
            "disk",
            "trouble",
            f"{free >> 20} MB left at {existing}",
            "Free some: the store must be able to grow",
        )
    elif free < _SPACE_LOW:
        yield Finding(
            "disk", "note", f"only {free >> 20} MB left at {existing}", "Free some, or set retention"
        )
    else:
        yield Finding("disk", "well", f"{free >> 30} GB free at {existing}")


def _port(settings: Settings) -> Iterator[Finding]:
    if settings.server.address:
        return
    options = settings.server.embedded
    try:
        farm = where(run_path(settings))["pid"]
    except NotRunning:
        farm = None
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((options.host, options.port))
        except OSError as fault:
            if farm:
                yield Finding("port", "well", f"{options.port} is held by the running farm, process {farm}")
            else:
                yield Finding(
                    "port", "trouble", f"{options.host}:{options.port} cannot be had: {fault.strerror}",
                    "Stop what uses it, or set server.embedded.port",
                )  # fmt: skip
            return
    yield Finding("port", "well", f"{options.host}:{options.port} is free")


def _server(settings: Settings) -> Iterator[Finding]:
    if not settings.server.address:
        try:
            where(run_path(settings))
        except NotRunning:
            yield Finding("server", "well", "embedded; it starts with the farm")
            return
    try:
        with connect(settings, clock=Clock()) as server:
            portfolio = server.portfolio()
    except TraderError as fault:
        yield Finding("server", "trouble", fault.what, fault.remedy)
        return
    yield Finding(
        "server",
        "well",
        f"answers as {server.protocol}, portfolio of {len(portfolio.allocations)} allocations",
    )


def _tokens(settings: Settings) -> Iterator[Finding]:
    path = Path(settings.server.token_file or Path(settings.farm.work_path) / "server" / "tokens.json")
    if not path.exists():
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        yield Finding(
            "tokens", "trouble", f"{path} can be read by others", f"chmod 600 {path}, then rotate the tokens"
        )
    else:
        yield Finding("tokens", "well", f"{path} is private")


def _bundles(settings: Settings) -> Iterator[Finding]:
    shelf = Shelf.of(settings)
    served = tickers(settings, None, shelf.tickers())
    if not served:
        yield Finding(
            "bundles", "trouble", "no bundle is deployed", "instant-trader train, then instant-trader deploy"
        )
    for ticker in served:
        begun = time.perf_counter()
        try:
            bundles = shelf.load(ticker)
        except TraderError as fault:
            yield Finding(f"bundle {ticker}", "trouble", fault.what, fault.remedy)
            continue
        took = time.perf_counter() - begun
        says = f"{bundles[0].version} reproduces its golden rows ({took * 1000:.0f} ms)"
        if bundles[0].heavy:
            yield Finding(
                f"bundle {ticker}", "note", says + ", served by the pipeline itself",
                "Its worker imports scikit-learn and needs some 200 MB; other families are served without",
            )  # fmt: skip
        else:
            yield Finding(f"bundle {ticker}", "well", says)
        record = shelf.record(ticker)
        if record and record.champion.forced:
            yield Finding(
                f"bundle {ticker}", "note",
                f"was deployed with --force, although {_first(record.champion.forced)}",
                f"Deploy one that the judge finds deployable; instant-trader bundles show {ticker} says more",
            )  # fmt: skip


def _first(reasons: Sequence[str]) -> str:
    """The first of a judge's reasons, and how many more there are."""
    first, *others = reasons
    more = len(others)
    return first + (f", and for {more} more {'reason' if more == 1 else 'reasons'}" if more else "")


def _notices(settings: Settings) -> Iterator[Finding]:
    if not settings.notices.urls:
        yield Finding(
            "notices", "note", "nobody is told when a worker cannot run",
            "Set notices.urls in .env: TRADER__NOTICES__URLS=tgram://bottoken/chatid",
        )  # fmt: skip
        return
    try:
        sender(settings.notices.urls)
    except TraderError as fault:
        yield Finding("notices", "trouble", fault.what, fault.remedy)
    else:
        yield Finding("notices", "well", f"{len(settings.notices.urls.reveal().split())} addresses are told")


def _libraries(_: Settings) -> Iterator[Finding]:
    found = []
    for library in _NEEDED:
        try:
            found.append(f"{library} {version(library)}")
        except PackageNotFoundError:
            yield Finding(
                "libraries", "trouble", f"{library} is not installed", "pip install -c constraints.txt -e ."
            )
    yield Finding("libraries", "well", ", ".join(found))
    try:
        yield Finding("training", "well", f"PyCaret {version('pycaret')}")
    except PackageNotFoundError:
        yield Finding(
            "training",
            "note",
            "PyCaret is not installed: this machine serves, but trains not",
            "Train on Python 3.11",
        )


def _threads(_: Settings) -> Iterator[Finding]:
    wide = [name for name in _THREADS if os.environ.get(name, "1") != "1"]
    if wide:
        yield Finding(
            "threads",
            "note",
            f"{', '.join(wide)} set to more than 1",
            "Unset: one thread per worker is fastest",
        )
    else:
        yield Finding("threads", "well", f"one per worker, {os.cpu_count()} cores")
