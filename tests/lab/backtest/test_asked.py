"""From words to tasks: what a person may write, and what a wrong word is answered with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from live_trader.core.bars import Tape, Ticker, Timeframe
from live_trader.core.fills import FillAt, Market
from live_trader.core.risk import Limits
from live_trader.core.sizing import Plan, Sides
from live_trader.edge.tapes import write
from live_trader.errors import BadData, BadSettings
from live_trader.lab.backtest.asked import moment_of, pairs, settings, several, sources, terms, typed

NOTHING: dict[str, dict[str, str]] = {"limit": {}, "market": {}, "instrument": {}, "rate": {}}


def test_words_become_settings_of_their_type() -> None:
    plan = settings(
        Plan,
        {"stop_atr": "2", "target_ratio": "none", "sides": "long", "risk": "0.01", "hours": "09:20-15:00"},
    )
    assert (plan.stop_atr, plan.target_ratio, plan.sides) == (2.0, None, Sides.LONG)
    assert (plan.risk, plan.hours) == (Decimal("0.01"), (time(9, 20), time(15)))
    assert settings(Limits, {"max_daily_loss": "none"}).max_daily_loss is None
    assert settings(Market, {"fill_at": "close"}).fill_at is FillAt.CLOSE


@pytest.mark.parametrize(
    ("kind", "words", "message"),
    [
        (Plan, {"stop_atrr": "2"}, "Did you mean stop_atr"),
        (Plan, {"zzz": "2"}, "There are sides"),
        (Plan, {"stop_atr": "far"}, "stop_atr=far cannot be read"),
        (Plan, {"sides": "up"}, "sides=up cannot be read"),
        (Plan, {"hours": "nine to five"}, "hours=nine"),
        (Limits, {"max_open_trades": "2.5"}, "max_open_trades=2.5"),
        (Market, {"slippage": "-1"}, "slippage is -1"),
    ],
)
def test_a_wrong_word_is_answered_with_the_right_one(kind: Any, words: dict[str, str], message: str) -> None:
    with pytest.raises(BadSettings, match=message):
        settings(kind, words)


def test_typed_keeps_only_what_was_said() -> None:
    assert typed(Plan, {"stop_atr": "2"}) == {"stop_atr": 2.0}


def test_pairs_and_lists_of_values() -> None:
    assert pairs(["a=1", " b = x=y "]) == {"a": "1", "b": "x=y"}
    assert several(["fast=5, 10", "slow=20"]) == {"fast": ["5", "10"], "slow": ["20"]}
    for word in ("fast", "=5"):
        with pytest.raises(BadSettings, match="name=value"):
            pairs([word])


def test_a_file_says_by_its_name_which_ticker_it_is_of() -> None:
    found = sources(
        ["a/EURUSD_M1.csv.gz", "BTC_PERP_H4.parquet", "GBPUSD M5=b/any.csv"], zone=None, drop=False
    )
    assert [str(each.ticker) for each in found] == ["EURUSD M1", "BTC_PERP H4", "GBPUSD M5"]
    assert all(each.path.is_absolute() for each in found)


def test_bids_and_asks_of_a_ticker_are_one_source() -> None:
    (one,) = sources(["X_M1_ask.csv", "X_M1_bid.csv"], zone="UTC", drop=True)
    assert one.ask is not None
    assert (one.path.name, one.ask.name, one.zone, one.drop) == ("X_M1_bid.csv", "X_M1_ask.csv", "UTC", True)


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        (["prices.csv"], BadSettings, "which ticker"),
        (["EURUSD_M1.csv", "EURUSD M1=other.csv"], BadSettings, "two tapes"),
        (["EURUSD_M1_ask.csv"], BadSettings, "nothing has its bids"),
        (["EURUSD_M7.csv"], BadData, "'M7' is not a timeframe"),
    ],
)
def test_tapes_that_cannot_be_told_apart_are_refused(
    words: list[str], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        sources(words, zone=None, drop=False)


def test_a_day_begins_at_midnight_utc_unless_it_says_otherwise() -> None:
    assert moment_of("2024-01-31") == 1_706_659_200
    assert moment_of("2024-01-31T01:00+01:00") == 1_706_659_200
    assert moment_of(None) is None
    with pytest.raises(BadSettings, match="not a date"):
        moment_of("yesterday")


def written(tmp_path: Path, tape: Tape) -> str:
    path = tmp_path / f"{tape.ticker.symbol}_{tape.ticker.timeframe.name}.csv"
    write(path, tape)
    return str(path)


def test_an_instrument_is_guessed_from_its_name_and_prices(tmp_path: Path, walk: Callable[..., Tape]) -> None:
    yen = walk(1, 60, symbol="USDJPY", start=110.0, step=0.05, decimals=3)
    coin = walk(1, 60, symbol="BTCPERP", start=46000.0, step=20.0, decimals=0)
    words = [written(tmp_path, yen), written(tmp_path, coin)]
    found = terms(sources(words, zone=None, drop=False), Decimal(1000), "USD", NOTHING)
    pair, perp = found.instruments["USDJPY"], found.instruments["BTCPERP"]
    assert (pair.currency, pair.base, pair.tick, pair.lot) == ("JPY", "USD", Decimal("0.001"), 1)
    assert (perp.currency, perp.base, perp.tick, perp.lot) == ("USD", "", Decimal(1), Decimal("0.001"))
    assert found.rates["JPY"] == round(1 / Decimal(float(yen.close[0])), 10)
    assert found.market.fee_rate == Decimal("0.00002")
    assert found.market.slippage == 0.00005


def test_what_is_said_comes_before_what_is_guessed(tmp_path: Path, walk: Callable[..., Tape]) -> None:
    source = sources([written(tmp_path, walk(1, 60))], zone=None, drop=False)
    said = {**NOTHING, "instrument": {"lot": "1000", "minimum": "1000"}, "market": {"slippage": "0"}}
    found = terms(source, Decimal(1000), "USD", said)
    assert found.instruments["EURUSD"].lot == 1000
    assert found.market.slippage == 0.0
    rated = terms(source, Decimal(1000), "CHF", {**NOTHING, "rate": {"USD": "0.9"}})
    assert rated.rate("EURUSD") == Decimal("0.9")
    with pytest.raises(BadSettings, match="--rate USD"):
        terms(source, Decimal(1000), "CHF", NOTHING)
    with pytest.raises(BadSettings, match="no number"):
        terms(source, Decimal(1000), "CHF", {**NOTHING, "rate": {"USD": "x"}})


def test_asks_of_their_own_take_the_place_of_slippage(tmp_path: Path, walk: Callable[..., Tape]) -> None:
    for side in ("bid", "ask"):
        write(tmp_path / f"EURUSD_M1_{side}.csv", walk(1, 60))
    words = [str(tmp_path / f"EURUSD_M1_{side}.csv") for side in ("bid", "ask")]
    assert terms(sources(words, zone=None, drop=False), Decimal(1000), "USD", NOTHING).market.slippage == 0.0


def test_every_timeframe_has_a_name_a_file_can_have() -> None:
    for timeframe in Timeframe:
        (found,) = sources([f"X_{timeframe.name}.csv"], zone=None, drop=False)
        assert found.ticker == Ticker("X", timeframe)
