"""No secret of a running farm is where somebody else could read it: no log, no answer, no process list."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.farmstead import Caller, Farmstead
from live_trader.edge.settings import load
from live_trader.farm.process import CRASHED, Stop, live

PLANTED = "planted-secret-0123456789abcdef"


def command_lines(place: Farmstead) -> Iterator[str]:
    """What a process list shows of every process that belongs to this farm."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(place.folder) in line or "forkserver" in line:
            yield line


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="there is no process list to read")
def test_no_secret_is_in_any_log_answer_report_or_process_list(
    farmstead: Callable[..., Farmstead], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = farmstead(("AUDUSD",))
    place.start()
    place.until_serving()
    secrets = [
        *json.loads((place.work / "server" / "own-tokens.json").read_text())["tokens"].values(),
        PLANTED,
    ]
    os.kill(place.pids()["AUDUSD S1"], signal.SIGKILL)
    with pytest.raises(RuntimeError):
        Caller(place.port, PLANTED).call("GET", "/v1/bots")
    monkeypatch.setenv("TRADER__SERVER__TOKEN", PLANTED)
    seen = [" ".join(command_lines(place)), json.dumps(place.status())]
    seen += [
        str(place.say(*words)) for words in (["show-config", "--json"], ["doctor"], ["status", "--json"])
    ]
    time.sleep(2.0)
    assert place.stop() == 0
    seen += [
        path.read_text(errors="replace")
        for path in place.folder.rglob("*")
        if path.is_file() and path.name != "own-tokens.json"
    ]
    assert not [word for word in secrets for text in seen if word in text]


def crash(logs: str) -> None:
    """A process of the farm that dies of something nobody expected, with a secret in its hands."""

    def body(_: Stop) -> None:
        settings, token = load().settings, PLANTED
        assert settings.server.token.reveal() == token
        fault = ValueError(f"could not serve with {settings}")
        fault.add_note("its last bars: 2026-11-20 18:13:00 1.5")
        raise fault

    os._exit(live("AUDUSD_M1", Path(logs), body))


def test_a_crash_report_tells_where_and_of_which_bars_and_no_value_of_a_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADER__SERVER__TOKEN", PLANTED)
    process = multiprocessing.get_context("spawn").Process(target=crash, args=(str(tmp_path),))
    process.start()
    process.join(30)
    assert process.exitcode == CRASHED
    (written,) = (tmp_path / "crashes").iterdir()
    report = written.read_text()
    assert "in body" in report
    assert "its last bars" in report
    assert "msgspec" in report
    assert PLANTED not in report + (tmp_path / "AUDUSD_M1.log").read_text()
    assert not [each for each in (written, written.parent) if each.stat().st_mode & 0o077]


@pytest.mark.slow
def test_the_farms_files_are_for_its_user_alone(farmstead: Callable[..., Farmstead]) -> None:
    place = farmstead(("AUDUSD",))
    place.start()
    place.until_serving()
    assert place.stop() == 0
    folders = [place.work / "run", place.work / "server", place.work / "logs"]
    inside = [place.work / "server", place.work / "AUDUSD", place.models]
    private = [*folders, *(each for folder in inside for each in folder.rglob("*"))]
    assert {"own-tokens.json", "tokens.json", "bundle.json", "deployed.json"} <= {
        each.name for each in private
    }
    assert not [path for path in private if path.stat().st_mode & 0o077]
