"""Many writes, one commit: whoever writes while a commit is on its way to the disk shares the next one."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NamedTuple, TypeVar

from live_trader.edge.server.problems import Problem
from live_trader.edge.server.store.schema import Mark

Result = TypeVar("Result")
Operation = Callable[[sqlite3.Connection], Result]

_MOST_TOGETHER: Final = 128


class _Pending(NamedTuple):
    operation: Operation[Any]
    then: Callable[[Any], None]
    done: asyncio.Future[Any]


class Commits:
    """The one writer of the store.

    Statements run on the event loop, where nothing competes with them for the interpreter; only the commit,
    which waits for the disk, runs on a thread. A write is acknowledged when its commit is on the disk.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        mark: Mark,
        highest: Callable[[], int],
        measure: Callable[[int, float], None],
    ) -> None:
        self._connection = connection
        self._mark = mark
        self._highest = highest
        self._measure = measure
        self._waiting: list[_Pending] = []
        self._task: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, "commit")
        self.fault = ""

    async def write(self, operation: Operation[Result], then: Callable[[Result], None]) -> Result:
        """What the operation answers, once durable; `then` runs first, also when nobody waits any more."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Result] = loop.create_future()
        self._waiting.append(_Pending(operation, then, done))
        if self._task is None or self._task.done():
            self._task = loop.create_task(self._work())
        return await done

    async def close(self) -> None:
        """Finish what is under way."""
        if self._task is not None:
            await asyncio.wait([self._task])
        self._thread.shutdown()

    async def _work(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:_MOST_TOGETHER], self._waiting[_MOST_TOGETHER:]
            outcome = (await asyncio.gather(self._commit(batch), return_exceptions=True))[0]
            if isinstance(outcome, BaseException):
                self._undo(batch, outcome)
                continue
            self.fault = ""
            for pending, result in zip(batch, outcome, strict=True):
                pending.then(result)
                if not pending.done.done():
                    pending.done.set_result(result)

    async def _commit(self, batch: list[_Pending]) -> list[Any]:
        began = time.perf_counter()
        self._connection.execute("BEGIN IMMEDIATE")
        results = [pending.operation(self._connection) for pending in batch]
        highest = self._highest()
        self._connection.execute("UPDATE counter SET seq = ?", (highest,))
        await asyncio.get_running_loop().run_in_executor(self._thread, self._settle, highest)
        self._measure(len(batch), time.perf_counter() - began)
        return results

    def _settle(self, highest: int) -> None:
        self._connection.execute("COMMIT")
        self._mark.raise_to(highest)

    def _undo(self, batch: list[_Pending], fault: BaseException) -> None:
        """Tell everyone of a batch that nothing of it was stored."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        if isinstance(fault, sqlite3.Error):
            self.fault = f"the store cannot be written: {fault}"
            fault = Problem("store_unavailable", self.fault, headers=[(b"retry-after", b"2")])
        for pending in batch:
            if not pending.done.done():
                pending.done.set_exception(fault)
