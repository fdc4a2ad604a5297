"""Before the judge: the leaks of a training and what is left of it on meaningless labels are found out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import msgspec

from live_trader.core.bars import Tape
from live_trader.errors import TraderError
from live_trader.experts.bundle import Verdict
from live_trader.lab import leaks, placebo
from live_trader.lab.course import Course
from live_trader.lab.evidence import Evidence, Probabilities
from live_trader.lab.judge import judge
from live_trader.lab.leaks.training import BARS
from live_trader.lab.plan import Plan
from live_trader.lab.reports import report
from live_trader.lab.stages import key
from live_trader.lab.walk import Walked, walk
from live_trader.lab.waves import Stage, Waves, abreast, both, settled
from live_trader.lab.workshop import Job


@dataclass(frozen=True, slots=True, eq=False)
class Sentence:
    """What the judge said: the verdict, the models in the order in which to serve them, and his report."""

    verdict: Verdict
    models: tuple[str, ...]
    files: Mapping[str, bytes]


class Examined(msgspec.Struct, frozen=True):
    """The leaks found in the steps of a training, one sentence each."""

    leaks: tuple[str, ...]


def hear(plan: Plan, evidence: Evidence) -> Waves[Sentence]:
    """The judge's sentence on this evidence; without placebos nothing is judged."""
    if not plan.placebos:
        reason = "no judge has seen it: it was trained without placebos, for a first look"
        return Sentence(Verdict(decision="unjudged", reasons=(reason,)), evidence.models, {})
    shams = placebo.meaningless(evidence.labels, plan.placebos, plan.standard.seed)
    course = _kept(plan.course, evidence)
    tape, spans = evidence.tape, evidence.spans
    walks = [settled(walk(course.unscored, tape, spans, labels)) for labels in shams.values()]
    examined, walked = yield from both(_examined(course, tape), abreast(walks))
    given, untaught = _said(dict(zip(shams, walked, strict=True)), evidence.models)
    gaps = map(str, leaks.grid(spans, plan.course.horizon))
    judgement = judge(evidence, given, plan.standard, [*gaps, *examined.leaks], untaught)
    names = tuple(case.name for case in judgement.ranked)
    return Sentence(judgement.verdict, names, {"report.html": report(judgement).encode()})


def _said(
    walked: Mapping[str, Walked | TraderError], models: Iterable[str]
) -> tuple[dict[str, Probabilities], dict[str, str]]:
    """The answers of those placebos that taught every model, and why the others did not.

    A rare target may leave a placebo too few points.
    """
    said: dict[str, Probabilities] = {}
    untaught: dict[str, str] = {}
    for name, each in walked.items():
        if isinstance(each, TraderError):
            untaught[name] = str(each)
        elif each.probabilities["long"].keys() >= set(models):
            said[name] = each.probabilities
        else:
            untaught[name] = "; ".join(each.left_out.values())
    return said, untaught


def _kept(course: Course, evidence: Evidence) -> Course:
    """The course without the families that could not be taught."""
    failed = {family for lesson in evidence.lessons for family in lesson.left_out}
    return replace(course, families=tuple(each for each in course.families if each not in failed))


def examine(course: Course, tape: Tape) -> Examined:
    """Look for leaks in the steps of a course on these bars."""
    return Examined(tuple(map(str, leaks.examine(course, tape, course.families[:1]))))


def _examined(course: Course, tape: Tape) -> Waves[Examined]:
    newest = tape.cut(max(0, len(tape) - course.warm_up - BARS), len(tape))
    job = Job(f"{tape.ticker}: leaks", examine, (course, newest))
    columns = (newest.times, newest.open, newest.high, newest.low, newest.close, newest.volume)
    (outcome,) = yield [Stage(job, key("examine", repr(course), str(tape.ticker), *columns), Examined)]
    found: Examined = outcome.given
    return found
