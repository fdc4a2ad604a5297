"""A desk killed with SIGKILL at each of its steps ends with the book and the broker of an undisturbed run."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from live_trader.core.portfolio import TradingState
from live_trader.farm.desk import Desk
from tests.farm.desk.market import Account, Fact, facts, portfolio

MISCHIEF = {
    "paper.partial": 0.5,
    "paper.rejected": 0.1,
    "paper.unanswered": 0.2,
    "paper.delayed": 0.2,
    "slippage": 0.0001,
    "fee_rate": 0.0001,
}
ACTS = ("begin", "append", "sync", "submit", "cancel", "inquire", "see", "settle")


def story(count: int) -> list[Fact]:
    """Bars and signals, only-close in the middle, and a new portfolio after it."""
    told = [each for _, each in facts(count)]
    half, later = len(told) // 2, 3 * len(told) // 4
    told[half:half] = [portfolio(2, "REDUCING")]
    told[later:later] = [portfolio(3)]
    return list(enumerate(told, 1))


class Tripwire:
    """Passes every call on, and kills its own process before or after the call of a given number."""

    def __init__(self, at: float) -> None:
        self.at = at
        self.calls = 0

    def around(self, _: str, part: Any) -> Any:
        return Tripped(self, part)

    def step(self, half: float) -> None:
        if self.calls + half == self.at:
            os.kill(os.getpid(), signal.SIGKILL)


class Tripped:
    def __init__(self, wire: Tripwire, part: Any) -> None:
        self._wire, self._part = wire, part

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._part, name)
        if name not in ACTS:
            return found

        def call(*args: Any) -> Any:
            self._wire.calls += 1
            self._wire.step(0.0)
            try:
                return found(*args)
            finally:
                self._wire.step(0.5)

        return call


def every() -> int:
    """Every step with CHAOS set, as `make chaos` does; without it, one in eleven."""
    return 1 if os.environ.get("CHAOS") else 11


def account(folder: Path, given: dict[str, Any], wire: Tripwire) -> Account:
    return Account(folder, given=given, wrap=wire.around)


def killed(folder: Path, given: dict[str, Any], told: list[Fact], at: float) -> None:
    """Run the story in a process that kills itself at this step."""
    pid = os.fork()
    if pid == 0:
        account(folder, given, Tripwire(at)).run(told)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGKILL


def ended(desk: Desk, at: Account) -> tuple[Any, ...]:
    """Everything that has to be equal in the end: the book, the broker's orders and holdings, its fills."""
    fills = [line.event for line in at.statement if type(line.event).__name__ == "Filled"]
    return desk.book, at.working, at.holdings, fills


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("given", "first"), [({}, 0), (MISCHIEF, 1), ({"fill_at": "close", "on_reducing": "hold"}, 2)]
)
def test_killed_at_any_step_nothing_is_lost_and_nothing_doubled(
    tmp_path: Path, given: dict[str, Any], first: int
) -> None:
    told = story(7)
    counting = Tripwire(-1.0)
    calm = account(tmp_path / "calm", given, counting)
    expected = ended(calm.run(told), calm)
    assert expected[0].serial >= 2
    assert counting.calls > 60
    halves = [step / 2 for step in range(2 + first, 2 * counting.calls + 2, every())]
    for at in halves:
        folder = tmp_path / f"{at}"
        killed(folder, given, told, at)
        after = account(folder, given, Tripwire(-1.0))
        assert ended(after.run(told), after) == expected, f"killed at step {at}"


def test_a_panic_killed_at_any_step_and_asked_for_again_ends_flat_and_halted(tmp_path: Path) -> None:
    told = facts(9)
    counting = Tripwire(-1.0)
    calm = account(tmp_path / "calm", {}, counting)
    before = calm.run(told)
    assert any(each.held for each in before.book.positions.values())
    begun = counting.calls
    for half in range(2, 40, 5):
        folder = tmp_path / f"{half}"
        pid = os.fork()
        if pid == 0:
            wire = Tripwire(begun + half / 2)
            at = account(folder, {}, wire)
            at.panic = True
            at.run(told)
            os._exit(0)
        os.waitpid(pid, 0)
        again = account(folder, {}, Tripwire(-1.0))
        again.panic = True
        desk = again.run(told)
        assert desk.book.state is TradingState.HALTED
        assert (desk.book.positions, desk.book.orders) == ({}, {}), half
        assert (dict(again.working), again.holdings) == ({}, {})
        assert desk.book.serial == before.book.serial
