"""The back-test that skips from wish to wish: the trades of the bar-by-bar path, to the last digit.

Between a wish and what ends it nothing is decided, so what happens there is looked up in columns. What is
decided (stops, sizes, verdicts, prices, fees) is decided by core's own functions.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from datetime import datetime
from decimal import Decimal

from live_trader.core.bars import moment
from live_trader.core.fills import FillAt
from live_trader.core.instruments import cents
from live_trader.core.portfolio import TradingState
from live_trader.core.positions import Trade
from live_trader.core.risk import Account, Ask, Refusal, verdict
from live_trader.core.signals import Direction
from live_trader.core.sizing import OnOpposite
from live_trader.core.strategies.chartist import Signs
from live_trader.lab.backtest.chances import chances
from live_trader.lab.backtest.endings import END, REASONS, STOP, TARGET
from live_trader.lab.backtest.purse import Hold, Purse
from live_trader.lab.backtest.setting import Entrant, Terms, Walked

_LONG, _SHORT, _ACTIVE = Direction.LONG, Direction.SHORT, TradingState.ACTIVE


def swift(entrant: Entrant, terms: Terms, wishes: Signs) -> Walked:
    """One strategy, whose wishes these are, on an account of its own."""
    return _Walk(entrant, terms, wishes).walk()


class _Walk:
    """One account on its way from wish to wish."""

    def __init__(self, entrant: Entrant, terms: Terms, wishes: Signs) -> None:
        tape = entrant.tape
        self._plan, self._weight, self._slot, self._ticker = (
            entrant.plan,
            entrant.weight,
            entrant.slot,
            tape.ticker,
        )
        self._limits, self._market = terms.limits, terms.market
        self._instrument = terms.instruments[tape.ticker.symbol]
        self._rate = {**terms.rates, terms.currency: Decimal(1)}[self._instrument.currency]
        self._found = chances(entrant, self._instrument, wishes, terms.market.fill_at is FillAt.OPEN)
        self._purse = Purse(tape, self._instrument, terms.capital, self._rate)
        self._stopped: datetime | None = None
        self._serial = 0
        self._trades: list[Trade] = []
        self._refused: Counter[str] = Counter()

    def walk(self) -> Walked:
        """From the first wish to the last."""
        rows, purse, index = self._found.rows, self._purse, 0
        while index < len(rows):
            bar, closed, _sign, around, factor, *_ = rows[index]
            equity = purse.mark(bar, closed)
            account = Account(_ACTIVE, equity, purse.peak, purse.began, purse.today, 0, stopped=self._stopped)
            ask = Ask(self._slot, moment(closed), around, factor, self._weight, self._rate)
            answer = verdict(self._limits, self._plan, self._instrument, ask, account)
            if isinstance(answer, Refusal):
                self._refused[answer.rule] += 1
                index += 1
            else:
                purse.today += 1
                self._serial += 1
                index = self._trade(index, answer.quantity, equity)
        return Walked(tuple(self._trades), dict(self._refused), purse.cash)

    def _trade(self, index: int, quantity: Decimal, equity: Decimal) -> int:
        """Make the trade of this chance, and say which chance comes after it."""
        instrument, market, purse, rate = self._instrument, self._market, self._purse, self._rate
        bar, _, sign, around, _, entered, met, leave = self._found.rows[index]
        if not entered:
            return len(self._found.rows)
        end, left, out, why, best = self._found.endings[index]
        entry = market.price(instrument, sign, met)
        exit_ = market.price(instrument, -sign, out, around.target if why == TARGET else None)
        paid, scale = quantity * entry, instrument.multiplier
        fee_in = cents(market.fee(instrument, quantity, entry) * rate)
        fees = fee_in + cents(market.fee(instrument, quantity, exit_) * rate)
        earned = cents((quantity * exit_ - paid) * sign * scale * rate)
        profit, closed, cash = earned - fees, moment(left), purse.cash
        purse.hold(
            Hold(bar + 1, end, best, equity, cash - fee_in, cash + profit, quantity * sign, paid * sign)
        )
        if why == STOP:
            self._stopped = closed
        self._trades.append(
            Trade(
                id=self._serial,
                slot=self._slot,
                ticker=self._ticker,
                direction=_LONG if sign > 0 else _SHORT,
                quantity=quantity,
                entry=entry,
                exit=exit_,
                stop=around.stop,
                target=around.target,
                opened=moment(entered),
                closed=closed,
                reason=REASONS[why],
                fees=fees,
                profit=profit,
                risked=quantity * around.distance * scale * rate,
            )
        )
        return self._after(index, end, why, leave)

    def _after(self, index: int, bar: int, why: int, leave: int) -> int:
        """The next chance: from the bar of a stop or target on, or from that of the wish to leave."""
        at = self._found.at
        if why in (STOP, TARGET):
            return bisect_left(at, bar, index + 1)
        if why == END:
            return len(at)
        if self._plan.on_opposite is OnOpposite.REVERSE:
            return bisect_left(at, leave, index + 1)
        return bisect_right(at, leave, index + 1)
