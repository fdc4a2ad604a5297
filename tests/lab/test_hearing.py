"""One family or one placebo that cannot be taught does not end a training."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from live_trader.core.bars import Floats, Tape
from live_trader.errors import BadData, TraderError
from live_trader.lab.course import Course
from live_trader.lab.evidence import POINT, SIDES, Evidence, Fitted, Labels
from live_trader.lab.hearing import Sentence, hear
from live_trader.lab.plan import Plan
from live_trader.lab.spans import Length
from live_trader.lab.walk import walk
from live_trader.lab.waves import Stage, drive
from live_trader.lab.workshop import Outcome

Make = Callable[..., Tape]


class Picky(Course):
    """A course whose models are the mean row of the points; some families refuse some labels."""

    def fit(self, family: str, columns: tuple[str, ...], rows: Floats, labels: Labels) -> Fitted:
        side_by_side = (labels[1:] == POINT) & (labels[:-1] == POINT)
        if family == "never" or (family == "no neighbours" and side_by_side.any()):
            raise BadData("this family cannot fit here")
        middle, spread = rows[labels == POINT].mean(axis=0), rows.std(axis=0) + 1e-9

        def predict(fresh: Floats) -> Floats:
            return np.exp(-(((fresh - middle) / spread) ** 2).mean(axis=1))

        return Fitted(f"{family}~PC", predict, 1.0, dict.fromkeys(columns, 1.0 / len(columns)), None)


def heard(tape: Tape, *families: str, placebos: int) -> Sentence:
    """The sentence on what these families learn of a tape."""
    course = Picky(families=families, indicators=("bop", "roc", "stoch_k"))
    plan = Plan(
        course=course, train_span=Length(600, "B"), step=Length(150, "B"), newest=2, placebos=placebos
    )
    spans, labels = plan.spans(tape), course.label(tape)
    walked = drive(walk(course, tape, spans, labels), _done)
    names = walked.probabilities["long"]
    evidence = Evidence(
        tape=tape,
        spans=spans,
        labels=labels,
        probabilities=walked.probabilities,
        thresholds={side: dict.fromkeys(names, 0.3) for side in SIDES},
        lessons=walked.lessons,
        trials=len(names),
        steps=course,
    )
    return drive(hear(plan, evidence), _done)


@pytest.fixture(scope="module")
def tape(market: Make) -> Tape:
    return market(2200, 24)


def test_a_first_family_that_fails_is_left_out_of_the_hearing_too(tape: Tape) -> None:
    sentence = heard(tape, "never", "mean", placebos=1)
    assert sentence.models == ("mean~PC",)
    assert sentence.verdict.decision == "refused"
    assert set(sentence.verdict.figures["placebos"]) == {"shifted 1"}
    assert sentence.verdict.figures["untaught_placebos"] == {}
    assert b"could not be taught" not in sentence.files["report.html"]


def test_a_placebo_that_cannot_be_taught_is_not_heard(tape: Tape) -> None:
    """Shuffled points stand side by side, real and shifted ones do not."""
    sentence = heard(tape, "no neighbours", placebos=2)
    assert set(sentence.verdict.figures["placebos"]) == {"shifted 1"}
    untaught = sentence.verdict.figures["untaught_placebos"]
    assert set(untaught) == {"shuffled 1"}
    assert "this family cannot fit here" in untaught["shuffled 1"]
    page = sentence.files["report.html"].decode()
    assert "Of 2 placebos, 1 could not be taught. shuffled 1: no model could be fitted for WALK H1" in page


def test_a_placebo_that_misses_one_of_the_models_is_told_with_the_reason(tape: Tape) -> None:
    sentence = heard(tape, "mean", "no neighbours", placebos=2)
    assert set(sentence.models) == {"mean~PC", "no neighbours~PC"}
    untaught = sentence.verdict.figures["untaught_placebos"]
    assert "no neighbours" in untaught["shuffled 1"]
    assert "this family cannot fit here" in untaught["shuffled 1"]


def _done(stages: Sequence[Stage]) -> list[Outcome]:
    return [_tried(stage) for stage in stages]


def _tried(stage: Stage) -> Outcome:
    try:
        return Outcome(stage.job, stage.job.call(*stage.job.arguments))
    except TraderError as error:
        return Outcome(stage.job, None, str(error))
