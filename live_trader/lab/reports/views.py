"""Views of a judgement: points on prices, calibration, other thresholds, and what weighs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise

import numpy as np

from live_trader.core.accuracy import Accuracy
from live_trader.core.bars import Floats, Tape
from live_trader.core.outcome import Signs, Trades
from live_trader.lab.cases import Case, Sweep, judged
from live_trader.lab.evidence import POINT, SIDES, Labels, Side
from live_trader.lab.judge import Judgement
from live_trader.lab.reports.drawing import (
    LEFT,
    RIGHT,
    WIDTH,
    Scale,
    calendar,
    columns,
    drawing,
    line,
    rows,
    tag,
)
from live_trader.lab.reports.page import number, percent, section, table, tone

HALF = WIDTH / 2.0
BARS = 150
HEAVIEST = 14


def points(judgement: Judgement, case: Case) -> str:
    """The newest judged bars with what the model said and what would have been right."""
    newest = slice(max(0, len(judgement.tape) - BARS), len(judgement.tape))
    tape = judgement.tape.cut(newest.start, newest.stop)
    part = judged(judgement.evidence)
    truth = [judgement.evidence.labels[side][part][newest] for side in SIDES]
    key = tag(
        "p",
        tag("span", "\N{BLACK UP-POINTING TRIANGLE} says long", class_="long"),
        tag("span", "\N{BLACK DOWN-POINTING TRIANGLE} says short", class_="short"),
        "\N{WHITE CIRCLE} the valley or peak it was taught to find",
        tag("span", "shaded: the position held"),
        class_="key",
    )
    picture = _prices(tape, case.signs[newest], case.run.positions[newest], truth)
    return section("Predicted points", picture, key, says=f"The newest {len(tape)} judged bars.")


def _prices(tape: Tape, signs: Signs, positions: Signs, truth: Sequence[Labels]) -> str:
    up = Scale.around(np.concatenate((tape.low, tape.high)), 330.0, 14.0, 0.1)
    across = Scale(-0.5, len(tape) - 0.5, LEFT, WIDTH - RIGHT)
    step = (WIDTH - LEFT - RIGHT) / len(tape)
    dates = [
        (float(np.searchsorted(tape.times, at)), name)
        for at, name in calendar(int(tape.times[0]), int(tape.times[-1]))
    ]
    places = [row for bar in range(len(tape)) for row in _candle(tape, bar, across(bar), step, up)]
    turns = [*np.flatnonzero(np.diff(positions, prepend=np.int8(0))).tolist(), len(tape)]
    shades = [
        tag(
            "rect",
            x=across(begin - 0.5),
            width=step * (end - begin),
            y=14.0,
            height=316.0,
            class_="held-long" if positions[begin] > 0 else "held-short",
        )
        for begin, end in pairwise(turns)
        if positions[begin]
    ]
    marks = [
        _mark(across(bar), up(float(tape.low[bar])) + 7.0, 1.0, "buy")
        if signs[bar] > 0
        else _mark(across(bar), up(float(tape.high[bar])) - 7.0, -1.0, "sell")
        for bar in np.flatnonzero(signs).tolist()
    ]
    rings = [
        tag("circle", cx=across(bar), cy=up(float(values[bar])) + away, r=3.6, class_="truth")
        for labels, values, away in zip(truth, (tape.low, tape.high), (18.0, -18.0), strict=True)
        for bar in np.flatnonzero(labels == POINT).tolist()
    ]
    digits = max(0, 1 - int(np.floor(np.log10(up.high - up.low))))
    return drawing(
        *shades,
        rows(up, lambda price: f"{price:,.{digits}f}"),
        columns(dates, across, 14.0, 330.0),
        *places,
        *marks,
        *rings,
        height=356.0,
        label="Prices with predicted points",
    )


def _candle(tape: Tape, bar: int, x: float, step: float, up: Scale) -> tuple[str, str]:
    opened, close, wide = float(tape.open[bar]), float(tape.close[bar]), step * 0.64
    kind = f"candle {'rise' if close >= opened else 'fall'}"
    top, ground = up(max(opened, close)), up(min(opened, close))
    wick = tag("line", x1=x, x2=x, y1=up(float(tape.high[bar])), y2=up(float(tape.low[bar])), class_=kind)
    body = tag("rect", x=x - wide / 2.0, width=wide, y=top, height=max(ground - top, 0.8), class_=kind)
    return wick, body


def _mark(x: float, y: float, way: float, kind: str) -> str:
    return tag("path", d=f"M{x:.1f} {y:.1f}l4.2 {7 * way:.1f}h-8.4Z", class_=kind)


def calibrated(judgement: Judgement, case: Case) -> str:
    """What probabilities said against what happened, and the plain scores of both sides."""
    scores = {side: scored[case.name] for side, scored in judgement.accuracy.items() if case.name in scored}
    thresholds = {side: judgement.evidence.thresholds[side][case.name] for side in scores}
    panels = [
        tag("div", tag("h3", side), _reliability(score, thresholds[side])) for side, score in scores.items()
    ]
    heads = ("Side", "Bars", "Points", "Votes", "Precision", "Recall", "AUC", "Brier", "Off by")
    lines = (
        (
            tag("span", side, class_=side),
            f"{score.rows:,}",
            percent(score.base),
            f"{score.votes:,}",
            percent(score.precision),
            percent(score.recall),
            number(score.auc, 3),
            number(score.brier, 4),
            percent(score.off),
        )
        for side, score in scores.items()
    )
    return section(
        "Calibration",
        tag("div", *panels, class_="pair"),
        table(heads, lines),
        says="How often a bar was a point when the model gave it this probability. On the dashed line the "
        "probabilities are honest; pale bars say how many bars there are. Half of a turn is over before "
        "it is called one, so a good AUC alone earns nothing.",
    )


def _reliability(score: Accuracy, threshold: float) -> str:
    across, up = Scale(0.0, 1.0, LEFT, HALF - RIGHT), Scale(0.0, 1.0, 260.0, 12.0)
    most = max(each.count for each in score.calibration)
    bars = [
        tag(
            "rect",
            x=across(each.low) + 2.0,
            width=across(each.high) - across(each.low) - 4.0,
            y=260.0 - 70.0 * each.count / most,
            height=70.0 * each.count / most,
            class_="pale",
        )
        for each in score.calibration
    ]
    ranges = [
        tag("line", x1=across(e.said), x2=across(e.said), y1=up(e.least), y2=up(e.most), class_="range")
        + tag("circle", cx=across(e.said), cy=up(e.happened), r=4.0, class_="dot")
        for e in score.calibration
    ]
    labels = [(value / 5, percent(value / 5, 0)) for value in range(6)]
    return drawing(
        rows(up, lambda value: percent(value, 0), right=HALF - RIGHT),
        columns(labels, across, 12.0, 260.0),
        *bars,
        line((across(0.0), across(1.0)), (up(0.0), up(1.0)), class_="even"),
        _at(across(threshold), "threshold", 12.0, 260.0),
        line(
            [across(each.said) for each in score.calibration],
            [up(each.happened) for each in score.calibration],
            class_="curve",
        ),
        *ranges,
        height=286.0,
        width=HALF,
        label="Calibration",
    )


def _at(x: float, name: str, top: float, ground: float) -> str:
    return tag("line", x1=x, x2=x, y1=top, y2=ground, class_="now") + tag(
        "text", name, x=x + 5.0, y=top + 10.0, class_="strong"
    )


def swept(judgement: Judgement, case: Case) -> str:
    """What other thresholds would have done, the same on both sides."""
    given = judgement.sweeps.get(case.name, ())
    threshold = judgement.evidence.thresholds["long"][case.name]
    panels = (
        tag("div", tag("h3", "A trade brings"), _sweep(given, threshold, "expectancy")),
        tag("div", tag("h3", "Trades"), _sweep(given, threshold, "trades")),
    )
    heads = ("Threshold", "Trades", "Win rate", "A trade brings", "Net profit", "Sharpe")
    lines = (
        (
            number(each.threshold),
            f"{each.trades:,}",
            percent(each.win_rate),
            tag("span", percent(each.expectancy, 3, sign=True), class_=tone(each.expectancy)),
            percent(each.net_profit, 1, sign=True),
            number(each.sharpe),
        )
        for each in given
    )
    return section(
        "Other thresholds",
        tag("div", *panels, class_="pair"),
        tag("details", tag("summary", "All of them"), table(heads, lines)),
        says="What another threshold would have done on these very bars. Choosing one from here is looking "
        "at the answers: it would have to be judged again on bars to come.",
    )


def _sweep(given: Sequence[Sweep], threshold: float, figure: str) -> str:
    told = [(each.threshold, float(getattr(each, figure) or 0.0)) for each in given]
    xs, ys = np.array([x for x, _ in told]), np.array([y for _, y in told])
    across, up = Scale(0.0, 1.0, LEFT, HALF - RIGHT), Scale.around(np.append(ys, 0.0), 200.0, 12.0)
    text = (lambda value: percent(value, 2)) if figure == "expectancy" else (lambda value: f"{value:,.0f}")
    return drawing(
        rows(up, text, right=HALF - RIGHT),
        columns([(value / 5, f"{value / 5:g}") for value in range(6)], across, 12.0, 200.0),
        tag("line", x1=LEFT, x2=HALF - RIGHT, y1=up(0.0), y2=up(0.0), class_="axis"),
        _at(across(threshold), "in use", 12.0, 200.0),
        line(across.places(xs), up.places(ys), class_="curve"),
        *(tag("circle", cx=across(x), cy=up(y), r=3.0, class_="dot") for x, y in told),
        height=226.0,
        width=HALF,
        label=f"{figure} by threshold",
    )


def bars(weights: Mapping[str, float], side: Side) -> str:
    """The heaviest of these names, one bar each."""
    heaviest = list(weights.items())[:HEAVIEST]
    if not heaviest:
        return tag("p", "These models cannot say.", class_="lead")
    across = Scale(0.0, max(weight for _, weight in heaviest), 110.0, HALF - 60.0)
    drawn = [
        _bar(name, across(weight), percent(weight), 22.0 * at, side)
        for at, (name, weight) in enumerate(heaviest)
    ]
    return drawing(*drawn, height=22.0 * len(heaviest) + 6.0, width=HALF, label="Importance")


def _bar(name: str, end: float, text: str, top: float, side: Side) -> str:
    return (
        tag("text", escape(name), x=100.0, y=top + 15.0, class_="end strong")
        + tag("rect", x=110.0, y=top + 3.0, width=max(end - 110.0, 1.0), height=15.0, class_=f"bar {side}")
        + tag("text", text, x=end + 7.0, y=top + 15.0)
    )


def chosen(lengths: Mapping[str, Sequence[tuple[int, ...]]]) -> str:
    """The lengths of each indicator, oldest span first."""
    lines = (
        (escape(name), " \N{RIGHTWARDS ARROW} ".join("/".join(map(str, each)) for each in found))
        for name, found in lengths.items()
    )
    return table(("Indicator", "Lengths"), lines, class_="text")


def sides(trades: Trades) -> str:
    """How each side did, and how trades ended."""
    heads = ("", "Trades", "Won", "A trade brings", "Net profit")
    kinds = [("long", trades.side > 0), ("short", trades.side < 0)]
    kinds += [(f"ended: {reason}", trades.reason == reason) for reason in np.unique(trades.reason).tolist()]
    return table(heads, (_side(name, trades.profit[which]) for name, which in kinds))


def _side(name: str, profit: Floats) -> tuple[str, ...]:
    mean = float(profit.mean()) if len(profit) else None
    return (
        tag("span", escape(name), class_=name if name in SIDES else ""),
        f"{len(profit):,}",
        percent(float(np.mean(profit > 0.0)) if len(profit) else None),
        tag("span", percent(mean, 3, sign=True), class_=tone(mean)),
        percent(float(profit.sum()), 1, sign=True),
    )
