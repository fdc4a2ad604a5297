"""Every judged bar is asked about once, of models that have seen nothing of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest

from live_trader.core.bars import Floats, Tape
from live_trader.errors import BadData, TraderError
from live_trader.lab.course import Course
from live_trader.lab.evidence import POINT, SIDES, UNSETTLED, Fitted, Labels, Side
from live_trader.lab.spans import Grid, Length, Span, spans
from live_trader.lab.walk import walk
from live_trader.lab.waves import Stage, abreast, drive, here, settled
from live_trader.lab.workshop import Job, Outcome

Make = Callable[..., Tape]
INDICATORS = ("bop", "roc", "stoch_k")


class Cheap(Course):
    """A course whose models are the mean row of the points: families by name, some of which fail."""

    def fit(self, family: str, columns: tuple[str, ...], rows: Floats, labels: Labels) -> Fitted:
        if family == "fails late" and rows[0, 0] < 0.0:
            raise BadData("this family cannot fit here")
        middle, spread = rows[labels == POINT].mean(axis=0), rows.std(axis=0) + 1e-9

        def predict(fresh: Floats) -> Floats:
            return np.exp(-(((fresh - middle) / spread) ** 2).mean(axis=1))

        weights = dict.fromkeys(columns, 1.0 / len(columns))
        return Fitted(f"{family}~PC", predict, float(len(rows)), weights, middle.tolist())


COURSE = Cheap(families=("mean",), indicators=INDICATORS)


def grid(tape: Tape, course: Course = COURSE) -> tuple[Span, ...]:
    return spans(
        tape, Grid(Length(600, "B"), Length(150, "B"), 4), course.horizon + course.embargo, course.warm_up
    )


def said(
    tape: Tape, labels: Mapping[Side, Labels] | None = None, course: Course = COURSE
) -> dict[tuple[str, str], Floats]:
    walked = here(walk(course, tape, grid(tape), labels or course.label(tape)))
    return {(side, name): line for side in SIDES for name, line in walked.probabilities[side].items()}


@pytest.fixture(scope="module")
def tape(market: Make) -> Tape:
    return market(COURSE.warm_up + 1250, 21)


def test_each_judged_bar_has_one_probability_and_no_other_bar_has_any(tape: Tape) -> None:
    judged = np.zeros(len(tape), dtype=np.bool_)
    for span in grid(tape):
        judged[span.first : span.last] = True
    for line in said(tape).values():
        assert np.array_equal(np.isfinite(line), judged)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_no_answer_changes_with_bars_that_come_after_it(market: Make, tape: Tape, part: float) -> None:
    walk_spans, other = grid(tape), market(len(tape), 22)
    cut = int(walk_spans[0].first + part * (len(tape) - walk_spans[0].first))
    bent = replace(
        tape,
        **{
            name: np.concatenate((getattr(tape, name)[:cut], getattr(other, name)[cut:]))
            for name in ("open", "high", "low", "close", "volume")
        },
    )
    before, after = said(tape), said(bent)
    for which, line in before.items():
        assert np.array_equal(line[:cut], after[which][:cut], equal_nan=True)
        assert not np.array_equal(line[cut:], after[which][cut:], equal_nan=True)


def test_no_label_after_the_training_span_is_seen(tape: Tape) -> None:
    (*_, newest), labels = grid(tape), COURSE.label(tape)
    turned = {side: each.copy() for side, each in labels.items()}
    for each in turned.values():
        each[newest.stop :] = 1 - np.abs(each[newest.stop :])
    before, after = said(tape), said(tape, turned)
    for which, line in before.items():
        assert np.array_equal(line, after[which], equal_nan=True)


def test_bars_whose_label_is_not_settled_teach_nothing(tape: Tape) -> None:
    """Labels missing in the middle, as a rolled placebo has them, change the models and break nothing."""
    labels = {side: each.copy() for side, each in COURSE.label(tape).items()}
    for each in labels.values():
        each[COURSE.warm_up + 200 : COURSE.warm_up + 260] = UNSETTLED
    for which, line in said(tape).items():
        other = said(tape, labels)[which]
        assert np.array_equal(np.isfinite(line), np.isfinite(other))
        assert not np.array_equal(line, other, equal_nan=True)


def test_a_family_that_fails_once_is_left_out_everywhere_and_the_others_go_on(market: Make) -> None:
    course = replace(COURSE, families=("mean", "fails late"))
    tape = market(COURSE.warm_up + 1250, 24)
    stages = walk(course, tape, grid(tape), course.label(tape))
    walked = drive(stages, lambda asked: [_tried(stage) for stage in asked])
    assert list(walked.probabilities["long"]) == list(walked.probabilities["short"]) == ["mean~PC"]
    assert "this family cannot fit here" in walked.left_out["fails late"]
    assert "WALK H1 span" in walked.left_out["fails late"]


def test_when_every_family_fails_all_reasons_are_told(market: Make) -> None:
    course = replace(COURSE, families=("fails late",))
    tape = market(COURSE.warm_up + 1250, 24)
    with pytest.raises(BadData, match=r"no model could be fitted for WALK H1: .*this family cannot fit here"):
        drive(
            walk(course, tape, grid(tape), course.label(tape)),
            lambda asked: [_tried(stage) for stage in asked],
        )


@pytest.mark.parametrize("value", [0, 1])
def test_a_span_whose_target_has_one_class_is_told(tape: Tape, value: int) -> None:
    labels = {side: np.full(len(tape), value, dtype=np.int8) for side in SIDES}
    with pytest.raises(BadData, match=r"there is nothing to tell apart. Give a longer --train-span"):
        said(tape, labels)


def test_prices_that_never_move_are_told(tape: Tape) -> None:
    still = np.ones(len(tape))
    frozen = replace(tape, open=still, high=still, low=still, close=still, volume=still)
    with pytest.raises(BadData, match="the prices do not move"):
        said(frozen, COURSE.label(tape))


def test_with_a_newest_course_only_the_last_models_are_kept(tape: Tape) -> None:
    walked = here(walk(COURSE, tape, grid(tape), COURSE.label(tape), newest=COURSE))
    assert walked.newest["long"]["mean~PC"].pipeline
    plain = here(walk(COURSE, tape, grid(tape), COURSE.label(tape)))
    assert not plain.newest["long"]["mean~PC"].pipeline
    assert [lesson.side for lesson in walked.lessons] == list(SIDES) * len(grid(tape))


def test_works_side_by_side_give_what_each_gives_alone_and_a_failure_stays_its_own() -> None:
    def work(rounds: int):
        total = 0
        for turn in range(rounds):
            answers = yield [Stage(Job(f"{rounds}", sum, ([turn, rounds],)))] * turn
            total += sum(answer.value for answer in answers)
        if rounds == 3:
            raise TraderError("three is not to be had")
        return total

    asked: list[int] = []

    def do(stages: list[Stage]) -> list[Outcome]:
        asked.append(len(stages))
        return [_tried(stage) for stage in stages]

    alone = [here(settled(work(rounds))) for rounds in (0, 2, 3, 5)]
    results = drive(abreast([settled(work(rounds)) for rounds in (0, 2, 3, 5)]), do)
    assert [str(each) for each in results] == [str(each) for each in alone]
    assert str(results[2]) == "three is not to be had"
    assert asked == [0, 3, 4, 3, 4]


def _tried(stage: Stage) -> Outcome:
    try:
        return Outcome(stage.job, stage.job.call(*stage.job.arguments))
    except TraderError as error:
        return Outcome(stage.job, None, str(error))
