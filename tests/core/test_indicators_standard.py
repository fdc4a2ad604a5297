"""The common indicators against pandas-ta's own formulas, or against pandas where it has none or another."""

import numpy as np
import pandas as pd
import pytest

from live_trader.core.indicators import CLASSIC, REGISTRY, Columns, find
from live_trader.core.indicators.foreign import library

ta = library()


class Bars:
    """A market as pandas series, with the few averages that several formulas share."""

    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        self.o, self.h, self.l, self.c, self.v = map(pd.Series, columns)


def ema(values: pd.Series, length: int) -> pd.Series:
    return values.ewm(alpha=2 / (length + 1), adjust=False).mean()


def wilder(values: pd.Series, length: int) -> pd.Series:
    return values.ewm(alpha=1 / length, adjust=False).mean()


def upward(b: Bars) -> tuple[pd.Series, pd.Series]:
    """Wilder's directional movement, up and down."""
    up, down = b.h.diff(), -b.l.diff()
    return up.where((up > down) & (up > 0), 0.0), down.where((down > up) & (down > 0), 0.0)


def dx(b: Bars, x: int) -> pd.Series:
    plus, minus = (100 * wilder(moved, x) / wilder(true_range(b), x) for moved in upward(b))
    return 100 * (plus - minus).abs() / (plus + minus)


def true_range(b: Bars) -> pd.Series:
    before = b.c.shift().fillna(b.c)
    return np.maximum(b.h, before) - np.minimum(b.l, before)


def adxr(b: Bars, x: int) -> pd.Series:
    adx = wilder(dx(b, x).fillna(0.0), x)
    return (adx + adx.shift(x - 1)) / 2


def kc(b: Bars, x: int, atr: int) -> list[pd.Series]:
    middle, reach = ema((b.h + b.l + b.c) / 3, x), 2 * wilder(true_range(b), atr)
    return [middle + reach, middle, middle - reach]


def rvi(b: Bars, x: int, deviation: int) -> pd.Series:
    spread, moved = b.c.rolling(deviation).std(ddof=0), b.c.diff()
    up, down = (wilder(spread.where(side, 0.0).fillna(0.0), x) for side in (moved > 0, moved < 0))
    return 100 * up / (up + down)


def fitted(b: Bars, x: int, at: int) -> pd.Series:
    """The straight line through the last x closes, read at a place counted from the first of them."""

    def read(closes: np.ndarray) -> float:
        slope, start = np.polyfit(np.arange(x), closes, 1)
        return start + slope * at

    return b.c.rolling(x).apply(read, raw=True)


def beta(b: Bars, x: int) -> pd.Series:
    high, low = b.h.pct_change(), b.l.pct_change()
    return high.rolling(x).cov(low, ddof=0) / high.rolling(x).var(ddof=0)


def imi(b: Bars, x: int) -> pd.Series:
    body = b.c - b.o
    return 100 * body.clip(lower=0).rolling(x).sum() / body.abs().rolling(x).sum()


def above(b: Bars, x: int) -> pd.Series:
    return b.c.rolling(x + 1).apply(lambda w: 100 * (w[:-1] < w[-1]).mean(), raw=True)


def some(frame: pd.DataFrame, *places: int) -> list[pd.Series]:
    return [frame.iloc[:, place] for place in places]


def change(values: pd.Series, x: int) -> pd.Series:
    return 100 * (values / values.shift(x) - 1)


FORMULAS = {
    "sma": ((20,), lambda b, x: ta.sma(b.c, x)),
    "ema": ((20,), lambda b, x: ta.ema(b.c, x)),
    "wma": ((20,), lambda b, x: ta.wma(b.c, x)),
    "dema": ((20,), lambda b, x: ta.dema(b.c, x)),
    "tema": ((20,), lambda b, x: ta.tema(b.c, x)),
    "t3": ((5,), lambda b, x: ta.t3(b.c, x)),
    "trima": ((20,), lambda b, x: b.c.rolling(x // 2).mean().rolling(x // 2 + 1).mean()),
    "kama": ((20,), lambda b, x: ta.kama(b.c, x, 2, 30)),
    "hma": ((20,), lambda b, x: ta.hma(b.c, x)),
    "zlema": ((20,), lambda b, x: ta.zlma(b.c, x)),
    "rma": ((20,), lambda b, x: ta.rma(b.c, x)),
    "vwma": ((20,), lambda b, x: ta.vwma(b.c, b.v, x)),
    "linearreg": ((14,), lambda b, x: fitted(b, x, x - 1)),
    "tsf": ((14,), lambda b, x: fitted(b, x, x)),
    "bbands": ((20,), lambda b, x: some(ta.bbands(b.c, x, 2, 0), 2, 1, 0)),
    "donchian": ((20,), lambda b, x: some(ta.donchian(b.h, b.l, x, x), 2, 1, 0)),
    "accbands": ((20,), lambda b, x: some(ta.accbands(b.h, b.l, b.c, x), 2, 1, 0)),
    "kc": ((20, 10), kc),
    "rsi": ((14,), lambda b, x: ta.rsi(b.c, x)),
    "cmo": ((14,), lambda b, x: 2 * ta.rsi(b.c, x) - 100),
    "cmou": ((14,), lambda b, x: ta.cmo(b.c, x, talib=False)),
    "adx": ((14,), lambda b, x: ta.adx(b.h, b.l, b.c, x).iloc[:, 0]),
    "adxr": ((14,), adxr),
    "dx": ((14,), dx),
    "plus_di": ((14,), lambda b, x: ta.adx(b.h, b.l, b.c, x).iloc[:, 1]),
    "minus_di": ((14,), lambda b, x: ta.adx(b.h, b.l, b.c, x).iloc[:, 2]),
    "plus_dm": ((14,), lambda b, x: x * wilder(upward(b)[0], x)),
    "minus_dm": ((14,), lambda b, x: x * wilder(upward(b)[1], x)),
    "macd": ((12, 26, 9), lambda b, *each: some(ta.macd(b.c, *each), 0, 2, 1)),
    "apo": ((12, 26), lambda b, *each: ta.apo(b.c, *each, mamode="ema")),
    "ppo": ((12, 26), lambda b, *each: ta.ppo(b.c, *each, mamode="ema").iloc[:, 0]),
    "trix": ((18,), lambda b, x: ta.trix(b.c, x).iloc[:, 0]),
    "tsi": ((25, 13), lambda b, slow, fast: ta.tsi(b.c, fast, slow).iloc[:, 0]),
    "ultosc": ((7, 14, 28), lambda b, *each: ta.uo(b.h, b.l, b.c, *each)),
    "willr": ((14,), lambda b, x: ta.willr(b.h, b.l, b.c, x)),
    "cci": ((14,), lambda b, x: ta.cci(b.h, b.l, b.c, x)),
    "stoch": ((14, 5, 3), lambda b, k, smooth, d: some(ta.stoch(b.h, b.l, b.c, k, d, smooth), 0, 1)),
    "stochf": ((14, 3), lambda b, k, d: some(ta.stoch(b.h, b.l, b.c, k, d, 1), 0, 1)),
    "stochrsi": ((14, 5, 3), lambda b, x, k, d: some(ta.stochrsi(b.c, k, x, 1, d), 0, 1)),
    "imi": ((14,), imi),
    "qstick": ((10,), lambda b, x: ta.qstick(b.o, b.c, x)),
    "er": ((10,), lambda b, x: ta.er(b.c, x)),
    "vhf": ((28,), lambda b, x: ta.vhf(b.c, x)),
    "coppock": ((10, 11, 14), lambda b, *each: ta.coppock(b.c, *each)),
    "eri": ((13,), lambda b, x: some(ta.eri(b.h, b.l, b.c, x), 0, 1)),
    "percentrank": ((50,), above),
    "atr": ((14,), lambda b, x: ta.atr(b.h, b.l, b.c, x, mamode="rma")),
    "natr": ((14,), lambda b, x: ta.natr(b.h, b.l, b.c, x, mamode="rma")),
    "adr": ((14,), lambda b, x: (b.h - b.l).rolling(x).mean()),
    "stddev": ((5,), lambda b, x: ta.stdev(b.c, x, 0)),
    "var": ((5,), lambda b, x: ta.variance(b.c, x, 0)),
    "avgdev": ((14,), lambda b, x: ta.mad(b.c, x)),
    "rvi": ((14, 10), rvi),
    "cvi": ((10, 12), lambda b, x, back: change(ema(b.h - b.l, x), back)),
    "massi": ((9, 25), lambda b, *each: ta.massi(b.h, b.l, *each)),
    "linearreg_slope": ((14,), lambda b, x: ta.linreg(b.c, x, slope=True)),
    "linearreg_angle": ((14,), lambda b, x: ta.linreg(b.c, x, angle=True, degrees=True)),
    "beta": ((5,), beta),
    "correl": ((30,), lambda b, x: b.h.rolling(x).corr(b.l)),
    "adosc": ((3, 10), lambda b, fast, slow: ta.adosc(b.h, b.l, b.c, b.v, fast=fast, slow=slow)),
    "cmf": ((20,), lambda b, x: ta.cmf(b.h, b.l, b.c, b.v, length=x)),
    "efi": ((13,), lambda b, x: ta.efi(b.c, b.v, x)),
    "pvo": ((12, 26), lambda b, *each: ta.pvo(b.v, *each).iloc[:, 0]),
    "obv": ((20,), lambda b, x: ta.obv(b.c, b.v).diff(x)),
    "ad": ((20,), lambda b, x: ta.ad(b.h, b.l, b.c, b.v).diff(x)),
    "mfi": ((14,), lambda b, x: ta.mfi(b.h, b.l, b.c, b.v, x)),
    "roc": ((14,), lambda b, x: ta.roc(b.c, x)),
    "mom": ((14,), lambda b, x: ta.mom(b.c, x)),
    "aroondown": ((14,), lambda b, x: ta.aroon(b.h, b.l, x).iloc[:, 0]),
    "aroonup": ((14,), lambda b, x: ta.aroon(b.h, b.l, x).iloc[:, 1]),
    "aroonosc": ((14,), lambda b, x: ta.aroon(b.h, b.l, x).iloc[:, 2]),
    "vip": ((14,), lambda b, x: ta.vortex(b.h, b.l, b.c, x).iloc[:, 0]),
    "vin": ((14,), lambda b, x: ta.vortex(b.h, b.l, b.c, x).iloc[:, 1]),
    "eom": ((14,), lambda b, x: ta.eom(b.h, b.l, b.c, b.v, x, divisor=1e8)),
    "ind4": ((14,), lambda b, x: ta.log_return(b.c, x)),
    "bop": ((), lambda b: ta.bop(b.o, b.h, b.l, b.c)),
    "trange": ((), lambda b: ta.true_range(b.h, b.l, b.c)),
}


@pytest.fixture(scope="module")
def bars(market) -> Bars:
    columns = Columns.of(market(8000, seed=3, tick=None))
    return Bars(columns._replace(volume=columns.volume + 1.0))  # theirs divide by it


@pytest.mark.filterwarnings("ignore::FutureWarning")  # pandas-ta's, about pandas
@pytest.mark.parametrize("name", FORMULAS)
def test_it_equals_the_formula_of_others(name, bars):
    """From where both have forgotten their beginnings, to a hundred-millionth of the largest value."""
    lengths, formula = FORMULAS[name]
    made = find(name).batch(bars.columns, *lengths)
    theirs = formula(bars, *lengths)
    theirs = theirs if isinstance(theirs, list) else [theirs]
    known = slice(find(name).memory(*lengths) + 50, None)
    for ours, other in zip(made, theirs, strict=True):
        wanted = other.reindex(range(len(ours))).to_numpy()
        assert np.abs(ours - wanted)[known].max() <= 1e-8 * np.abs(ours[known]).max()


def test_every_common_indicator_is_held_to_one():
    """The 28 have formulas of their own elsewhere."""
    assert set(REGISTRY) - set(FORMULAS) <= {indicator.name for indicator in CLASSIC}
