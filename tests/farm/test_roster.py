"""Which tickers a farm serves: those of the settings, of the portfolio that was put, or all deployed ones."""

from __future__ import annotations

from live_trader.core.bars import Ticker
from live_trader.core.portfolio import Allocation, Portfolio, TradingState
from live_trader.core.signals import Coefficients
from live_trader.edge.settings import load
from live_trader.farm.roster import tickers

ONE, OTHER, THIRD = (Ticker.parse(text) for text in ("AUDUSD M1", "EURUSD M1", "USDJPY M1"))


def wanted(portfolio: Portfolio | None, *named: str) -> tuple[Ticker, ...]:
    settings = load(overrides={"farm.tickers": ",".join(named)} if named else {}).settings
    return tickers(settings, portfolio, [OTHER, THIRD])


def portfolio(*served: Ticker, put: bool = True) -> Portfolio:
    rows = tuple(Allocation(each, 0.5, Coefficients({}, {}), "") for each in served)
    return Portfolio(3, TradingState.ACTIVE, rows, put)


def test_the_settings_come_first() -> None:
    for given in (None, portfolio(), portfolio(OTHER), portfolio(put=False)):
        assert wanted(given, "AUDUSD M1") == (ONE,)


def test_then_the_portfolio_and_without_one_every_deployed_bundle() -> None:
    assert wanted(portfolio(ONE, OTHER)) == (ONE, OTHER)
    assert wanted(portfolio(put=False)) == (OTHER, THIRD)
    assert wanted(None) == (OTHER, THIRD)


def test_an_empty_portfolio_that_was_put_wants_nothing_served() -> None:
    assert wanted(portfolio()) == ()
