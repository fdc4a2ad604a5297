"""The parent keeps real processes alive, and leaves none behind."""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from live_trader.core.bars import Ticker
from live_trader.edge.clock import Clock
from live_trader.farm.process import Stop, live
from live_trader.farm.pulse import Beat, Phase, Pulse
from live_trader.farm.states import Policy, State
from live_trader.farm.supervisor import Limits, Spec, Supervisor, context

POLICY = Policy(max_restarts=3, within=60.0, first=0.05, longest=0.2)
LIMITS = Limits(boot=20.0, silence=1.0, drain=2.0)


def child(page: str, way: str) -> None:
    """A process that lives the way it is told."""

    def body(stop: Stop) -> None:
        pulse = Pulse.own(Path(page))
        beat = Beat(pid=os.getpid(), phase=Phase.SERVING, reason="cannot, because" if way == "fatal" else "")
        if way == "at once":
            pulse.write(Beat(Phase.FAILED, pid=os.getpid(), reason="cannot, because"))
            time.sleep(0.3)
            os._exit(4)
        while True:
            beat.beaten, beat.last_bar = time.monotonic(), 1_760_000_040
            pulse.write(beat)
            if way == "fatal":
                os._exit(4)
            if way == "crash":
                os._exit(9)
            if way == "silent":
                time.sleep(3600)
            if way == "deaf":
                with contextlib.suppress(Exception):
                    stop.rest(0.05)
                time.sleep(0.05)
                continue
            stop.rest(0.05)

    os._exit(live(Path(page).stem, Path(page).parent, body))


@pytest.fixture(params=["forkserver", "spawn"])
def supervisor(request: pytest.FixtureRequest) -> Iterator[Supervisor]:
    """A supervisor by each way of starting processes; its children are gone afterwards."""
    made = Supervisor(
        context(request.param, "live_trader.farm.pulse"), POLICY, LIMITS, Clock(), lambda _: None
    )
    yield made
    made.stop()
    assert made.children == {}


def spec(tmp_path: Path, way: str, name: str = "AUDUSD M1") -> Spec:
    page = tmp_path / f"{Ticker.parse(name).symbol}.pulse"
    return Spec(name, child, (str(page), way), page, bot="trader")


def until(supervisor: Supervisor, reached: Callable[[], bool], seconds: float = 30.0) -> None:
    """Let the supervisor work until something holds."""
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, [event.text for event in supervisor.events]
        supervisor.step(0.02)


def state(supervisor: Supervisor, name: str = "AUDUSD M1") -> State:
    return supervisor.children[name].life.state


def test_a_killed_child_is_back_and_the_other_never_noticed(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.want([spec(tmp_path, "good"), spec(tmp_path, "good", "EURUSD M1")])
    until(supervisor, lambda: {state(supervisor), state(supervisor, "EURUSD M1")} == {State.RUNNING})
    other = supervisor.children["EURUSD M1"].process
    victim = supervisor.children["AUDUSD M1"].process
    assert other
    assert victim
    assert victim.pid
    os.kill(victim.pid, signal.SIGKILL)
    until(supervisor, lambda: supervisor.children["AUDUSD M1"].life.restarts == 1)
    until(supervisor, lambda: state(supervisor) is State.RUNNING)
    assert supervisor.children["EURUSD M1"].process is other
    assert any("killed by SIGKILL" in event.text for event in supervisor.events)


def test_a_child_that_cannot_boot_is_fatal_with_its_reason_and_is_not_retried(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    supervisor.want([spec(tmp_path, "fatal")])
    until(supervisor, lambda: state(supervisor) is State.FATAL)
    assert supervisor.children["AUDUSD M1"].life.reason == "cannot, because"
    assert supervisor.children["AUDUSD M1"].life.restarts == 0


def test_a_child_that_fails_before_its_first_beat_never_ran_and_is_not_called_silent(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    supervisor.want([spec(tmp_path, "at once")])
    until(supervisor, lambda: state(supervisor) is State.FATAL)
    assert [event.text for event in supervisor.events] == ["cannot run: cannot, because"]


def test_a_child_that_has_just_died_by_itself_does_not_break_the_stop(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    """A forkserver buries its children itself: there is nobody left to send the signal to."""
    supervisor.want([spec(tmp_path, "at once")])
    supervisor.step(0.02)
    process = supervisor.children["AUDUSD M1"].process
    assert process
    process.join(30.0)
    assert state(supervisor) is State.STARTING
    supervisor.stop()


def test_a_supervisor_that_ends_early_leaves_nobody_it_would_wait_for(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    supervisor.want([spec(tmp_path, "good"), spec(tmp_path, "deaf", "EURUSD M1")])
    until(supervisor, lambda: {state(supervisor), state(supervisor, "EURUSD M1")} == {State.RUNNING})
    processes = [child.process for child in supervisor.children.values() if child.process]
    supervisor.abandon()
    for process in processes:
        process.join(10.0)
    assert [process.exitcode for process in processes] == [-signal.SIGKILL, -signal.SIGKILL]


def test_a_child_that_crashes_too_often_is_quarantined_until_a_person_asks(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    supervisor.want([spec(tmp_path, "crash")])
    until(supervisor, lambda: state(supervisor) is State.FATAL)
    assert "quarantined: 4 crashes" in supervisor.children["AUDUSD M1"].life.reason
    supervisor.restart("AUDUSD M1")
    until(supervisor, lambda: state(supervisor) in (State.STARTING, State.RUNNING, State.BACKOFF))


def test_a_silent_child_is_killed_and_replaced(
    supervisor: Supervisor, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    supervisor.want([spec(tmp_path, "silent")])
    until(supervisor, lambda: supervisor.children["AUDUSD M1"].life.restarts == 1)
    assert any("was silent for" in event.text for event in supervisor.events)
    told = [vars(each) for each in caplog.records if each.levelname == "WARNING"]
    assert {(each["bot"], each["ticker"], each["bar"]) for each in told} == {
        ("trader", "AUDUSD M1", "2025-10-09T08:54:00Z")
    }
    assert all("was silent for" in each["cause"] for each in told)


def test_a_stopped_child_is_killed_and_replaced(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.want([spec(tmp_path, "good")])
    until(supervisor, lambda: state(supervisor) is State.RUNNING)
    process = supervisor.children["AUDUSD M1"].process
    assert process
    assert process.pid
    os.kill(process.pid, signal.SIGSTOP)
    until(supervisor, lambda: supervisor.children["AUDUSD M1"].life.restarts == 1)


def test_a_child_that_ignores_the_stop_is_killed_in_the_end(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.want([spec(tmp_path, "deaf")])
    until(supervisor, lambda: state(supervisor) is State.RUNNING)
    started = time.monotonic()
    supervisor.stop()
    assert time.monotonic() - started < LIMITS.drain + 5.0


def test_only_the_child_whose_spec_changed_is_restarted(supervisor: Supervisor, tmp_path: Path) -> None:
    keeps, changes = spec(tmp_path, "good"), spec(tmp_path, "good", "EURUSD M1")
    supervisor.want([keeps, changes])
    until(supervisor, lambda: {state(supervisor), state(supervisor, "EURUSD M1")} == {State.RUNNING})
    kept, replaced = (supervisor.children[name].process for name in ("AUDUSD M1", "EURUSD M1"))
    supervisor.want([keeps, spec(tmp_path, "silent", "EURUSD M1")])
    until(supervisor, lambda: supervisor.children["EURUSD M1"].process not in (replaced, None))
    assert supervisor.children["AUDUSD M1"].process is kept
    supervisor.want([keeps])
    until(supervisor, lambda: "EURUSD M1" not in supervisor.children)


def test_a_forkserver_finds_this_program_also_where_it_is_not_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is started without the door's folder, and would share nothing with its children."""
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    for _ in range(2):
        context("forkserver", "live_trader.farm.pulse")
    here, *rest = os.environ["PYTHONPATH"].split(os.pathsep)
    assert (Path(here) / "live_trader" / "farm" / "warm.py").is_file()
    assert rest == ["elsewhere"]
