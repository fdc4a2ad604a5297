"""What holds of the book whatever happens: random worlds of bars, wishes and brokers, honest and not."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from live_trader.core.bars import Ticker, epoch, moment
from live_trader.core.book import Book, advance, replay
from live_trader.core.events import (
    Accepted,
    CancelFailed,
    Cancelled,
    Command,
    Event,
    Filled,
    FlattenAsked,
    PortfolioSet,
    Refuse,
    Rejected,
    Report,
    StateSet,
    StrategyFailed,
    Submit,
    Unanswered,
)
from live_trader.core.orders import Fill, Role, Status
from live_trader.core.portfolio import TradingState
from live_trader.core.risk import Limits
from live_trader.core.signals import Direction
from live_trader.core.sizing import OnNeutral, OnOpposite, Sides

EUR, JPY = Ticker.parse("EURUSD M1"), Ticker.parse("USDJPY M1")
SEATS = [("a", EUR), ("b", EUR), ("a", JPY)]
IMPOSSIBLE = {
    "fill twice",
    "fill above zero",
    "size of the order",
    "order of fills",
    "known orders",
    "finished orders",
}
Desk = Callable[..., Any]


class World:
    """A market and a broker that mostly behave, drawn from one seed."""

    def __init__(self, hand: Any, seed: int, wild: float) -> None:
        self.hand, self.wild = hand, wild
        self.draw = random.Random(seed)
        self.minute = 1
        self.price = {EUR: 1.0, JPY: 100.0}
        self.told: list[Fill] = []

    def run(self, minutes: int) -> None:
        for _ in range(minutes):
            self.minute += 1
            self._broker()
            for ticker in (EUR, JPY):
                self.price[ticker] *= 1 + self.draw.uniform(-0.02, 0.02)
                self.hand.bar(self.minute, round(self.price[ticker], 3), ticker)
            for bot, ticker in SEATS:
                if self.draw.random() < 0.6:
                    wish = self.draw.choice(list(Direction))
                    self.hand.signal(self.minute, wish, bot, ticker, late=self._happens())
            if self._happens():
                self.hand.feed(self._mishap())

    def _happens(self) -> bool:
        return self.draw.random() < self.wild / 3

    def _mishap(self) -> Event:
        when = moment(60 * self.minute)
        stakes = tuple(seat.stake for seat in self.hand.book.seats.values() if self.draw.random() < 0.9)
        return self.draw.choice(
            [
                StateSet(self.draw.choice(list(TradingState)), when),
                StateSet(TradingState.ACTIVE, when),
                FlattenAsked("person", when),
                StrategyFailed("a@EURUSD@M1", "raised", when),
                PortfolioSet(self.hand.book.version + 1, stakes, when),
            ]
        )

    def _broker(self) -> None:
        for name in list(self.hand.book.orders):
            order = self.hand.book.orders.get(name)
            if order is None:
                continue
            wild = self.draw.random() < self.wild
            self.hand.feed(self._nonsense(name) if wild else self._answer(name))
            if wild:
                continue

    def _answer(self, name: str) -> Event:
        order, when = self.hand.book.orders[name], moment(60 * self.minute)
        if order.status is Status.CANCELLING and self.draw.random() < 0.7:
            return Cancelled(name, when)
        held = self.hand.book.positions.get(order.trade)
        due = order.role in (Role.ENTRY, Role.EXIT) or (held is not None and self.draw.random() < 0.3)
        return self._fill(name) if due else Accepted(name, when)

    def _nonsense(self, name: str) -> Event:
        when = moment(60 * (self.minute - self.draw.randrange(3)))
        return self.draw.choice(
            [
                Rejected(name, "no", when),
                Cancelled(name, when),
                CancelFailed(name, "busy", when),
                Unanswered(name, when),
                Accepted("d999-entry", when),
                self._fill(name, excess=self.draw.choice([-100000, 0, 5])),
                Filled(self.draw.choice(self.told)) if self.told else Accepted(name, when),
            ]
        )

    def _fill(self, name: str, excess: int = 0) -> Event:
        order = self.hand.book.orders[name]
        quantity = order.remaining if self.draw.random() < 0.7 else max(order.remaining // 2, Decimal(1))
        number = len(order.fills) + self.draw.choice([1, 1, 1, 0]) * (self.wild > 0) + (self.wild == 0)
        price = self.hand.book.instruments[order.symbol].price(self.price[order.ticker])
        fill = Fill(
            f"{name}.{number}", name, quantity + excess, price, Decimal("0.5"), moment(60 * self.minute)
        )
        self.told.append(fill)
        return Filled(fill)


worlds = st.tuples(
    st.integers(0, 2**32),
    st.sampled_from([0.0, 0.1, 0.4]),
    st.fixed_dictionaries(
        {
            "sides": st.sampled_from(Sides),
            "on_neutral": st.sampled_from(OnNeutral),
            "on_opposite": st.sampled_from(OnOpposite),
            "stop_atr": st.sampled_from([None, 1.5]),
            "max_position": st.sampled_from([Decimal("0.2"), Decimal(2)]),
        }
    ),
)


def lived(desk: Desk, world: tuple[int, float, dict[str, Any]]) -> Any:
    """The desk after 25 minutes in this world."""
    seed, wild, plan = world
    hand = desk(Limits(max_drawdown=Decimal("0.9"), max_daily_loss=None), **plan)
    World(hand, seed, wild).run(25)
    return hand


def taken(hand: Any) -> list[tuple[Fill, int, Ticker]]:
    """Every fill the book accepted, with its sign and ticker, found by walking the events again."""
    book, found = hand.start, []
    for event in hand.events:
        before = book
        book, commands = advance(book, event)
        if isinstance(event, Filled) and not _refused(commands):
            order = before.orders[event.fill.order]
            found.append((event.fill, order.sign, order.ticker))
    return found


def _refused(commands: tuple[Command, ...]) -> bool:
    return any(isinstance(each, Refuse) and each.refusal.rule in IMPOSSIBLE for each in commands)


@given(worlds)
@settings(max_examples=60, deadline=None)
def test_cash_and_positions_conserve(desk: Desk, world: tuple[int, float, dict[str, Any]]) -> None:
    hand = lived(desk, world)
    fills = taken(hand)
    flow = {EUR: Decimal(0), JPY: Decimal(0)}
    held = {EUR: Decimal(0), JPY: Decimal(0)}
    fees = Decimal(0)
    for fill, sign, ticker in fills:
        flow[ticker] -= sign * fill.quantity * fill.price
        held[ticker] += sign * fill.quantity
        fees += fill.fee * hand.book.rate(ticker.symbol)
    for ticker in (EUR, JPY):
        assert hand.book.net(ticker.symbol) == held[ticker]
    worth = sum(
        (flow[ticker] + held[ticker] * hand.book.price(ticker.symbol)) * hand.book.rate(ticker.symbol)
        for ticker in (EUR, JPY)
    )
    assert hand.book.worth() == 100_000 - fees + worth
    booked = sum(trade.profit for trade in hand.trades())
    open_fees = sum(each.fees for each in hand.book.positions.values())
    assert hand.book.cash == 100_000 + booked - open_fees


@given(worlds)
@settings(max_examples=40, deadline=None)
def test_no_order_goes_without_a_verdict_and_none_enlarges_unless_the_desk_is_active(
    desk: Desk, world: tuple[int, float, dict[str, Any]]
) -> None:
    hand = lived(desk, world)
    book, known = hand.start, set()
    for event in hand.events:
        book, commands = advance(book, event)
        for command in commands:
            if not isinstance(command, Submit):
                continue
            first = command.orders[0]
            assert command.approval.rule
            assert {each.quantity for each in command.orders} == {command.approval.quantity}
            assert known.isdisjoint(each.id for each in command.orders), "a client id is used once"
            known.update(each.id for each in command.orders)
            if book.state is not TradingState.ACTIVE:
                assert first.role is Role.EXIT
            if first.role is Role.EXIT:
                held = book.positions[first.trade].held
                assert first.quantity <= abs(held)
                assert first.sign * held < 0
            else:
                instrument = book.instruments[first.symbol]
                assert first.quantity >= instrument.minimum
                assert first.quantity % instrument.lot == 0


@given(worlds, st.integers(0, 400))
@settings(max_examples=40, deadline=None)
def test_replaying_any_prefix_even_from_the_journals_text_gives_the_same_book(
    desk: Desk, world: tuple[int, float, dict[str, Any]], length: int
) -> None:
    hand = lived(desk, world)
    prefix = hand.events[:length]
    text = msgspec.json.encode(prefix)
    again = msgspec.json.decode(text, type=list[Event])
    assert again == prefix
    book = replay(hand.start, prefix)
    assert replay(hand.start, again) == book
    assert msgspec.json.decode(msgspec.json.encode(book), type=Book) == book
    assert replay(book, hand.events[length:]) == hand.book


@given(worlds)
@settings(max_examples=40, deadline=None)
def test_commands_too_survive_the_journal(desk: Desk, world: tuple[int, float, dict[str, Any]]) -> None:
    hand = lived(desk, world)
    assert msgspec.json.decode(msgspec.json.encode(hand.commands), type=list[Command]) == hand.commands


@given(worlds)
@settings(max_examples=40, deadline=None)
def test_the_book_never_contradicts_itself(desk: Desk, world: tuple[int, float, dict[str, Any]]) -> None:
    hand = lived(desk, world)
    book = hand.start
    for event in hand.events:
        book, _ = advance(book, event)
        for order in book.orders.values():
            assert order.status not in (Status.NEW, Status.FILLED, Status.CANCELLED, Status.REJECTED)
            assert 0 <= order.filled < order.quantity
        for trade, position in book.positions.items():
            assert trade <= book.serial
            assert position.held * position.sign >= 0, "a position never turns to the other side"
            entry = book.entry(position)
            assert position.held or entry is not None, "a flat position is over"
            if position.held and position.stop is not None and not position.leaving:
                assert f"d{trade}-stop" in book.orders, "a position that is kept has its stop"
        for seat in book.seats.values():
            assert seat.trade == 0 or seat.trade in book.positions
        assert book.peak >= book.equity


@given(worlds)
@settings(max_examples=30, deadline=None)
def test_a_desk_told_to_flatten_by_an_honest_broker_ends_flat(
    desk: Desk, world: tuple[int, float, dict[str, Any]]
) -> None:
    hand = lived(desk, world)
    when = epoch(hand.book.gauge(EUR)[-1].opened)
    hand.feed(StateSet(TradingState.HALTED, moment(when)))
    hand.feed(FlattenAsked("panic", moment(when)))
    ending = World(hand, 0, 0.0)
    ending.minute = when // 60
    for _ in range(12):
        ending.minute += 1
        for name, order in list(hand.book.orders.items()):
            if order.status is Status.UNKNOWN:
                hand.feed(Rejected(name, "never arrived", moment(60 * ending.minute)))
            elif order.status is Status.CANCELLING:
                hand.feed(Cancelled(name, moment(60 * ending.minute)))
            elif order.role is Role.EXIT and name in hand.book.orders:
                hand.fill(name, "1.000", ending.minute, number=len(order.fills) + 9)
        for ticker in (EUR, JPY):
            hand.bar(ending.minute, 1.0, ticker)
    assert not hand.book.positions
    assert not hand.book.orders


def test_a_world_without_mishaps_trades_and_refuses_nothing_impossible(desk: Desk) -> None:
    hand = lived(desk, (7, 0.0, {}))
    assert len([each for each in hand.commands if isinstance(each, Report)]) > 5
    assert not [each for each in hand.refusals() if each.rule in IMPOSSIBLE]
