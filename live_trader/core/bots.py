"""A bot: one ticker with one strategy, under an id; and the one verb that live and past share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from live_trader.core.bars import Bar, Ticker, Window, moment
from live_trader.core.signals import Signal
from live_trader.core.strategies import Rows, Strategy


@dataclass(frozen=True, slots=True)
class Bot:
    """One ticker with one strategy, under an id; `bundle` says which training it comes from.

    A shadow is a challenger: it answers beside the champion and is never traded.
    """

    id: str
    ticker: Ticker
    strategy: Strategy
    bundle: str
    shadow: bool = False


def decide(bot: Bot, window: Window, late: bool = False) -> Signal:
    """The signal of this bot as of the window's last bar."""
    return judge(bot, window, bot.strategy.look(window), late)


def judge(bot: Bot, window: Window, rows: Rows, late: bool = False) -> Signal:
    """The signal of this bot, whose strategy has looked at the window and found these rows."""
    decision = bot.strategy.judge(window, rows)
    return Signal(
        bot.id,
        bot.ticker,
        moment(window.end),
        decision.direction,
        decision.opinions,
        bot.bundle,
        late,
        bot.shadow,
        decision.held,
    )


def signals(bot: Bot, window: Window, bars: Iterable[Bar]) -> Iterator[Signal]:
    """One signal for each bar, whether it comes from a feed, a file or a journal."""
    for bar in bars:
        window = window.push(bar)
        yield decide(bot, window)
