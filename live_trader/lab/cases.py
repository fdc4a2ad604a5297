"""One model's case: what trading its out-of-sample opinions gave, and how far luck alone explains it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from live_trader.core import performance
from live_trader.core.bars import Floats, Tape
from live_trader.core.outcome import Signs
from live_trader.core.performance import Month, Performance
from live_trader.core.signals import Coefficients
from live_trader.errors import BadSettings
from live_trader.lab import chance
from live_trader.lab.chance import Deflated
from live_trader.lab.dealing import Run, Terms, blended, deal, directions
from live_trader.lab.evidence import Evidence, Probabilities

BLEND = "blend of all"
THRESHOLDS = tuple(step / 20 for step in range(1, 20))


@dataclass(frozen=True, slots=True)
class Standard:
    """What is demanded: `level` is the chance of a false yes that is put up with, for all models together."""

    terms: Terms = field(default_factory=Terms)
    level: float = 0.05
    trades: int = 30
    draws: int = 4000
    seed: int = 909

    def __post_init__(self) -> None:
        if not (0.0 < self.level < 1.0 and self.trades >= 1 and self.draws >= 1.0 / self.level):
            raise BadSettings(
                f"a level of {self.level}, {self.trades} trades and {self.draws} draws are no standard",
                "Give a level between 0 and 1, at least one trade, and draws enough to see that level",
            )


@dataclass(frozen=True, slots=True)
class Luck:
    """The chances that something else does as well: nothing at all, another time, or a placebo.

    `placebo` is None where none was fitted.
    """

    nothing: float
    another_time: float
    placebo: float | None
    deflated: Deflated


@dataclass(frozen=True, slots=True)
class Sweep:
    """What another threshold on both sides would have done."""

    threshold: float
    trades: int
    net_profit: float
    win_rate: float | None
    expectancy: float | None
    sharpe: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One model, or the blend of all: its directions, what came of them, and what speaks against it."""

    name: str
    signs: Signs
    run: Run
    performance: Performance
    months: tuple[Month, ...]
    luck: Luck
    faults: tuple[str, ...]


def judged(evidence: Evidence) -> slice:
    """The bars that were judged, as a part of the tape."""
    return slice(evidence.spans[0].first, evidence.spans[-1].last)


def opinions(evidence: Evidence, probabilities: Probabilities) -> dict[str, Signs]:
    """The direction of every model at every judged bar, and of their blend where there are several."""
    part, thresholds = judged(evidence), evidence.thresholds
    signs = {
        name: directions(
            probabilities["long"][name][part],
            probabilities["short"][name][part],
            thresholds["long"][name],
            thresholds["short"][name],
        )
        for name in evidence.models
    }
    if len(signs) > 1:
        signs[BLEND] = blended(signs, Coefficients(dict.fromkeys(signs, 1.0), {}))
    return signs


def case(
    name: str, signs: Signs, tape: Tape, shams: Sequence[Signs], models: int, trials: int, standard: Standard
) -> Case:
    """Trade these directions and weigh what came of them against luck and the placebos' directions."""
    run = deal(tape, signs, standard.terms)
    measured = performance.measure(run.trades, run.equity)
    luck = _luck(tape, signs, run, shams, trials, standard)
    faults = tuple(_faults(measured, luck, models, standard))
    return Case(name, signs, run, measured, performance.months(run.trades, run.equity), luck, faults)


def sweep(long: Floats, short: Floats, tape: Tape, terms: Terms) -> tuple[Sweep, ...]:
    """What each threshold, the same on both sides, would have done with these probabilities."""
    return tuple(_swept(long, short, threshold, tape, terms) for threshold in THRESHOLDS)


def _swept(long: Floats, short: Floats, threshold: float, tape: Tape, terms: Terms) -> Sweep:
    run = deal(tape, directions(long, short, threshold, threshold), terms)
    done = performance.measure(run.trades, run.equity)
    return Sweep(threshold, done.trades, done.net_profit, done.win_rate, done.expectancy, done.sharpe)


def _luck(
    tape: Tape, signs: Signs, run: Run, shams: Sequence[Signs], trials: int, standard: Standard
) -> Luck:
    changes = run.equity.changes
    together = 2.0 * len(tape) / max(len(run.trades), 1)
    opens = np.append(tape.open, tape.close[-1])
    return Luck(
        nothing=chance.nothing(changes, together, standard.draws, standard.seed),
        another_time=chance.another_time(run.positions.astype(np.float64), opens[1:] / opens[:-1] - 1.0),
        placebo=_against(tape, signs, shams, together, standard) if shams else None,
        deflated=chance.deflated(changes, trials),
    )


def _against(tape: Tape, signs: Signs, shams: Sequence[Signs], together: float, standard: Standard) -> float:
    """The chance that the placebos earn as much, before costs: none is beaten by merely trading less."""
    free = standard.terms.free
    real = deal(tape, signs, free).equity.changes
    sham = np.mean([deal(tape, each, free).equity.changes for each in shams], axis=0)
    return chance.nothing(real - sham, together, standard.draws, standard.seed)


def _faults(done: Performance, luck: Luck, models: int, standard: Standard) -> Iterator[str]:
    """What speaks against it, each with its figures; the level is shared between the models."""
    level, sure = standard.level / models, luck.deflated
    if done.trades < standard.trades:
        yield f"{done.trades} trades are too few to tell; {standard.trades} are needed"
    if (done.expectancy or 0.0) <= 0.0:
        yield f"a trade brings {done.expectancy or 0.0:.3%} on average after costs"
    if luck.nothing > level:
        yield f"luck alone brings as much with a chance of {luck.nothing:.1%}, where {level:.1%} is allowed"
    if luck.another_time > level:
        yield f"the same positions at another time bring as much with a chance of {luck.another_time:.1%}"
    if luck.placebo is None:
        yield "no placebo was fitted to compare it with"
    elif luck.placebo > level:
        yield f"models of meaningless labels bring as much with a chance of {luck.placebo:.1%}"
    if sure.probability < 1.0 - standard.level:
        tries = "1 try" if sure.trials == 1 else f"{sure.trials} tries"
        yield (
            f"after {tries} its Sharpe ratio is real with a chance of {sure.probability:.1%}, "
            f"where {1.0 - standard.level:.0%} is demanded"
        )
