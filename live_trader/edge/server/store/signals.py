"""The signals of the store, one per key for ever, and what each bot said last."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal, NamedTuple

from msgspec import UNSET
from msgspec.json import Decoder

from live_trader.core.bars import Ticker, moment
from live_trader.edge.server.bodies import FiledBody, canonical, whole
from live_trader.edge.server.store.disk import FORGOTTEN_AT_ONCE, Disk, moment_of
from live_trader.edge.wire import encode
from live_trader.edge.wire.v1 import LagsText, ProbabilitiesText, SignalText

_INSERT: Final = """
INSERT INTO signals (
    seq, ticker, bot, time, shadow, signal, models, probabilities, bundle, held, late, lags, received)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"""
_STANDING: Final = """
SELECT seq, ticker, bot, time, shadow, signal, models, probabilities, bundle, held, late, lags, received
FROM signals WHERE ticker = ? AND bot = ? AND time = ? AND shadow = ?"""
_AFTER: Final = """
SELECT seq, ticker, bot, time, shadow, signal, models, probabilities, bundle, held, late, lags, received
FROM signals WHERE seq > ?1 AND shadow = ?3 AND (?4 = '' OR bot = ?4) ORDER BY seq LIMIT ?2"""
_AFTER_OF_TICKER: Final = """
SELECT seq, ticker, bot, time, shadow, signal, models, probabilities, bundle, held, late, lags, received
FROM signals WHERE ticker = ?5 AND seq > ?1 AND shadow = ?3 AND (?4 = '' OR bot = ?4) ORDER BY seq LIMIT ?2"""
_NEWEST: Final = """
SELECT seq, ticker, bot, time, shadow, signal, models, probabilities, bundle, held, late, lags, received
FROM signals WHERE shadow = ?2 AND (?3 = '' OR bot = ?3) ORDER BY seq DESC LIMIT ?1"""
_NEWEST_OF_TICKER: Final = """
SELECT seq, ticker, bot, time, shadow, signal, models, probabilities, bundle, held, late, lags, received
FROM signals WHERE ticker = ?4 AND shadow = ?2 AND (?3 = '' OR bot = ?3) ORDER BY seq DESC LIMIT ?1"""
_NOTE: Final = """
INSERT INTO bots (ticker, bot, time, signal, bundle, received) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE
SET (time, signal, bundle, received) = (excluded.time, excluded.signal, excluded.bundle, excluded.received)
WHERE excluded.time > bots.time"""
_FORGET: Final = "DELETE FROM signals WHERE seq IN (SELECT seq FROM signals WHERE time < ? LIMIT ?)"
_MODELS: Final[Decoder[dict[str, float]]] = Decoder(dict[str, int | float])
_PROBABILITIES: Final = Decoder(dict[str, ProbabilitiesText])
_LAGS: Final = Decoder(LagsText)


class Posted(NamedTuple):
    """A signal to be stored: as it was sent, and what its key was found to mean."""

    text: SignalText
    ticker: Ticker
    time: int


class Last(NamedTuple):
    """What a bot said last."""

    time: int
    signal: float
    bundle: str
    received: float


class Filter(NamedTuple):
    """Which signals are asked for."""

    ticker: Ticker | None = None
    bot: str = ""
    shadow: bool = False


class _Filed(NamedTuple):
    body: FiledBody
    posted: Posted
    number: int


class Signals:
    """What bots posted."""

    def __init__(self, disk: Disk, woken: Callable[[], None]) -> None:
        self._disk = disk
        self._woken = woken
        rows = disk.read("SELECT ticker, bot, time, signal, bundle, received FROM bots")
        self.last: dict[tuple[str, Ticker], Last] = {
            (bot, disk.ticker(number)): Last(time, signal, bundle, received)
            for number, bot, time, signal, bundle, received in rows
        }

    async def add(self, signals: Sequence[Posted]) -> list[FiledBody]:
        """Store these signals, each on its own; what became of each."""
        filed = await self._disk.write(lambda connection: self._add(connection, signals), self._settle)
        return [each.body for each in filed]

    async def listed(self, chosen: Filter, after: int, limit: int) -> list[SignalText]:
        """The signals with a higher seq than this, oldest first."""
        values = (after, limit, chosen.shadow, chosen.bot)
        return [self.body(row) for row in self._rows(_AFTER, _AFTER_OF_TICKER, chosen.ticker, *values)]

    async def newest(self, chosen: Filter, count: int) -> list[SignalText]:
        """The `count` signals stored last, oldest first."""
        values = (count, chosen.shadow, chosen.bot)
        rows = self._rows(_NEWEST, _NEWEST_OF_TICKER, chosen.ticker, *values)
        return [self.body(row) for row in reversed(rows)]

    async def forget(self, before: int) -> int:
        """Remove some of the signals of bars that opened before this; how many, 0 when none is left."""

        def operation(connection: sqlite3.Connection) -> int:
            return connection.execute(_FORGET, (before, FORGOTTEN_AT_ONCE)).rowcount

        return await self._disk.write(operation, lambda _: None)

    def body(self, row: Any) -> SignalText:
        """A stored signal as it travels."""
        seq, number, bot, time, shadow, signal, models, probabilities, bundle, held, late, lags, received = (
            row
        )
        ticker = self._disk.ticker(number)
        return SignalText(
            id=bot,
            symbol=ticker.symbol,
            timeframe=ticker.timeframe.name,
            bar_time=moment(time),
            signal=whole(signal),
            models=_MODELS.decode(models),
            probabilities=_PROBABILITIES.decode(probabilities),
            bundle=bundle,
            late=bool(late),
            shadow=bool(shadow),
            held=held or UNSET,
            lags=_LAGS.decode(lags) if lags else UNSET,
            seq=seq,
            received_at=moment_of(received),
        )

    def _add(self, connection: sqlite3.Connection, signals: Sequence[Posted]) -> list[_Filed]:
        now = self._disk.now()
        filed: list[_Filed] = []
        for posted in signals:
            number = self._disk.number(connection, posted.ticker)
            row = (self._disk.given + 1, number, *_columns(posted), now)
            if connection.execute(_INSERT, row).rowcount:
                body = FiledBody(status=201, seq=self._disk.next(), received_at=moment_of(now))
            else:
                body = self._standing(connection, row)
            filed.append(_Filed(body, posted, number))
        self._note(connection, filed, now)
        return filed

    def _standing(self, connection: sqlite3.Connection, row: tuple[Any, ...]) -> FiledBody:
        """What is said when the key is taken: the same signal is known, whether it was late or not."""
        held = connection.execute(_STANDING, row[1:5]).fetchone()
        same: Literal[200, 409] = 200 if held[5:10] == row[5:10] else 409
        received = moment_of(held[-1])
        if same == 200:
            return FiledBody(status=same, seq=held[0], received_at=received)
        return FiledBody(status=same, seq=held[0], received_at=received, stored=self.body(held))

    def _note(self, connection: sqlite3.Connection, filed: list[_Filed], now: float) -> None:
        """Keep what each bot said last, in the same commit."""
        for body, (text, _, time), number in filed:
            if body.status == 201 and not text.shadow:
                connection.execute(_NOTE, (number, text.id, time, text.signal, text.bundle, now))

    def _settle(self, filed: list[_Filed]) -> None:
        fresh = False
        for body, (text, ticker, time), _ in filed:
            if body.status != 201:
                continue
            fresh = True
            held = self.last.get((text.id, ticker))
            if not text.shadow and (held is None or held.time < time):
                received = body.received_at.timestamp()
                self.last[text.id, ticker] = Last(time, text.signal, text.bundle, received)
        if fresh:
            self._woken()

    def _rows(self, of_all: str, of_ticker: str, ticker: Ticker | None, *values: object) -> list[Any]:
        if ticker is None:
            return self._disk.read(of_all, *values)
        return self._disk.read(of_ticker, *values, self._disk.find(ticker))


def _columns(posted: Posted) -> tuple[Any, ...]:
    text = posted.text
    models = canonical({name: whole(number) for name, number in text.models.items()})
    probabilities = canonical(text.probabilities)
    kept = (text.id, posted.time, text.shadow, text.signal, models, probabilities, text.bundle)
    lags = "" if text.lags is UNSET else encode(text.lags).decode()
    return (*kept, text.held or "", text.late, lags)
