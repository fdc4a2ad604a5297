"""A farm's door answers those who know its secret, and nobody is left hanging."""

import json
import socket
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from live_trader.errors import BadData, BadSettings, NotRunning, TraderError
from live_trader.farm.control import Door, Hold, ask, where


def fail(_: Mapping[str, Any]) -> Mapping[str, Any]:
    raise BadData("that is no name", "Use another")


@pytest.fixture
def run_path(tmp_path: Path) -> Iterator[Path]:
    """The run folder of a farm whose door is open."""
    door = Door(tmp_path, {"echo": dict, "fail": fail})
    door.open({"id": "trader"})
    yield tmp_path
    door.close()


def test_a_request_is_answered(run_path: Path) -> None:
    assert ask(run_path, "echo", name="AUDUSD M1") == {"name": "AUDUSD M1"}


def test_an_error_behind_the_door_keeps_its_sentence_and_its_code(run_path: Path) -> None:
    with pytest.raises(TraderError, match=r"that is no name\. Use another"):
        ask(run_path, "fail")


def test_the_file_that_holds_the_secret_is_private(run_path: Path) -> None:
    assert stat.S_IMODE((run_path / "farm.json").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "request_line",
    [
        b"",
        b"\n",
        b"not json\n",
        b"[]\n",
        b'{"verb": "echo"}\n',
        b'{"verb": "echo", "secret": "wrong"}\n',
        b"1\n",
    ],
)
def test_a_request_without_the_secret_gets_an_error_and_no_answer(
    run_path: Path, request_line: bytes
) -> None:
    with socket.create_connection(("127.0.0.1", where(run_path)["port"]), timeout=5) as connection:
        connection.sendall(request_line)
        connection.shutdown(socket.SHUT_WR)
        answer = json.loads(connection.makefile().readline())
    assert set(answer) == {"error", "code"}


def test_a_verb_that_does_not_exist_is_an_error(run_path: Path) -> None:
    with pytest.raises(TraderError, match="not a request this farm understands"):
        ask(run_path, "dance")


def test_no_farm_is_said_with_exit_code_3(tmp_path: Path) -> None:
    with pytest.raises(NotRunning, match="no farm runs for the work path"):
        ask(tmp_path / "run", "status")


def test_a_file_left_by_a_dead_farm_is_understood(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    (tmp_path / "farm.json").write_text(json.dumps({"pid": 1, "port": port, "secret": "x"}))
    with pytest.raises(NotRunning):
        ask(tmp_path, "status")


def test_a_second_farm_is_kept_out_of_a_work_path(tmp_path: Path) -> None:
    with Hold(tmp_path / "run"), pytest.raises(BadSettings, match="a farm already runs"):
        Hold(tmp_path / "run")
    with Hold(tmp_path / "run"):
        pass


def test_a_work_path_that_cannot_be_written_is_said_in_one_sentence() -> None:
    with pytest.raises(BadSettings, match="the farm cannot write to /proc/nowhere/run"):
        Hold(Path("/proc/nowhere/run"))
