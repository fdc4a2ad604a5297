"""From tapes to bundles: each ticker is walked, judged, and what was learnt put on the shelf."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from live_trader.core.bars import Tape, Ticker, moment
from live_trader.errors import TraderError
from live_trader.experts.bundle import Period, Verdict
from live_trader.experts.bundle import Training as Facts
from live_trader.lab.binding import Binding, Lot, bound, lot
from live_trader.lab.evidence import SIDES, Evidence, Labels, Side
from live_trader.lab.families import SETUP
from live_trader.lab.hearing import hear
from live_trader.lab.plan import Plan, need, quick
from live_trader.lab.progress import Progress
from live_trader.lab.spans import Span
from live_trader.lab.stages import Stages
from live_trader.lab.walk import Walked, walk
from live_trader.lab.waves import Stage, Waves, abreast, drive, settled
from live_trader.lab.workshop import Job, Outcome, Workshop

__all__ = ["Plan", "Shelved", "Training", "need", "quick", "school"]


@dataclass(frozen=True, slots=True)
class Shelved:
    """What became of one ticker: its bundle, the verdict on it, and why families are missing."""

    ticker: Ticker
    folder: Path
    verdict: Verdict
    left_out: Mapping[str, str]


def school(plan: Plan, tape: Tape, folder: Path, created: datetime) -> Waves[Shelved]:
    """The whole way of one ticker, from its bars to its bundle in this folder.

    The judge hears what the models of all spans said of bars they had not seen; those of the newest span are
    bound.
    """
    spans, labels = plan.spans(tape), plan.course.label(tape)
    walked = yield from walk(plan.course.unscored, tape, spans, labels, newest=plan.course)
    evidence = _evidence(plan, tape, spans, labels, walked)
    sentence = yield from hear(plan, evidence)
    recipes = {each.side: each.recipe for each in walked.lessons if each.span == spans[-1]}
    lots: dict[Side, Lot] = {}
    for side in SIDES:
        pipelines = {name: walked.newest[side][name].pipeline for name in sentence.models}
        lots[side] = lot(tape, recipes[side], pipelines, evidence.thresholds[side])
    newest = tape.cut(max(0, len(tape) - plan.course.warm_up), len(tape))
    binding = Binding(newest, lots, _facts(plan, evidence), sentence.verdict, sentence.files)
    path = yield from bound(binding, folder.resolve(), created)
    return Shelved(tape.ticker, path, sentence.verdict, walked.left_out)


class Training:
    """One run over any number of tickers; a second one goes on from the stages the first has finished."""

    def __init__(self, plan: Plan, workshop: Workshop, stages: Stages, progress: Progress) -> None:
        self._plan = plan
        self._workshop = workshop
        self._stages = stages
        self._progress = progress

    def run(
        self, tapes: Sequence[Tape], folder: Callable[[Ticker], Path], created: datetime
    ) -> Iterator[Shelved]:
        """Train all tickers side by side; a ticker that fails is told after the others have been given."""
        self._progress.expect(sum(_pieces(self._plan, tape) for tape in tapes))
        schools = [settled(school(self._plan, tape, folder(tape.ticker), created)) for tape in tapes]
        results = drive(abreast(schools), self._do)
        yield from (each for each in results if isinstance(each, Shelved))
        failures = [each for each in results if isinstance(each, TraderError)]
        if len(failures) == 1:
            raise failures[0]
        if failures:
            raise TraderError(f"{len(failures)} tickers failed: {'; '.join(map(str, failures))}")

    def _do(self, stages: Sequence[Stage]) -> Sequence[Outcome]:
        """The outcome of every stage, in order, from the cache or from the workshop."""
        found: dict[Job, Outcome] = {}
        for stage in stages:
            value = self._stages.load(stage.key, stage.kind) if stage.key else None
            if value is not None:
                found[stage.job] = Outcome(stage.job, value)
                self._progress.done(stage.job.name, again=True)
        missing = {stage.job: stage.key for stage in stages if stage.job not in found}
        for outcome in self._workshop.run(list(missing)):
            if missing[outcome.job] and not outcome.fault:
                self._stages.store(missing[outcome.job], outcome.value)
            found[outcome.job] = outcome
            self._progress.done(outcome.job.name)
        return [found[stage.job] for stage in stages]


def _evidence(
    plan: Plan, tape: Tape, spans: tuple[Span, ...], labels: Mapping[Side, Labels], walked: Walked
) -> Evidence:
    scores = {name: sum(walked.newest[side][name].score for side in SIDES) for name in walked.newest["long"]}
    kept = sorted(scores, key=lambda name: -scores[name])[: plan.keep]
    return Evidence(
        tape=tape,
        spans=spans,
        labels=labels,
        probabilities={side: {name: walked.probabilities[side][name] for name in kept} for side in SIDES},
        thresholds={side: dict.fromkeys(kept, plan.threshold) for side in SIDES},
        lessons=walked.lessons,
        trials=len(scores),
        steps=plan.course,
    )


def _pieces(plan: Plan, tape: Tape) -> int:
    """How many stages the whole way of one ticker has."""
    try:
        spans = len(plan.spans(tape))
    except TraderError:
        return 0
    families = len(plan.course.families)
    walk = spans * (1 + len(SIDES) * families)
    proofs = len(SIDES) * min(families, plan.keep or families)
    return walk * (1 + plan.placebos) + (plan.placebos > 0) + proofs + 1


def _facts(plan: Plan, evidence: Evidence) -> Facts:
    def period(purpose: Literal["train", "test"], first: int, last: int) -> Period:
        return Period(purpose, *(moment(int(evidence.tape.times[at])) for at in (first, last - 1)))

    return Facts(
        spans=tuple(
            each
            for span in evidence.spans
            for each in (period("train", span.start, span.stop), period("test", span.first, span.last))
        ),
        data_hash=_hash(evidence.tape),
        seeds={"session_id": int({**SETUP, **plan.course.setup}["session_id"])},
        settings=asdict(plan),
    )


def _hash(tape: Tape) -> str:
    digest = hashlib.sha256(str(tape.ticker).encode())
    for column in (tape.times, tape.open, tape.high, tape.low, tape.close, tape.volume):
        digest.update(column.tobytes())
    return digest.hexdigest()
