"""The 28 classic features of one more bar: pandas-ta on the window beside one update of each indicator.

The plain way is what one would write first: keep the last bars in a data frame, ask pandas-ta for every
indicator, take the last row. Ours must give the same row, and in the table of a whole tape the same bits.

    python -m benchmarks.features [--bars 1500] [--tape 500000] [--json]
"""

from __future__ import annotations

import argparse
import json
import time
import warnings

import numpy as np

from live_trader.core.bars import Floats, Tape, Ticker, Timeframe, Window
from live_trader.core.features import Features, classic, table

LENGTHS = dict.fromkeys(("eom", "bhi", "bli", "dchi", "dcli", "vip", "vin", "mfi", "stoch_k"), (20,)) | {
    "midpoint": (50,),
    "midprice": (50,),
    "aroondown": (100,),
    "aroonup": (100,),
    "aroonosc": (100,),
    "ind6": (60,),
    "ind7": (60,),
    "ind8": (292,),
}


def market(bars: int, seed: int = 1) -> Tape:
    """A random walk of minutes with volume."""
    chance = np.random.default_rng(seed)
    close = 1.1 * np.exp(np.cumsum(chance.normal(0.0, 2e-4, bars)))
    open = np.concatenate(([1.1], close[:-1]))
    high = np.maximum(open, close) * np.exp(np.abs(chance.normal(0.0, 1e-4, bars)))
    low = np.minimum(open, close) * np.exp(-np.abs(chance.normal(0.0, 1e-4, bars)))
    volume = chance.integers(1, 5000, bars).astype(np.float64)
    times = 1_500_000_000 // 60 * 60 + 60 * np.arange(bars, dtype=np.int64)
    return Tape(Ticker("WALK", Timeframe.M1), times, open, high, low, close, volume)


def plain(window: Window) -> Floats:
    """The last row of 28 features as pandas-ta and pandas make them."""
    import pandas as pd

    from live_trader.core.indicators.foreign import library

    ta = library()
    o, h, low, c, v = (
        pd.Series(each) for each in (window.open, window.high, window.low, window.close, window.volume)
    )
    bands, channel = ta.bbands(c, 20, 2, 0), ta.donchian(h, low, 20, 20).shift()
    vortex, aroon = ta.vortex(h, low, c, 20), ta.aroon(h, low, 100)
    recent = c.to_numpy()[-60:]
    gathered = np.cumsum(recent) / recent.sum()
    tail = c.to_numpy()[-292:]
    columns = [
        *(ta.ohlc4(o, h, low, c) / c - 1, ta.hl2(h, low) / c - 1, ta.hlc3(h, low, c) / c - 1),
        *(ta.wcp(h, low, c) / c - 1, ta.true_range(h, low, c), ta.bop(o, h, low, c)),
        *(ta.eom(h, low, c, v, 20, divisor=1e8), c > bands.iloc[:, 2], c < bands.iloc[:, 0]),
        *(channel.iloc[:, 2] <= h, channel.iloc[:, 0] >= low, vortex.iloc[:, 0], vortex.iloc[:, 1]),
        *(ta.mfi(h, low, c, v, 20), ta.stoch(h, low, c, 20, 1, 1).iloc[:, 0]),
        *((ta.midpoint(c, 50) - c) / c, (ta.midprice(h, low, 50) - c) / c),
        *(aroon.iloc[:, 0], aroon.iloc[:, 1], aroon.iloc[:, 2], ta.mom(c, 14), ta.roc(c, 14)),
        *((c - o.shift(14)) / o.shift(14), ta.log_return(c, 14)),
        *([(recent[30:] ** 2).sum() / (recent**2).sum()], [(np.argmax(gathered >= 0.5) + 1) / 60]),
        [np.mean(tail[4:] ** 2 * tail[2:-2] - tail[2:-2] * tail[:-4] ** 2)],
        ta.stoch(h, low, c, 14, 1, 1).iloc[:, 0],
    ]
    return np.array([float(np.asarray(column)[-1]) for column in columns])


def measure(bars: int, size: int) -> dict[str, float | int]:
    """Every figure of both ways, and how many rows differ."""
    recipe = classic(LENGTHS)
    features, tape = Features(recipe), market(recipe.memory + 128 + bars)
    rows = table(recipe, tape)
    window = Window.ending(tape, features.memory, features.memory)
    features.row(window)
    took, prepared, theirs, mismatches = [], [], [], 0
    for index in range(features.memory, len(tape)):
        window = window.push(tape.bar(index))
        began = time.perf_counter_ns()
        row = features.row(window)
        done = time.perf_counter_ns()
        features.prepare(window)
        took.append(done - began)
        prepared.append(time.perf_counter_ns() - done)
        mismatches += row.tobytes() != rows[index].tobytes()
        if index % 50 == 0:
            began = time.perf_counter_ns()
            wanted = plain(window)
            theirs.append(time.perf_counter_ns() - began)
            mismatches += not np.allclose(row, wanted, rtol=1e-7, atol=1e-9)
    fresh = time.perf_counter_ns()
    Features(recipe).row(window)
    fresh = time.perf_counter_ns() - fresh
    whole = market(size)
    began = time.perf_counter_ns()
    table(recipe, whole)
    filled = time.perf_counter_ns() - began
    return {
        "rows": len(took),
        "plain_us_p50": round(float(np.median(theirs[1:])) / 1e3, 1),
        "row_us_p50": round(float(np.median(took)) / 1e3, 1),
        "row_us_p99": round(float(np.percentile(took, 99)) / 1e3, 1),
        "prepare_us_worst": round(max(prepared) / 1e3, 1),
        "first_row_us": round(fresh / 1e3, 1),
        "ratio": round(float(np.median(theirs[1:]) / np.median(took))),
        "table_bars": size,
        "table_s": round(filled / 1e9, 2),
        "mismatches": int(mismatches),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bars", type=int, default=1500, help="bars fed one by one")
    parser.add_argument("--tape", type=int, default=500_000, help="bars of the tape for the table")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas-ta's, about pandas
        facts = measure(asked.bars, asked.tape)
    print(
        json.dumps(facts)
        if asked.json
        else "\n".join(f"{name:>18}  {value}" for name, value in facts.items())
    )
    raise SystemExit(1 if facts["mismatches"] else 0)


if __name__ == "__main__":
    main()
