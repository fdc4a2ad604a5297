"""The worker as it would be written first: pandas-ta over a window of bars, then two PyCaret predictions.

It runs as a process of its own, `python -m benchmarks.naive JOB`, with nothing of ours in it.
"""

from __future__ import annotations

import json
import pickle
import sys
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pandas_ta_classic as ta
from pycaret.classification import predict_model

Lengths = Mapping[str, tuple[int, ...]]

WINDOW = 300
_SAID = {(True, False): 1, (False, True): -1}


class NaiveWorker:
    """Keeps a frame of bars; for each new one it computes all features of both sides and asks both models."""

    def __init__(
        self, bars: pd.DataFrame, sides: Mapping[str, tuple[Any, Lengths]], threshold: float
    ) -> None:
        self._bars = bars
        self._sides = sides
        self._threshold = threshold
        self.chances: list[dict[str, float]] = []

    def answer(self, body: bytes) -> bytes:
        """The body to post for the body that was got."""
        got = json.loads(body)
        fresh = pd.DataFrame(got["bars"]).set_index("time")
        fresh.index = pd.to_datetime(fresh.index)
        self._bars = pd.concat([self._bars, fresh]).tail(WINDOW)
        chances = {side: self._chance(*each) for side, each in self._sides.items()}
        self.chances.append(chances)
        votes = (chances["long"] > self._threshold, chances["short"] > self._threshold)
        told = {
            "exec_time": str(self._bars.index[-1]),
            "symbol": got["symbol"],
            "timeframe": got["timeframe"],
            "probas": {"LGBMClassifier~PC": _SAID.get(votes, 0.5)},
        }
        return json.dumps(told).encode()

    def _chance(self, model: Any, lengths: Lengths) -> float:
        row = features(self._bars, lengths).iloc[[-1]].round(10)
        said = predict_model(model, row, encoded_labels=True, verbose=False).iloc[-1]
        score = float(said["prediction_score"])
        return score if said["prediction_label"] == 1 else 1.0 - score


def features(bars: pd.DataFrame, lengths: Lengths) -> pd.DataFrame:
    """The 28 features of the original, of every bar of the frame, under the names of the recipe."""
    opened, high, low, close, volume = (bars[name] for name in ("open", "high", "low", "close", "volume"))
    x = {name: each[0] for name, each in lengths.items()}
    made = {
        "avgprice": ta.ohlc4(opened, high, low, close) / close - 1.0,
        "medprice": ta.hl2(high, low) / close - 1.0,
        "typprice": ta.hlc3(high, low, close) / close - 1.0,
        "wclprice": ta.wcp(high, low, close) / close - 1.0,
        "trange": ta.true_range(high, low, close),
        "bop": ta.bop(opened, high, low, close),
        "eom": ta.eom(high, low, close, volume, length=x["eom"]),
        "bhi": (close > ta.bbands(close, length=x["bhi"], std=2.0, ddof=0).iloc[:, 2]).astype(float),
        "bli": (close < ta.bbands(close, length=x["bli"], std=2.0, ddof=0).iloc[:, 0]).astype(float),
        "dchi": (high.rolling(x["dchi"]).max().shift() <= high).astype(float),
        "dcli": (low.rolling(x["dcli"]).min().shift() >= low).astype(float),
        "vip": ta.vortex(high, low, close, length=x["vip"]).iloc[:, 0],
        "vin": ta.vortex(high, low, close, length=x["vin"]).iloc[:, 1],
        "mfi": ta.mfi(high, low, close, volume, length=x["mfi"]),
        "stoch_k": _place(high, low, close, x["stoch_k"]),
        "midpoint": ta.midpoint(close, length=x["midpoint"]) / close - 1.0,
        "midprice": ta.midprice(high, low, length=x["midprice"]) / close - 1.0,
        "aroondown": ta.aroon(high, low, length=x["aroondown"]).iloc[:, 0],
        "aroonup": ta.aroon(high, low, length=x["aroonup"]).iloc[:, 1],
        "aroonosc": ta.aroon(high, low, length=x["aroonosc"]).iloc[:, 2],
        "mom": ta.mom(close, length=x["mom"]),
        "roc": ta.roc(close, length=x["roc"]),
        "ind1": (close - opened.shift(x["ind1"])) / opened.shift(x["ind1"]),
        "ind4": np.log(close / close.shift(x["ind4"])),
        "ind6": close.rolling(x["ind6"]).apply(_energy, raw=True),
        "ind7": close.rolling(x["ind7"]).apply(_mass, raw=True),
        "ind8": close.rolling(x["ind8"]).apply(_asymmetry, raw=True),
        "stochf_k": _place(high, low, close, x["stochf_k"]),
    }
    names = ["_".join((name, *map(str, lengths.get(name, ())))) for name in made]
    return pd.DataFrame(dict(zip(names, made.values(), strict=True)))


def _place(high: pd.Series, low: pd.Series, close: pd.Series, length: int) -> pd.Series:
    lowest, highest = low.rolling(length).min(), high.rolling(length).max()
    return 100.0 * (close - lowest) / (highest - lowest)


def _energy(closes: Any) -> float:
    halves = np.array_split(closes, 2)
    return float((halves[1] ** 2).sum() / (closes**2).sum())


def _mass(closes: Any) -> float:
    shares = np.cumsum(closes) / closes.sum()
    return float((np.argmax(shares >= 0.5) + 1) / len(closes))


def _asymmetry(closes: Any) -> float:
    return float(np.mean(closes[4:] ** 2 * closes[2:-2] - closes[2:-2] * closes[:-4] ** 2))


def main(job: Path) -> None:
    """Answer the bodies of a job; write beside it the milliseconds each took, the answers, the chances."""
    warnings.simplefilter("ignore")
    told = pickle.loads(job.read_bytes())
    worker = NaiveWorker(told["bars"], told["sides"], told["threshold"])
    took, answers = [], []
    for body in told["bodies"]:
        begun = time.perf_counter_ns()
        answers.append(worker.answer(body))
        took.append((time.perf_counter_ns() - begun) / 1e6)
    job.with_suffix(".json").write_text(
        json.dumps([took, [each.decode() for each in answers], worker.chances])
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
