"""The printed configuration runs the farm under the real supervisord."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.farmstead import Farmstead
from tests.farm.test_farm import audit, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@contextmanager
def supervised(place: Farmstead) -> Iterator[subprocess.Popen[bytes]]:
    """The farm as programs of a supervisord of its own."""
    code, text, err = place.say("supervisord")
    assert code == 0, err
    path = place.folder / "supervisord.conf"
    path.write_text(text)
    process = subprocess.Popen(
        [str(Path(sys.executable).parent / "supervisord"), "-c", str(path)], stdout=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def test_a_worker_killed_under_supervisord_is_back_and_its_signals_are_complete(
    farmstead: Callable[..., Farmstead],
) -> None:
    place = farmstead()
    with supervised(place):
        place.until_serving()
        time.sleep(2.0)
        before = place.beats()[place.tickers[0]].pid
        os.kill(before, signal.SIGKILL)
        until(lambda: place.beats()[place.tickers[0]].pid != before)
        until(lambda: place.serving() == 2)
        time.sleep(3.0)
        found = audit(place)
        assert found["signals"] >= 8
        assert (found["missing"], found["twice"]) == (0, 0)
        pids = [beat.pid for beat in place.beats().values()]
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def test_a_program_that_cannot_boot_stays_down_with_its_exit_code(
    farmstead: Callable[..., Farmstead],
) -> None:
    place = farmstead(("AUDUSD",))
    for path in (place.work / "AUDUSD" / "S1" / "deployed").rglob("bundle.json"):
        path.chmod(0o600)
        path.write_text("{}")
    with supervised(place):
        log = place.work / "logs" / "supervisord.log"
        until(lambda: log.exists() and "exited: AUDUSD_S1 (exit status 4; expected)" in log.read_text())
        time.sleep(2.0)
        assert log.read_text().count("spawned: 'AUDUSD_S1'") == 1
