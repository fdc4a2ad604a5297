"""What a person chooses about a training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from live_trader.core.bars import Tape
from live_trader.errors import BadSettings
from live_trader.lab import spans
from live_trader.lab.cases import Standard
from live_trader.lab.course import Course
from live_trader.lab.spans import Grid, Length, Span


@dataclass(frozen=True, slots=True)
class Plan:
    """What a person chooses about a training; without placebos nothing is judged, and the bundle says so.

    At most `keep` models stay on each side: those with the best mean score in the newest span.
    """

    course: Course = field(default_factory=Course)
    train_span: Length | None = None
    step: Length | None = None
    newest: int | None = 8
    threshold: float = 0.3
    keep: int | None = None
    placebos: int = 2
    standard: Standard = field(default_factory=Standard)

    def __post_init__(self) -> None:
        if not 0.0 <= self.threshold < 1.0:
            raise BadSettings(f"a threshold of {self.threshold} is not from 0 to 1", "0.3 is usual")
        if self.keep is not None and self.keep < 1:
            raise BadSettings(f"{self.keep} models to keep are none", "Keep one at least")

    def spans(self, tape: Tape) -> tuple[Span, ...]:
        """The walk over this tape."""
        usual = spans.usual(tape.ticker.timeframe)
        grid = Grid(self.train_span or usual.train, self.step or usual.step, self.newest)
        apart = self.course.horizon + self.course.embargo
        return spans.spans(tape, grid, apart, self.course.warm_up)


def quick(plan: Plan) -> Plan:
    """The same plan cut down for a first look: one family, one small span of the newest bars, no judge."""
    course = replace(plan.course.unscored, families=plan.course.families[:1])
    return replace(
        plan,
        course=course,
        train_span=plan.train_span or Length(2000, "B"),
        step=plan.step or Length(500, "B"),
        newest=1,
        placebos=0,
    )


def need(plan: Plan, tapes: Sequence[Tape]) -> int:
    """How much memory one process of this training takes, in bytes: what was measured, rounded up."""
    rows = max(span.stop - span.start for tape in tapes for span in plan.spans(tape))
    return 600 * 2**20 + 40 * 8 * rows * len(plan.course.indicators)
