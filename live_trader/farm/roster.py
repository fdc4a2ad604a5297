"""Which children a farm needs now: the parts the settings ask for, and a worker for each wanted ticker."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from functools import partial

from live_trader.core.bars import Ticker
from live_trader.core.portfolio import Portfolio
from live_trader.core.signals import Coefficients
from live_trader.edge.client import connect
from live_trader.edge.clock import Clock
from live_trader.edge.settings import Settings
from live_trader.edge.shelf import Shelf
from live_trader.errors import Interrupted, TraderError
from live_trader.farm.children import desk, feed, page_of, run_path, serve, work
from live_trader.farm.process import Stop
from live_trader.farm.pulse import path_of
from live_trader.farm.states import State
from live_trader.farm.supervisor import Spec, Supervisor

_log = logging.getLogger(__name__)
_LOOK, _MISSES = 2.0, 3
_NOTHING = "has nothing to serve: deploy a bundle, or name tickers in farm.tickers or the portfolio"
_EMPTY = "serves nothing, because the portfolio that was put is empty: put one that names tickers"
_FEED, _WORKER, _DESK, _SERVER = 0, 1, 2, 3


def tickers(
    settings: Settings, portfolio: Portfolio | None, deployed: Iterable[Ticker]
) -> tuple[Ticker, ...]:
    """Those the settings name, or else those of the portfolio that was put, or else every deployed one."""
    if settings.farm.tickers:
        return tuple(Ticker.parse(text) for text in settings.farm.tickers)
    wanted = portfolio.wanted if portfolio is not None else None
    return tuple(deployed) if wanted is None else wanted


def parts(settings: Settings) -> list[Spec]:
    """The children all tickers share: embedded server, feed and desk, where the settings ask for them."""
    specs = []
    if not settings.server.address:
        specs.append(Spec("server", serve, (settings,), page_of(settings, "server"), _SERVER))
    if settings.feed.market != "none":
        specs.append(Spec("feed", feed, (settings,), page_of(settings, "feed"), _FEED))
    if settings.desk.enabled:
        specs.append(Spec("desk", desk, (settings,), page_of(settings, "desk"), _DESK))
    return specs


def worker(settings: Settings, ticker: Ticker) -> Spec:
    """The child that serves this ticker."""
    return Spec(
        str(ticker),
        work,
        (settings, str(ticker)),
        path_of(run_path(settings), ticker),
        _WORKER,
        settings.farm.id,
    )


class Roster:
    """Follows portfolio and shelf, and tells the supervisor whom to keep alive."""

    def __init__(self, settings: Settings, supervisor: Supervisor, clock: Clock) -> None:
        self._settings = settings
        self._supervisor = supervisor
        self._clock = clock
        self._shelf = Shelf.of(settings)
        self._stop = Stop()
        self._tried: dict[Ticker, tuple[tuple[str, ...], Coefficients | None]] = {}
        self._wanted: tuple[Ticker, ...] | None = None
        self._told = ""
        self._misses = 0

    def start(self) -> None:
        """Want what is known without a server, then follow it from a thread."""
        self._supervisor.want(parts(self._settings))
        if self._settings.farm.tickers:
            self._want(None)
        threading.Thread(target=self._follow, name="roster", daemon=True).start()

    def look_again(self) -> None:
        """Ask the server and the shelf now instead of at the next turn."""
        self._stop.request()

    def _follow(self) -> None:
        with connect(self._settings, clock=self._clock) as server:
            while True:
                pause = _LOOK
                try:
                    portfolio = server.portfolio()
                except TraderError as fault:
                    _log.debug("asks the server for its portfolio again", extra={"cause": str(fault)})
                    self._supervisor.order(partial(self._miss, str(fault)))
                    pause = max(_LOOK, getattr(fault, "retry_after", None) or 0.0)
                else:
                    self._supervisor.order(partial(self._want, portfolio))
                try:
                    self._stop.rest(pause)
                except Interrupted:
                    self._stop.hush()

    def _want(self, portfolio: Portfolio | None) -> None:
        wanted = tickers(self._settings, portfolio, self._shelf.tickers())
        if wanted != self._wanted:
            self._wanted = wanted
            workers = [worker(self._settings, ticker) for ticker in wanted]
            self._supervisor.want([*parts(self._settings), *workers])
        if portfolio is not None:
            self._misses = 0
            self._remark("" if wanted else _NOTHING if portfolio.wanted is None else _EMPTY)
            self._try_mended(wanted, portfolio)

    def _miss(self, trouble: str) -> None:
        """Tell why no ticker is known, if none is, after the time an embedded server may take to boot."""
        self._misses += 1
        if self._wanted is None and self._misses > _MISSES:
            self._remark(f"waits for the portfolio, to know its tickers: {trouble}")

    def _remark(self, text: str) -> None:
        if text and text != self._told:
            self._supervisor.remark(text)
        self._told = text

    def _try_mended(self, wanted: Iterable[Ticker], portfolio: Portfolio) -> None:
        """Try a worker that could not boot once more, for each thing it was meant to serve since."""
        for ticker in wanted:
            child = self._supervisor.children.get(str(ticker))
            if child is None or child.life.state is not State.FATAL or child.life.quarantined:
                continue
            meant = self._shelf.serving(ticker), portfolio.named(ticker)
            if self._tried.get(ticker) != meant:
                self._tried[ticker] = meant
                self._supervisor.restart(str(ticker), "is tried once more with what it is to serve now")
