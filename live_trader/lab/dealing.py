"""What a run of directions would have earned, each change dealt at a later open with spread and fee."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from live_trader.core.bars import Floats, Tape, Times
from live_trader.core.outcome import Equity, Signs, Trades
from live_trader.core.signals import Coefficients, Direction, blend, combine
from live_trader.errors import BadSettings

_RULE = np.array([[combine(long, short).sign for short in (False, True)] for long in (False, True)], np.int8)
_DIRECTIONS = {direction.sign: direction for direction in Direction}


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms is dealt: `spread` and `fee` are shares of the price, the fee paid at either end.

    A signal of one bar is dealt at the open `delay` bars later; 1 is the very next open. On a neutral signal
    a position is held, or closed when `hold` is false.
    """

    spread: float = 0.0001
    fee: float = 0.00002
    delay: int = 1
    hold: bool = True

    def __post_init__(self) -> None:
        if not (0.0 <= self.spread < 1.0 and 0.0 <= self.fee < 1.0 and self.delay >= 1):
            raise BadSettings(
                f"spread {self.spread}, fee {self.fee} and delay {self.delay} are no terms to deal on",
                "Give spread and fee as shares of the price from 0 to 1, and a delay of at least one bar",
            )

    @property
    def free(self) -> Terms:
        """The same terms at no cost."""
        return Terms(0.0, 0.0, self.delay, self.hold)


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """What came of it: the position held in each bar, its trades, and the account; every trade stakes 1."""

    positions: Signs
    trades: Trades
    equity: Equity


def directions(long: Floats, short: Floats, long_threshold: float, short_threshold: float) -> Signs:
    """The sign of `combine` for every bar; a bar without a probability has no opinion."""
    votes = (long > long_threshold).astype(np.int8), (short > short_threshold).astype(np.int8)
    return np.asarray(_RULE[votes])


def blended(signs: Mapping[str, Signs], coefficients: Coefficients) -> Signs:
    """The sign of `blend` for every bar."""
    kinds, place = np.unique(np.stack(list(signs.values())), axis=1, return_inverse=True)
    votes = np.zeros(kinds.shape[1], dtype=np.int8)
    for at, kind in enumerate(kinds.T.tolist()):
        said = {name: _DIRECTIONS[sign] for name, sign in zip(signs, kind, strict=True)}
        votes[at] = blend(said, coefficients).sign
    everywhere: Signs = votes[place.ravel()]
    return everywhere


def deal(tape: Tape, signs: Signs, terms: Terms) -> Run:
    """Deal these directions over the tape; what is open at its end is closed at the last close."""
    positions = np.zeros(len(tape), dtype=np.int8)
    positions[terms.delay :] = (_kept(signs) if terms.hold else signs)[: -terms.delay]
    turns = np.flatnonzero(np.diff(positions, prepend=np.int8(0)))
    starts = turns[positions[turns] != 0]
    stops = np.append(turns, len(tape))[np.searchsorted(turns, starts, side="right")]
    trades = _trades(tape, positions, starts, stops, terms)
    return Run(positions, trades, _equity(tape, positions, starts, trades, terms))


def _kept(signs: Signs) -> Signs:
    """Every direction held until the next one that is not neutral."""
    last = np.maximum.accumulate(np.where(signs != 0, np.arange(len(signs)), -1))
    kept: Signs = np.where(last >= 0, signs[last], np.int8(0))
    return kept


def _trades(tape: Tape, positions: Signs, starts: Times, stops: Times, terms: Terms) -> Trades:
    side = positions[starts]
    out = np.append(tape.open, tape.close[-1])[stops]
    after = np.append(positions, np.int8(0))[stops]
    entry = tape.open[starts] * (1.0 + side * terms.spread / 2.0)
    leave = out * (1.0 - side * terms.spread / 2.0)
    quantity = 1.0 / entry
    fees = terms.fee * quantity * (entry + leave)
    ended = stops == len(tape)
    return Trades(
        entered=tape.times[starts],
        exited=np.append(tape.times, tape.times[-1] + tape.ticker.timeframe.seconds)[stops],
        side=side,
        entry=entry,
        exit=leave,
        quantity=quantity,
        profit=side * (leave - entry) * quantity - fees,
        fees=fees,
        reason=np.where(ended, "end", np.where(after != 0, "reversed", "neutral")),
    )


def _equity(tape: Tape, positions: Signs, starts: Times, trades: Trades, terms: Terms) -> Equity:
    """Marked at each close, the costs of leaving paid only on leaving."""
    number = np.searchsorted(starts, np.arange(len(tape)), side="right")
    banked = np.concatenate(([0.0], np.cumsum(trades.profit)))
    open_now = positions != 0
    values = 1.0 + banked[number]
    trade = number[open_now] - 1
    moved = (tape.close[open_now] - trades.entry[trade]) * trades.quantity[trade]
    values[open_now] = 1.0 + banked[trade] + trades.side[trade] * moved - terms.fee
    values[-1] = 1.0 + banked[-1]
    return Equity(1.0, tape.times, values)
