"""A zoo of leaks: mistakes that people really make, each of which the check for leaks has to find."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from live_trader.core.bars import Floats, Tape
from live_trader.lab.leaks import Leak, examine, features, grid
from live_trader.lab.spans import Span
from live_trader.lab.zoo.ahead import next_change
from live_trader.lab.zoo.columns import EXHIBITS, Column
from live_trader.lab.zoo.training import FAMILY, PUPILS, Pupil, honest
from live_trader.lab.zoo.walks import WALKS
from live_trader.lab.zoo.whole import from_a_calendar, from_a_file

MEMORY = 64
"""How many bars the features on show claim to look back."""

GRIDS = {
    "nothing kept apart": (Span(0, 0, 500, 500, 700),),
    "too little kept apart": (Span(0, 0, 500, 505, 700),),
    "taught what is judged": (Span(0, 0, 600, 500, 700),),
    "judged twice": (Span(0, 0, 500, 530, 700), Span(1, 100, 600, 630, 800)),
}


def visit(tape: Tape) -> Iterator[tuple[str, list[Leak]]]:
    """Every exhibit by name, with what the check finds on this tape; nothing found is a leak missed."""
    for name, column in _columns(tape).items():
        yield name, features(partial(_table, column), tape, (name,), MEMORY)
    for pupil in PUPILS:
        yield pupil.__name__, examine(pupil(), tape, (FAMILY,))
    for name, walk in WALKS.items():
        yield name, examine(Pupil(), tape, (), walk)
    for name, spans in GRIDS.items():
        yield name, list(grid(spans, Pupil().horizon))


def _columns(tape: Tape) -> dict[str, Column]:
    """The leaking features, and two that were made of this very tape beforehand."""
    known = next_change(tape)
    return {
        **EXHIBITS,
        "from a file": from_a_file(known),
        "from a calendar": from_a_calendar(dict(zip(tape.times.tolist(), known.tolist(), strict=True))),
    }


def _table(column: Column, tape: Tape) -> Floats:
    return column(tape)[:, None]


def clean(tape: Tape) -> list[Leak]:
    """What the check finds in an honest training and its walk; anything is a false alarm."""
    spans = (Span(0, 0, 476, 500, 600), Span(1, 100, 576, 600, 700))
    return [*examine(Pupil(), tape, (FAMILY,), honest), *grid(spans, Pupil().horizon)]
