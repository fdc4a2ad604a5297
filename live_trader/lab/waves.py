"""Long work as generators: each asks for a wave of stages, is told their outcomes, and asks for the next."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias, TypeVar, cast

import msgspec

from live_trader.errors import TraderError
from live_trader.lab.workshop import Job, Outcome

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """A job; where it has a key, its result is of this kind and worth keeping under the key."""

    job: Job
    key: str = ""
    kind: type[msgspec.Struct] = msgspec.Struct


Waves: TypeAlias = Generator[Sequence[Stage], Sequence[Outcome], T]
Do = Callable[[Sequence[Stage]], Sequence[Outcome]]


def abreast(works: Sequence[Waves[T]]) -> Waves[list[T]]:
    """Several works side by side: what they ask for at the same time is done at the same time."""
    results: dict[int, T] = {}
    answers: dict[int, Sequence[Outcome] | None] = dict.fromkeys(range(len(works)))
    while answers:
        asked: dict[int, Sequence[Stage]] = {}
        for number, answer in answers.items():
            try:
                asked[number] = works[number].send(answer)  # type: ignore[arg-type]  # None starts it
            except StopIteration as end:
                results[number] = end.value
        outcomes = iter((yield [stage for stages in asked.values() for stage in stages]) if asked else ())
        answers = {number: list(islice(outcomes, len(stages))) for number, stages in asked.items()}
    return [results[number] for number in range(len(works))]


def both(one: Waves[T], other: Waves[U]) -> Waves[tuple[T, U]]:
    """Two works of different kinds side by side."""
    works: list[Waves[T | U]] = [one, other]
    first, second = yield from abreast(works)
    return cast(T, first), cast(U, second)


def settled(work: Waves[T]) -> Waves[T | TraderError]:
    """The same work, where a failure is a result."""
    try:
        return (yield from work)
    except TraderError as error:
        return error


def drive(work: Waves[T], do: Do) -> T:
    """Do what the work asks for, wave by wave, to its result."""
    try:
        stages = next(work)
        while True:
            stages = work.send(do(stages))
    except StopIteration as end:
        result: T = end.value
        return result


def here(work: Waves[T]) -> T:
    """The work done in this process, one job after the other; a job's failure is raised as it is."""
    return drive(
        work, lambda stages: [Outcome(each.job, each.job.call(*each.job.arguments)) for each in stages]
    )
