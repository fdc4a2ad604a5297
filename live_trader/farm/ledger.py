"""What the desk tells the server of its account: the rows that follow from the entries of its journal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from live_trader.core.book import Book
from live_trader.core.events import Filled, Rejected, Report, StateSet
from live_trader.core.orders import ZERO, Fill, Order, Status
from live_trader.core.portfolio import TradingState
from live_trader.core.positions import Position, Trade
from live_trader.edge.client.account import Account
from live_trader.edge.diary import Entry, Follower, Turned
from live_trader.edge.terms import now_of
from live_trader.edge.wire.trading import (
    EquityText,
    FillText,
    HaltText,
    LedgerText,
    OrderText,
    PositionText,
    TradeText,
)

_MOST = 400
_LONGEST = 500


class Ledger:
    """Brings the server's tables up to the journal, from wherever they were left."""

    def __init__(self, folder: Path, account: Account) -> None:
        self._folder = folder
        self._account = account
        self._follower: Follower | None = None
        self._upto = -1

    def forget(self) -> None:
        """Ask the server anew what it knows: it may not have the store that was told before."""
        self._follower = None

    def bring(self, number: int) -> None:
        """Tell everything up to this record; what the server knows already changes nothing.

        A post that fails is made again from what the server then says it knows.
        """
        if self._follower is None:
            known = self._account.upto()
            self._upto = known if known is not None and known <= number else -1
        elif self._upto >= number:
            return
        follower = self._follower or Follower(self._folder, self._upto)
        self._follower = None
        for text in pages(follower.turned(), self._upto):
            self._account.post(text)
            self._upto = text.upto
        self._follower = follower


def pages(turned: Iterable[Turned], after: int) -> Iterator[LedgerText]:
    """These entries as posts of a bearable size."""
    gathered: list[Turned] = []
    for each in turned:
        gathered.append(each)
        if len(gathered) >= _MOST:
            yield page(gathered, after)
            after, gathered = each[1].number, []
    if gathered:
        yield page(gathered, after)


def page(turned: list[Turned], after: int) -> LedgerText:
    """One post: what these entries did to orders, fills, trades and equity, and what is held at the end."""
    orders: dict[str, Order] = {}
    fills: list[Fill] = []
    trades: list[Trade] = []
    equity: list[EquityText] = []
    halt: HaltText | None = None
    for before, entry, book in turned:
        orders |= {order.id: order for order in changed(before, entry, book)}
        if isinstance(entry.event, Filled) and entry.event.fill.order in before.orders:
            fills.append(entry.event.fill)
        trades += [each.trade for each in entry.commands if isinstance(each, Report)]
        if isinstance(entry.event, StateSet):
            halt = _halt(entry.event, book)
        if book.bars and (before.equity != book.equity or isinstance(entry.event, StateSet) or not equity):
            equity.append(_equity(entry.number, book))
    _, last, book = turned[-1]
    return LedgerText(
        account=book.name,
        after=max(0, after),
        upto=last.number,
        state=book.state.value,
        orders=tuple(map(_order, orders.values())),
        fills=tuple(map(_fill, fills)),
        trades=tuple(map(_trade, trades)),
        positions=tuple(_position(each) for each in book.held),
        equity=tuple(equity),
        halt=halt,
    )


def changed(before: Book, entry: Entry, after: Book) -> Iterator[Order]:
    """Every order that is another one now, those that ended with this entry as they ended."""
    for order in after.orders.values():
        if before.orders.get(order.id) is not order:
            yield order
    for name in before.orders.keys() - after.orders.keys():
        order = before.orders[name]
        event = entry.event
        if isinstance(event, Filled):
            yield order.take(event.fill)
        elif isinstance(event, Rejected):
            yield order.step(Status.REJECTED)
        else:
            yield order.step(Status.CANCELLED)


def _order(order: Order) -> OrderText:
    return OrderText(
        id=order.id,
        trade=order.trade,
        slot=order.slot,
        symbol=order.symbol,
        timeframe=order.ticker.timeframe.name,
        side=order.side.value,
        kind=order.kind.value,
        role=order.role.value,
        quantity=order.quantity,
        price=order.price,
        status=order.status.value,
        filled=order.filled,
        reason=order.reason,
        created=order.created,
    )


def _fill(fill: Fill) -> FillText:
    return FillText(
        id=fill.id,
        order=fill.order,
        quantity=fill.quantity,
        price=fill.price,
        fee=fill.fee,
        time=fill.when,
    )


def _trade(trade: Trade) -> TradeText:
    return TradeText(
        id=trade.id,
        slot=trade.slot,
        symbol=trade.ticker.symbol,
        timeframe=trade.ticker.timeframe.name,
        direction="long" if trade.direction.sign > 0 else "short",
        quantity=trade.quantity,
        entry=trade.entry,
        exit=trade.exit,
        stop=trade.stop,
        target=trade.target,
        opened=trade.opened,
        closed=trade.closed,
        reason=trade.reason,
        fees=trade.fees,
        profit=trade.profit,
        risked=trade.risked,
    )


def _position(position: Position) -> PositionText:
    return PositionText(
        trade=position.trade,
        slot=position.slot,
        symbol=position.ticker.symbol,
        timeframe=position.ticker.timeframe.name,
        quantity=position.held,
        entry=position.entered_for / position.entered if position.entered else ZERO,
        stop=position.stop,
        target=position.target,
        opened=position.opened,
        leaving=position.leaving,
    )


def _halt(event: StateSet, book: Book) -> HaltText | None:
    """A halt of the desk's own; one that the portfolio asked for is no news to the server."""
    if event.state is not TradingState.HALTED or not event.reason:
        return None
    return HaltText(time=event.when, reason=event.reason[:_LONGEST], version=max(0, book.version))


def _equity(number: int, book: Book) -> EquityText:
    return EquityText(
        number=number, time=now_of(book), equity=book.equity, cash=book.cash, peak=max(book.peak, book.equity)
    )
