"""The rebalance: reduce to flat, put the new portfolio in force, see every bot follow it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from live_trader.core.bars import Ticker
from live_trader.core.portfolio import TradingState
from live_trader.edge.client.admin import ClassicAdmin, V1Admin
from live_trader.edge.clock import Clock
from live_trader.edge.wire import owner
from live_trader.edge.wire.portfolio import read
from live_trader.errors import Refused, TimedOut, Unreachable

_CLASSIC_PAUSE: Final = 2.0
_LOOK: Final = 0.5
_HALTED: Final = "trading is HALTED, and no order is sent: the new portfolio ends that"
_FRESH: Final = "FRESH"
_ABSENT: Final = "ABSENT"


@dataclass(frozen=True, slots=True)
class Rebalanced:
    """What was done: the version in force, where versions are told, and the tickers it serves."""

    protocol: str
    version: int | None
    tickers: tuple[Ticker, ...]
    desk: str


class Rebalance:
    """One rebalance, told step by step to `say`; all of it must be done within `timeout` seconds."""

    def __init__(
        self,
        timeout: float,
        say: Callable[[str], None],
        clock: Clock | None = None,
        rest: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock = clock or Clock()
        self._say = say
        self._rest = rest
        self._timeout = timeout
        self._deadline = self._clock.monotonic() + timeout

    def carry_out(self, admin: ClassicAdmin | V1Admin, entries: bytes | None = None) -> Rebalanced:
        """Only-close, wait until flat, put these entries or once more those in force, see them followed."""
        wanted = admin.entries() if entries is None else entries
        reading = read(owner.wanted(wanted or b"[]").allocations)
        for each in reading.skipped:
            self._say(each)
        tickers = tuple(dict.fromkeys(each.ticker for each in reading.allocations))
        halted = admin.only_close() is TradingState.HALTED
        self._say(_HALTED if halted else "only-close is in force: no order enlarges a position")
        if isinstance(admin, ClassicAdmin):
            self._rest(_CLASSIC_PAUSE)
            admin.put(wanted or b"[]")
            self._say("the portfolio is sent; a classic server tells neither positions nor bots")
            return Rebalanced(admin.protocol, None, tickers, "unknown")
        desk = self._until_flat(admin, "HALTED" if halted else "only-close")
        version = self._put(admin, wanted, end_halt=halted)
        self._until(lambda: behind(admin.bots(), version, tickers), f"version {version} is not served by all")
        self._say(_followed(version, tickers, put=wanted is not None))
        return Rebalanced(admin.protocol, version, tickers, desk)

    def _put(self, admin: V1Admin, wanted: bytes | None, *, end_halt: bool) -> int:
        """Put the portfolio; only a halt that was there from the beginning, and was said, is ended by it."""
        version = admin.put(wanted, TradingState.ACTIVE if end_halt else None)
        in_force = admin.portfolio()
        if in_force.version != version:
            raise Refused(
                f"version {version} gave way to {in_force.version} at once", "See who else rebalances"
            )
        if in_force.state is TradingState.HALTED:
            raise Refused(
                f"version {version} is in force, but trading was HALTED meanwhile and stays so",
                "See why, then run this again, which ends the halt",
            )
        self._say(
            f"version {version} is in force" + (", and trading is no longer HALTED" if end_halt else "")
        )
        return version

    def _until_flat(self, admin: V1Admin, stays: str) -> str:
        if admin.positions() is None:
            self._say("no desk is running, so nothing is held")
            return "not running"
        self._until(lambda: held(admin), f"{stays} stays in force, since the desk is not flat")
        self._say("flat: nothing is held")
        return "flat"

    def _until(self, look: Callable[[], Iterator[str]], failing: str) -> None:
        """Look again and again until nothing is left to wait for."""
        while True:
            try:
                left = list(look())
            except Unreachable as fault:
                left = [fault.what]
            if not left:
                return
            if self._clock.monotonic() >= self._deadline:
                raise TimedOut(
                    f"{failing} after {self._timeout:g} s: {'; '.join(left)}", "Allow more --timeout"
                )
            self._rest(_LOOK)


def _followed(version: int, tickers: tuple[Ticker, ...], *, put: bool) -> str:
    if tickers:
        return f"every bot is FRESH on version {version}"
    return (
        "it names no ticker, so nothing is traded"
        if put
        else "no portfolio was ever put: all stays as it was"
    )


def held(admin: V1Admin) -> Iterator[str]:
    """A sentence for every position that is still open."""
    for each in admin.positions() or ():
        if each.quantity:
            yield f"{each.quantity} {each.symbol} held"


def behind(bots: tuple[owner.BotText, ...], version: int, tickers: tuple[Ticker, ...]) -> Iterator[str]:
    """A sentence for every ticker without a bot, and for every bot that does not yet follow this version."""
    for ticker in tickers:
        serving = [bot for bot in bots if _serves(bot, ticker) and bot.state != _ABSENT]
        if not serving:
            yield f"no bot for {ticker}"
        for bot in serving:
            if bot.state != _FRESH:
                yield f"{bot.id} {ticker} is {bot.state}"
            elif bot.portfolio_version is None or bot.portfolio_version < version:
                follows = "unknown" if bot.portfolio_version is None else bot.portfolio_version
                yield f"{bot.id} {ticker} is on version {follows}"


def _serves(bot: owner.BotText, ticker: Ticker) -> bool:
    return (bot.symbol, bot.timeframe) == (ticker.symbol, ticker.timeframe.name)
