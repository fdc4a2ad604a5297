"""Worker processes for long computations: as many as cores and memory allow, and never one left behind."""

from __future__ import annotations

import gc
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

from live_trader.edge.parent import die_with_parent
from live_trader.errors import TraderError

_CONTEXT = get_context("spawn")  # clean on every system, and it leaves the farm's own way of starting alone
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One call to make in a worker; the function and what it is called with travel by pickle."""

    name: str
    call: Callable[..., Any]
    arguments: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What a job gave, or in one sentence why it gave nothing."""

    job: Job
    value: Any
    fault: str = ""

    @property
    def given(self) -> Any:
        """What the job gave, or its fault as an error."""
        if self.fault:
            raise TraderError(f"{self.job.name}: {self.fault}")
        return self.value


@dataclass(slots=True)
class _Hand:
    """A worker process, the pipe to it, and the job in its hands."""

    process: SpawnProcess
    pipe: Connection
    job: Job | None = None


class Workshop:
    """Runs jobs in at most `hands` processes at once; leaving it, however, ends them all."""

    def __init__(self, hands: int) -> None:
        self._limit = max(1, hands)
        self._hands: list[_Hand] = []

    def __enter__(self) -> Self:
        self._folder = TemporaryDirectory(prefix="instant-trader-", ignore_cleanup_errors=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for hand in self._hands:
            hand.process.kill()
        for hand in self._hands:
            _bury(hand)
        self._hands.clear()
        self._folder.cleanup()

    def run(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """The outcome of every job, in the order in which they end, also of one that kills its process."""
        waiting = deque(jobs)
        busy = 0
        while waiting or busy:
            while waiting and busy < self._limit:
                self._give(waiting.popleft())
                busy += 1
            for hand in self._ended():
                busy -= 1
                yield self._receive(hand)

    def _give(self, job: Job) -> None:
        hand = next((each for each in self._hands if each.job is None), None) or self._hire()
        hand.job = job
        # One that has died while it waited is noticed when its answer is asked for.
        with suppress(BrokenPipeError):
            hand.pipe.send(job)

    def _hire(self) -> _Hand:
        ours, theirs = _CONTEXT.Pipe()
        process = _CONTEXT.Process(target=_work, args=(theirs, self._folder.name), daemon=True)
        hand = _Hand(process, ours)
        with _uninterrupted():  # half a process would complain at length of a parent that is gone
            process.start()
            self._hands.append(hand)
        theirs.close()
        return hand

    def _ended(self) -> list[_Hand]:
        """The hands that have answered or died; waits until there is one."""
        busy: dict[Any, _Hand] = {hand.pipe: hand for hand in self._hands if hand.job is not None}
        return [busy[pipe] for pipe in wait(list(busy))]

    def _receive(self, hand: _Hand) -> Outcome:
        job, hand.job = hand.job, None
        assert job is not None
        try:
            value, fault = hand.pipe.recv()
        except (EOFError, OSError):
            self._hands.remove(hand)
            value, fault = None, _ending(_bury(hand))
        return Outcome(job, value, fault)


def hands(memory_limit: int, each: int) -> int:
    """How many workers of so many bytes fit the memory limit and the cores."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if memory_limit < each:
        needed, allowed = f"{each / 2**30:.1f} GiB", f"{memory_limit / 2**30:.1f} GiB"
        raise TraderError(
            f"one training process needs about {needed} of memory where {allowed} are allowed",
            "Raise --memory, or give a shorter --train-span",
        )
    return min(cores, memory_limit // each)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let a Ctrl-C wait until this is done; a process that starts inside is not interrupted at all."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: held.append(number))
    mask = getattr(signal, "pthread_sigmask", None)  # which a new process inherits; Windows has none
    if mask:
        mask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        if mask:
            mask(signal.SIG_UNBLOCK, {signal.SIGINT})
        signal.signal(signal.SIGINT, before)
    if held:
        signal.raise_signal(signal.SIGINT)


def _ending(code: int | None) -> str:
    if code == -signal.SIGKILL:
        return "its process was killed, most likely because memory ran out; lower --processes"
    return f"its process died with {code}"


def _bury(hand: _Hand) -> int | None:
    hand.pipe.close()
    hand.process.join()
    code = hand.process.exitcode
    hand.process.close()
    return code


def _work(pipe: Connection, folder: str) -> None:
    """Take jobs and answer them until the pipe closes."""
    os.environ.update(_ONE_THREAD)  # before the first job brings its libraries in
    os.chdir(folder)  # some libraries leave files where they stand
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends us
    die_with_parent()
    with suppress(EOFError, OSError):
        while True:
            pipe.send(_answer(pipe.recv()))
            gc.collect()


def _answer(job: Job) -> tuple[Any, str]:
    try:
        return job.call(*job.arguments), ""
    except TraderError as error:
        return None, str(error)
    except Exception as error:  # noqa: BLE001 - the one place of this process: foreign code may raise anything
        return None, f"{type(error).__name__}: {str(error).strip() or 'no reason given'}".splitlines()[0]
