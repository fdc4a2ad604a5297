"""A server with real bundles, bars, signals and trades, for the pages to show."""

from __future__ import annotations

import functools
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
from msgspec import structs
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from live_trader.core.accuracy import Accuracy, score
from live_trader.core.bars import Bar, Tape, Ticker, Window, moment
from live_trader.core.bots import Bot, signals
from live_trader.core.features import Recipe, table
from live_trader.core.signals import Lags
from live_trader.core.targets import target
from live_trader.edge.feeds.simulated import Market
from live_trader.edge.proof import ProofText
from live_trader.edge.server.dashboard.sessions import Sessions
from live_trader.edge.shelf import Shelf
from live_trader.edge.wire.v1 import BarsText, BarText, SignalText, spell_signal
from live_trader.experts.bundle import SIDES, Learned, Period, Trained, Verdict, load
from tests.edge.server.house import House, started
from tests.experts.drafts import draft

NOW = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)
END = int(NOW.timestamp())
AUDUSD = Ticker.parse("AUDUSD M1")
MUTE = END - 60 * 90
"""The bar that AUDUSD's bot did not answer."""
ORDERED = END - 60 * 30
"""The bar whose signal the desk made an order of."""

TAUGHT = {"bars": 10, "move": 0.2}

_BARS, _ANSWERED = 2600, 600
_MODEL = "GradientBoostingClassifier~PC"
_RECIPE = Recipe.of(
    [["bop", []], ["roc", [10]], ["stoch_k", [14]], ["mfi", [22]], ["aroonosc", [12]], ["rsi", [14]]]
)


@functools.cache
def history(ticker: Ticker = AUDUSD, count: int = _BARS) -> tuple[Bar, ...]:
    """Simulated bars that end now."""
    return tuple(Market(ticker, 7).history(END, count))


def stage(folder: Path) -> House:
    """The server, with AUDUSD's champion and challenger deployed and their signals stored."""
    shelf = Shelf(folder / "models", folder / "work")
    for seed in (1, 2):
        version = shelf.save(_draft(seed), datetime(2026, 11, 2 + 7 * seed, 9, 30, tzinfo=UTC)).name
        shelf.deploy(AUDUSD, version, at=NOW, shadow=seed == 2)
    house = started(folder / "server", shelf=shelf, grace_s=86400.0)
    house.hands.time = NOW
    feed(house, AUDUSD, history())
    for at, path in enumerate((shelf.deployed(AUDUSD), shelf.shadow(AUDUSD))):
        assert path is not None
        post_signals(house, path, shadow=at == 1)
    post_others(house)
    post_account(house)
    return house


@functools.cache
def _draft(seed: int) -> Any:
    tape = Tape.of(AUDUSD, history())
    rows, known = table(_RECIPE, tape), slice(-2000, -20)
    labels = target("horizon-return", TAUGHT).label(tape)
    sides, judged = {}, {}
    for side in SIDES:
        frame = pd.DataFrame(rows[known], columns=list("abcdef"))
        forest = GradientBoostingClassifier(n_estimators=24 // seed, max_depth=4 - seed, random_state=seed)
        pipeline = make_pipeline(StandardScaler(), forest).fit(frame, labels[side][known])
        golden = rows[known][::31]
        model = Trained.of(pipeline, tuple("abcdef"), golden, threshold=0.55)
        sides[side] = Learned(_RECIPE, golden, {_MODEL: model})
        judged[str(side)] = asdict(_heard(pipeline, rows, labels[side]))
    window = Window.ending(tape, 600, len(tape))
    figures = {"trades": 412 - 31 * seed, "sharpe": 1.71 - 0.22 * seed, "profit_factor": 1.42 - 0.05 * seed}
    figures["max_drawdown"] = 0.043 + seed / 500
    verdict = Verdict(
        decision="deployable",
        figures={**figures, "models": {_MODEL: {"accuracy": judged}} if seed == 1 else {}},
    )
    report = {"report.html": b"<!doctype html><title>Judged</title><h1>What the judge saw</h1>"}
    made = draft(AUDUSD, sides=sides, window=window, files=report)
    settings = {"course": {"target": "horizon-return", "target_settings": TAUGHT}} if seed == 1 else {}
    ends = (NOW - timedelta(days=50), NOW - timedelta(days=12), NOW - timedelta(days=7))
    spans = (Period("train", *ends[:2]), Period("test", *ends[1:]))
    return replace(
        made, verdict=verdict, training=structs.replace(made.training, settings=settings, spans=spans)
    )


def _heard(pipeline: Any, rows: Any, labels: Any) -> Accuracy:
    """What a judge could have seen of a model, on bars before those of the stage's signals."""
    part = slice(-1400, -700)
    said = pipeline.predict_proba(pd.DataFrame(rows[part], columns=list("abcdef")))[:, 1]
    heard = score(labels[part], said, 0.55)
    assert heard is not None
    return heard


def feed(house: House, ticker: Ticker, bars: tuple[Bar, ...]) -> None:
    """Store these bars."""
    for start in range(0, len(bars), 2000):
        part = bars[start : start + 2000]
        texts = tuple(BarText(b.opened, b.open, b.high, b.low, b.close, b.volume) for b in part)
        body = BarsText(symbol=ticker.symbol, timeframe=ticker.timeframe.name, bars=texts)
        assert house.ask("POST", "/v1/bars", msgspec.json.encode(body), "feed").status == 200


def post_signals(house: House, path: Path, *, shadow: bool) -> None:
    """Store what a bundle says of the newest bars, but for one."""
    bundle, bars = load(path), history()
    bot = Bot("trader", AUDUSD, bundle.strategy(), bundle.version, shadow)
    tape = Tape.of(AUDUSD, bars[:-_ANSWERED])
    window = Window.ending(tape, bundle.memory, len(tape))
    lags = Lags(0.0042, 0.0049, 0.0058)
    told = [spell_signal(replace(each, lags=lags)) for each in signals(bot, window, bars[-_ANSWERED:])]
    kept = [each for each in told if int(each.bar_time.timestamp()) != MUTE]
    _send(house, kept)


def post_others(house: House) -> None:
    """Three more tickers: one fine, one that is late, one in the portfolio that nobody answers."""
    for symbol, signal, old in (("EURUSD", 1, 0), ("GBPJPY", -1, 0), ("NZDCAD", 0.5, 30)):
        ticker = Ticker.parse(f"{symbol} M1")
        bars = history(ticker, 120)
        feed(house, ticker, bars)
        _send(house, [one_signal(symbol, bars[-1 - old], signal)])
    entries = [
        {"symbol": each, "timeframe": "M1", "weight": 0.25, "portfolio": "", "positive_group": {_MODEL: 1},
         "negative_group": None}
        for each in ("AUDUSD", "EURUSD", "GBPJPY", "USDSGD")
    ]  # fmt: skip
    assert house.ask("PUT", "/v1/portfolio", entries, "admin").status == 200


def one_signal(symbol: str, bar: Bar, signal: float) -> SignalText:
    """A signal that no bundle gave."""
    odds = {1: (0.62, 0.18), -1: (0.11, 0.71), 0.5: (0.21, 0.24)}[signal]
    return SignalText(
        id="trader",
        symbol=symbol,
        timeframe="M1",
        bar_time=bar.opened,
        signal=signal,
        models={_MODEL: signal},
        probabilities=msgspec.convert({_MODEL: {"long": odds[0], "short": odds[1]}}, dict[str, Any]),
        bundle="20260101T000000Z-00000000",
    )


def _send(house: House, texts: list[SignalText]) -> None:
    for start in range(0, len(texts), 200):
        body = msgspec.json.encode(texts[start : start + 200])
        reply = house.ask("POST", "/v1/signals", body, "bot-trader")
        assert reply.status in (200, 201), reply.body


def post_account(house: House) -> None:
    """What a desk would tell: some trades, one position, and the equity they made."""
    draw, equity, bars = np.random.default_rng(5), 100_000.0, history()
    trades: list[dict[str, Any]] = []
    curve: list[dict[str, Any]] = []
    peak = equity
    for number in range(1, 41):
        opened, closed = bars[-560 + 13 * number], bars[-560 + 13 * number + 9]
        long = bool(draw.integers(0, 2))
        profit = round(float(draw.normal(45, 260)), 2)
        equity, reach = equity + profit, opened.close * 0.0015
        peak = max(peak, equity)
        stop, target = (-reach, reach) if long else (reach, -reach)
        trades.append({
            "id": number, "slot": "experts" if number % 3 else "breakout",
            "symbol": "AUDUSD", "timeframe": "M1",
            "direction": "long" if long else "short", "quantity": "1000", "entry": str(opened.close),
            "exit": str(closed.close), "stop": str(round(opened.close + stop, 5)),
            "target": str(round(opened.close + target, 5)), "opened": opened.opened.isoformat(),
            "closed": closed.opened.isoformat(), "reason": ("opposite signal", "stop", "target")[number % 3],
            "fees": "1.20", "profit": str(profit), "risked": "250",
        })  # fmt: skip
        money = {"equity": str(round(equity, 2)), "cash": str(round(equity, 2)), "peak": str(round(peak, 2))}
        curve.append({"number": number, "time": closed.opened.isoformat(), **money})
    ledger: dict[str, Any] = {
        "account": "paper",
        "after": 0,
        "upto": 41,
        "state": "ACTIVE",
        "trades": trades,
        "equity": curve,
    }
    ledger["orders"] = [{
        "id": "c-41", "trade": 41, "slot": "experts", "symbol": "AUDUSD", "timeframe": "M1", "side": "sell",
        "kind": "market", "role": "entry", "quantity": "1000", "price": None, "status": "filled",
        "filled": "1000", "reason": "signal", "created": moment(ORDERED + 61).isoformat(),
    }]  # fmt: skip
    after = next(each for each in bars if each.opened.timestamp() == ORDERED + 60)
    ledger["fills"] = [{
        "id": "f-41", "order": "c-41", "quantity": "1000", "price": str(round(after.close, 5)), "fee": "1.20",
        "time": moment(ORDERED + 62).isoformat(),
    }]  # fmt: skip
    reply = house.ask("POST", "/v1/trading", ledger, "desk")
    assert reply.status == 200, reply.body


def proof(trades: int) -> ProofText:
    """A comparison in which one signal, and with it the last trade, is another."""
    change = {"ticker": "AUDUSD M1", "time": NOW, "live": "long", "past": "neutral"}
    causes = [{"kind": kind, "cause": "revised bar", **change} for kind in ("signal", "trade")]
    trade = {"direction": "long", "quantity": "1000", "entry": "0.65", "exit": "0.651", "closed": NOW}
    pair = {"strategy": "experts", "ticker": "AUDUSD M1", "opened": NOW, "past": None}
    told = {
        "made": NOW, "since": None, "until": None, "currency": "USD", "signals": 600, "equal_signals": 599,
        "trades": trades, "equal_trades": trades - 1, "more": 0, "differences": causes,
        "tickers": [{"ticker": "AUDUSD M1", "signals": 600, "equal": 599}],
        "live": _side(trades, 1.21), "past": _side(trades - 1, 1.38),
        "pairs": [{**pair, "live": {**trade, "reason": "stop", "profit": "-12.5"}}],
    }  # fmt: skip
    return msgspec.convert(told, ProofText)


def _side(trades: int, sharpe: float) -> dict[str, Any]:
    group = {"name": "experts", "trades": trades, "wins": trades // 2, "profit": 100.0 * trades}
    curve = [(END - 600 + each, 100_000.0 + trades * each) for each in range(0, 600, 60)]
    figures = {"trades": trades, "net_profit": 100.0 * trades, "sharpe": sharpe, "calmar": None}
    month = {**group, "name": "2026-11"}
    return {"figures": figures, "curve": curve, "strategies": [group], "months": [month]}


def link(house: House, *, admin: bool = True) -> str:
    """A fresh link to the dashboard."""
    key = Sessions(house.folder, house.hands).invite(admin=admin)
    return f"http://127.0.0.1:{house.port}/#/login/{key}"
