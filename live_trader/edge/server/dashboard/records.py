"""What pages show of the store: read beside the server's own connections, so that no bot waits for it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from live_trader.core.bars import Bar, Ticker, moment

_BARS: Final = """
SELECT time, open, high, low, close, volume FROM bars
WHERE ticker = ? AND time < ? ORDER BY time DESC LIMIT ?"""
_SIGNALS: Final = """
SELECT seq, time, signal, late, held != '', json_extract(probabilities, ?), json_extract(probabilities, ?)
FROM signals WHERE ticker = ? AND bot = ? AND shadow = 0 AND time BETWEEN ? AND ? ORDER BY time"""
_LAST: Final = """
SELECT probabilities FROM signals
WHERE ticker = ? AND bot = ? AND shadow = 0 AND time <= ? ORDER BY time DESC LIMIT 1"""
_HELD: Final = """
SELECT direction, entry, exit, stop, target, opened, closed, profit, reason FROM trades
WHERE ticker = ?1 AND closed >= ?2 AND opened <= ?3 UNION ALL
SELECT CASE WHEN CAST(quantity AS REAL) < 0 THEN 'short' ELSE 'long' END, entry, NULL, stop, target, opened,
    NULL, NULL, 'open' FROM positions WHERE ticker = ?1 AND opened <= ?3 ORDER BY 6"""
_FILLS: Final = """
SELECT fills.time, side, fills.quantity, fills.price, role FROM fills JOIN orders ON orders.id = order_id
WHERE ticker = ? AND fills.time BETWEEN ? AND ? ORDER BY fills.time"""
_EVENTS: Final = """
SELECT * FROM (
    SELECT seq, received, 'bot' AS kind, symbol, timeframe, bot AS who, state AS what, NULL AS time
    FROM states JOIN tickers ON ticker = tickers.id UNION ALL
    SELECT seq, at, sort, '', '', who, text, NULL FROM happenings UNION ALL
    SELECT orders.seq, created, 'refusal', '', '', symbol || ' ' || timeframe,
        'the broker rejected the order ' || orders.id || ' of ' || slot, NULL
    FROM orders JOIN tickers ON ticker = tickers.id WHERE status = 'rejected' UNION ALL
    SELECT seq, received, 'portfolio', '', '', 'version ' || version, state, NULL FROM portfolios UNION ALL
    SELECT bars.seq, bars.received, 'revision', symbol, timeframe, '', 'bar revised', bars.time
    FROM revisions JOIN bars USING (ticker, time) JOIN tickers ON bars.ticker = tickers.id
)
WHERE seq < ?1 AND (?2 = '' OR kind = ?2){words}
ORDER BY seq DESC LIMIT ?3"""
_WORD: Final = """
    AND instr(lower(strftime('%Y-%m-%d %H:%M ', received, 'unixepoch')
        || symbol || ' ' || timeframe || ' ' || who || ' ' || what || ' ' || kind), ?{place}) > 0"""
_AGREEMENT: Final = """
SELECT one.signal, other.signal, count(*) FROM signals AS one JOIN signals AS other USING (ticker, bot, time)
WHERE ticker = ? AND one.shadow = 0 AND other.shadow = 1 AND other.bundle = ? GROUP BY 1, 2"""
_SAID: Final = """
SELECT time, probabilities FROM signals
WHERE ticker = ? AND bundle = ? GROUP BY time ORDER BY time DESC LIMIT ?"""
_SINCE: Final = """
SELECT time, open, high, low, close, volume FROM bars WHERE ticker = ?1 AND time >= coalesce((
    SELECT min(time) FROM (SELECT time FROM bars WHERE ticker = ?1 AND time < ?2 ORDER BY time DESC LIMIT ?3)
), ?2) ORDER BY time"""
_TRADES: Final = """
SELECT trades.id, slot, symbol, timeframe, direction, quantity, entry, exit, stop, target, opened, closed,
    reason, fees, profit, risked
FROM trades JOIN tickers ON ticker = tickers.id ORDER BY closed DESC LIMIT ?"""
_ORDERS: Final = """
SELECT kind, role, side, quantity, price, status, filled, reason FROM orders
WHERE ticker = ? AND created >= ? AND created < ? ORDER BY seq"""
_EQUITY: Final = """
SELECT time, CAST(equity AS REAL), CAST(peak AS REAL) FROM equity
WHERE number % max(1, (SELECT count(*) FROM equity) / ?1) = 0
    OR number = (SELECT max(number) FROM equity) ORDER BY number"""
_WORTH: Final = """
WITH points AS (
    SELECT number, time, CAST(equity AS REAL) AS worth, CAST(peak AS REAL) AS peak,
        CAST((time - 1) / ?1 AS INTEGER) AS piece FROM equity
)
SELECT time, worth, peak FROM (
    SELECT number, time, worth, peak FROM (SELECT *, max(number) FROM points GROUP BY piece) UNION
    SELECT number, time, worth, peak FROM (SELECT *, min(worth) FROM points GROUP BY piece) UNION
    SELECT number, time, worth, peak FROM (SELECT *, max(worth) FROM points GROUP BY piece)
) ORDER BY number"""
_OUTCOMES: Final = """
SELECT opened, closed, direction, entry, exit, quantity, profit, fees, reason FROM trades"""
_DAY: Final = 86_400


class Records:
    """One look at the store's file; its rows are plain values, its times seconds since 1970."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._numbers = {
            (symbol, timeframe): number
            for number, symbol, timeframe in connection.execute("SELECT id, symbol, timeframe FROM tickers")
        }

    def number(self, ticker: Ticker) -> int | None:
        """The number of a ticker the store has heard of."""
        return self._numbers.get((ticker.symbol, ticker.timeframe.name))

    def chart(self, ticker: Ticker, bot: str, before: int, limit: int) -> dict[str, Any]:
        """Bars before a moment as columns, with what the bot said of them and what was held meanwhile."""
        number = self.number(ticker)
        rows = self._all(_BARS, number, before, limit)[::-1]
        names = ("time", "open", "high", "low", "close", "volume")
        found = {name: [row[at] for row in rows] for at, name in enumerate(names)}
        span = (rows[0][0], rows[-1][0]) if rows else (0, -1)
        model = self.models(number, bot, span[1])[:1]
        paths = [f'$."{model[0]}".{side}' if model else "$" for side in ("long", "short")]
        said = self._all(_SIGNALS, *paths, number, bot, *span)
        keys = ("seq", "time", "signal", "late", "held", "long", "short")
        signals = {key: [row[at] for row in said] for at, key in enumerate(keys)}
        seconds = ticker.timeframe.seconds
        held = self._all(_HELD, number, span[0], span[1] + seconds)
        fills = self._all(_FILLS, number, span[0], span[1] + 2 * seconds)
        return {
            "bars": found,
            "signals": signals,
            "model": model[0] if model else "",
            "held": held,
            "fills": fills,
        }

    def models(self, number: int | None, bot: str, upto: int) -> list[str]:
        """The models whose probabilities the bot told last, up to this moment."""
        rows = self._all(_LAST, number, bot, upto)
        return [name for (name,) in self._all("SELECT key FROM json_each(?)", rows[0][0])] if rows else []

    def probabilities(self, ticker: Ticker, bot: str, time: int) -> str:
        """What the bot's models thought of the bar of this moment, or of the one before, as JSON."""
        rows = self._all(_LAST, self.number(ticker), bot, time)
        return str(rows[0][0]) if rows else "{}"

    def held(self, ticker: Ticker, bot: str) -> str:
        """Why the bot's newest signal is held at 0.5; empty when it is not."""
        query = (
            "SELECT held FROM signals WHERE ticker = ? AND bot = ? AND shadow = 0 ORDER BY time DESC LIMIT 1"
        )
        return next((str(held) for (held,) in self._all(query, self.number(ticker), bot)), "")

    def closes(self, ticker: Ticker, count: int) -> list[float]:
        """The newest closes, oldest first."""
        query = "SELECT close FROM bars WHERE ticker = ? ORDER BY time DESC LIMIT ?"
        return [close for (close,) in self._all(query, self.number(ticker), count)][::-1]

    def bars(self, ticker: Ticker, upto: int, count: int) -> list[Bar]:
        """The bars up to and with this moment, oldest first."""
        rows = self._all(_BARS, self.number(ticker), upto + 1, count)[::-1]
        return [Bar(moment(time), *prices) for time, *prices in rows]

    def since(self, ticker: Ticker, first: int, before: int) -> list[Bar]:
        """Every bar from this moment on, with so many before it, oldest first."""
        rows = self._all(_SINCE, self.number(ticker), first, before)
        return [Bar(moment(time), *prices) for time, *prices in rows]

    def said(self, ticker: Ticker, bundle: str, limit: int) -> list[tuple[Any, ...]]:
        """When, and what as JSON, the models of a bundle thought of the newest bars, oldest first."""
        return self._all(_SAID, self.number(ticker), bundle, limit)[::-1]

    def around(self, ticker: Ticker, bot: str, time: int) -> dict[str, Any]:
        """What is known of a bar and its bot: enough to say why there is a signal, or why there is none."""
        number = self.number(ticker)
        signals = self._all(
            "SELECT seq, shadow FROM signals WHERE ticker = ? AND bot = ? AND time = ? ORDER BY shadow",
            number, bot, time,
        )  # fmt: skip
        ends = self._all(
            "SELECT min(time), max(time) FROM signals WHERE ticker = ? AND bot = ? AND shadow = 0",
            number,
            bot,
        )[0]
        received = self._all("SELECT received FROM bars WHERE ticker = ? AND time = ?", number, time)
        states = self._all(
            "SELECT state, received FROM states WHERE ticker = ? AND bot = ? AND received <= ? "
            "ORDER BY seq DESC LIMIT 1",
            number, bot, time + 2 * ticker.timeframe.seconds,
        )  # fmt: skip
        return {
            "seq": signals[0][0] if signals else None,
            "first": ends[0],
            "last": ends[1],
            "received": received[0][0] if received else None,
            "state": states[0] if states else None,
            "fault": self._fault(ticker, time + 2 * ticker.timeframe.seconds),
        }

    def _fault(self, ticker: Ticker, until: float) -> tuple[Any, ...] | None:
        """What was wrong with the worker of a ticker at this moment, and since when, unless it ran again."""
        query = (
            "SELECT text, at, sort FROM happenings "
            "WHERE who = ? AND at <= ? AND sort IN ('fault', 'restart') ORDER BY seq DESC LIMIT 1"
        )
        newest = self._all(query, str(ticker), until)
        return newest[0][:2] if newest and newest[0][2] == "fault" else None

    def events(self, text: str, kind: str, before: int, limit: int) -> list[tuple[Any, ...]]:
        """What happened to farm, bots, portfolios and bars and has all these words, newest first."""
        words = text.lower().split()
        clauses = "".join(_WORD.format(place=at) for at in range(4, 4 + len(words)))
        return self._all(_EVENTS.format(words=clauses), before, kind, limit, *words)

    def agreement(self, ticker: Ticker, shadow: str) -> list[tuple[Any, ...]]:
        """How often champion and shadow wanted what."""
        return self._all(_AGREEMENT, self.number(ticker), shadow)

    def orders(self, ticker: Ticker, since: int, until: int) -> list[tuple[Any, ...]]:
        """The orders of a ticker that were made between two moments."""
        return self._all(_ORDERS, self.number(ticker), since, until)

    def trades(self, limit: int) -> list[tuple[Any, ...]]:
        """The trades that ended last, newest first."""
        return self._all(_TRADES, limit)

    def traded(self, since: float = 0.0) -> int:
        """How many trades have ended, all in all or since a moment."""
        return int(self._all("SELECT count(*) FROM trades WHERE closed > ?", since)[0][0])

    def outcomes(self) -> list[tuple[Any, ...]]:
        """What each trade was that ever ended."""
        return self._all(_OUTCOMES)

    def equity(self, points: int) -> list[tuple[float, float, float]]:
        """The account over time, thinned to about so many points."""
        return self._all(_EQUITY, points)

    def worth(self, pieces: int) -> list[tuple[float, float, float]]:
        """The account over time, of each piece the last, lowest and highest; no piece goes over midnight."""
        first, last = self._all("SELECT min(time), max(time) FROM equity")[0]
        if first is None:
            return []
        lengths = (each for each in range(1, _DAY) if _DAY % each == 0 and (last - first) / each <= pieces)
        return self._all(_WORTH, next(lengths, _DAY))

    def told_of_account(self) -> bool:
        """Whether a desk has ever told of its account."""
        return bool(self._all("SELECT 1 FROM desk"))

    def _all(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        return self._connection.execute(query, values).fetchall()


@contextmanager
def records(folder: Path) -> Iterator[Records]:
    """The store in this folder, to be read on any thread."""
    path = folder / "store.db"
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        yield Records(connection)
