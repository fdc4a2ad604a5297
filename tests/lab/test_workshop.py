"""Workers do what they are given, tell how they failed, and never outlive the one who hired them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from multiprocessing.context import SpawnProcess
from pathlib import Path

import psutil
import pytest

import live_trader
from live_trader.errors import TraderError
from live_trader.lab.workshop import Job, Outcome, Workshop, hands


def run(*jobs: Job, at_once: int = 2) -> dict[str, Outcome]:
    with Workshop(at_once) as workshop:
        return {outcome.job.name: outcome for outcome in workshop.run(jobs)}


def test_ctrl_c_waits_until_a_worker_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker whose parent stops in the middle of starting it would print a trace of its own."""
    begin, whole = SpawnProcess.start, []

    def interrupted(process: SpawnProcess) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        begin(process)
        whole.append(process.pid)

    monkeypatch.setattr(SpawnProcess, "start", interrupted)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), Workshop(1) as workshop:
        list(workshop.run([Job("add", divmod, (9, 7))]))
    assert len(whole) == 1
    assert not psutil.pid_exists(whole[0])
    assert signal.getsignal(signal.SIGINT) is before


def test_every_job_is_answered_once_whatever_the_others_do() -> None:
    """One divides by zero, one refuses on purpose, one takes its process down; the rest are done."""
    done = run(
        *(Job(f"add {n}", divmod, (n, 7)) for n in range(9)),
        Job("zero", divmod, (1, 0)),
        Job("refuses", hands, (1, 2)),
        Job("killed", os.abort),
    )
    assert [done[f"add {n}"].value for n in range(9)] == [divmod(n, 7) for n in range(9)]
    assert done["zero"].fault.startswith("ZeroDivisionError")
    assert done["refuses"].fault.startswith("one training process needs about")
    assert "its process died with" in done["killed"].fault
    with pytest.raises(TraderError, match="zero: ZeroDivisionError"):
        _ = done["zero"].given


def test_workers_use_one_thread_each_and_leave_no_file_where_the_user_stands(tmp_path: Path) -> None:
    done = run(Job("threads", os.getenv, ("OMP_NUM_THREADS",)), Job("folder", os.getcwd))
    assert done["threads"].value == "1"
    assert done["folder"].value != str(Path.cwd())
    assert not Path(done["folder"].value).exists()


def test_leaving_the_workshop_in_the_middle_ends_its_workers_at_once() -> None:
    before = {each.pid for each in psutil.Process().children(recursive=True)}
    began = time.monotonic()
    with Workshop(2) as workshop:
        jobs = [Job("quick", abs, (-1,)), *(Job("slow", time.sleep, (60,)) for _ in range(2))]
        assert next(workshop.run(jobs)).value == 1
    assert time.monotonic() - began < 20
    left = [each for each in psutil.Process().children(recursive=True) if each.pid not in before]
    assert [each.cmdline() for each in left if "spawn_main" in " ".join(each.cmdline())] == []


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_no_worker_outlives_a_parent_that_dies(tmp_path: Path, how: signal.Signals) -> None:
    program = tmp_path / "parent.py"
    program.write_text(
        textwrap.dedent("""
        import time
        from live_trader.lab.workshop import Job, Workshop
        if __name__ == "__main__":
            with Workshop(2) as workshop:
                for outcome in workshop.run([Job("now", abs, (-1,)), *[Job("slow", time.sleep, (120,))] * 2]):
                    print("started", flush=True)
        """)
    )
    parent = subprocess.Popen(
        [sys.executable, str(program)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(Path(live_trader.__file__).parents[1])},
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"started\n"
    children = psutil.Process(parent.pid).children(recursive=True)
    assert children
    parent.send_signal(how)
    parent.wait(20)
    _, alive = psutil.wait_procs(children, timeout=20)
    assert alive == []


def test_memory_decides_how_many_work_and_too_little_is_told() -> None:
    assert hands(10**12, 1) >= 1
    assert hands(3 * 2**30, 2 * 2**30) == 1
    with pytest.raises(
        TraderError, match=r"needs about 2.0 GiB of memory where 1.0 GiB are allowed. Raise --memory"
    ):
        hands(2**30, 2 * 2**30)
