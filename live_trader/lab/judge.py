"""The judge: every model's case, and one verdict that noise does not get past."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

from live_trader.core.accuracy import Accuracy, score
from live_trader.core.bars import Tape, moment
from live_trader.core.performance import measure
from live_trader.experts.bundle import Verdict
from live_trader.lab import lessons
from live_trader.lab.cases import BLEND, Case, Standard, Sweep, case, judged, opinions, sweep
from live_trader.lab.dealing import Run, deal
from live_trader.lab.evidence import SIDES, Evidence, Probabilities, Side

STANDARD = Standard()


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """All the judge saw; `tape` holds the judged bars only, `placebos` what trading each of them gave.

    `untaught` says of every other placebo why there is none.
    """

    evidence: Evidence
    tape: Tape
    standard: Standard
    leaks: tuple[str, ...]
    cases: Mapping[str, Case]
    accuracy: Mapping[Side, Mapping[str, Accuracy]]
    sweeps: Mapping[str, tuple[Sweep, ...]]
    placebos: Mapping[str, Mapping[str, Run]]
    untaught: Mapping[str, str]

    @property
    def ranked(self) -> tuple[Case, ...]:
        """The models in the order in which to serve them: those without fault first, then the surest."""
        single = (each for each in self.cases.values() if each.name != BLEND)
        return tuple(sorted(single, key=lambda each: (len(each.faults), -each.luck.deflated.probability)))

    @property
    def verdict(self) -> Verdict:
        """Deployable when a model alone has no fault and training has no leak."""
        ranked, against = self.ranked, [f"training leaks: {leak}" for leak in self.leaks]
        worthy = [each for each in ranked if not each.faults]
        if worthy and not against:
            return Verdict(decision="deployable", reasons=tuple(map(_praise, worthy)), figures=self.figures)
        if not worthy:
            against += [f"{each.name}: {fault}" for each in ranked for fault in each.faults]
        return Verdict(decision="refused", reasons=tuple(against), figures=self.figures)

    @property
    def figures(self) -> dict[str, Any]:
        """Everything that was measured, as the manifest keeps it."""
        return {
            "judged": [moment(int(self.tape.times[at])).isoformat() for at in (0, -1)],
            "bars": len(self.tape),
            "standard": asdict(self.standard),
            "deployable_models": [each.name for each in self.ranked if not each.faults],
            "models": {name: self._told(each) for name, each in self.cases.items()},
            "placebos": {
                name: {model: asdict(measure(run.trades, run.equity)) for model, run in runs.items()}
                for name, runs in self.placebos.items()
            },
            "untaught_placebos": dict(self.untaught),
            "steadiness": {side: lessons.steadiness(self.evidence.lessons, side) for side in SIDES},
            "leaks": list(self.leaks),
        }

    def _told(self, case: Case) -> dict[str, Any]:
        return {
            "faults": list(case.faults),
            "performance": asdict(case.performance),
            "luck": asdict(case.luck),
            "months": [asdict(month) for month in case.months],
            "accuracy": {
                side: asdict(scores[case.name])
                for side, scores in self.accuracy.items()
                if case.name in scores
            },
        }


def judge(
    evidence: Evidence,
    placebos: Mapping[str, Probabilities],
    standard: Standard = STANDARD,
    leaks: Sequence[str] = (),
    untaught: Mapping[str, str] = MappingProxyType({}),
) -> Judgement:
    """Trade every model's out-of-sample opinions and weigh whether one of them deserves to be deployed.

    `placebos` are the answers of models fitted to meaningless labels, `untaught` says of which it was
    impossible and why, `leaks` what the leak check found.
    """
    part, models, said = judged(evidence), evidence.models, evidence.probabilities
    tape, trials = evidence.tape.cut(part.start, part.stop), max(evidence.trials, len(models))
    shams = {name: opinions(evidence, given) for name, given in placebos.items()}
    return Judgement(
        evidence=evidence,
        tape=tape,
        standard=standard,
        leaks=tuple(leaks),
        cases={
            name: case(name, signs, tape, [s[name] for s in shams.values()], len(models), trials, standard)
            for name, signs in opinions(evidence, said).items()
        },
        accuracy={side: _accuracy(evidence, side, part) for side in SIDES},
        sweeps={
            name: sweep(said["long"][name][part], said["short"][name][part], tape, standard.terms)
            for name in models
        },
        placebos={
            name: {model: deal(tape, each, standard.terms) for model, each in sham.items()}
            for name, sham in shams.items()
        },
        untaught=untaught,
    )


def _accuracy(evidence: Evidence, side: Side, part: slice) -> dict[str, Accuracy]:
    said, thresholds = evidence.probabilities[side], evidence.thresholds[side]
    scores = {
        name: score(evidence.labels[side][part], said[name][part], thresholds[name])
        for name in evidence.models
    }
    return {name: each for name, each in scores.items() if each is not None}


def _praise(case: Case) -> str:
    done, luck = case.performance, case.luck
    return (
        f"{case.name}: {done.trades} trades brought {done.expectancy or 0.0:.3%} each after costs; luck does "
        f"as well with a chance of {luck.nothing:.2%}, a placebo with {luck.placebo or 0.0:.2%}"
    )
