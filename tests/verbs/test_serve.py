"""The verbs of the server: tokens are made, listed, rotated and revoked; the server runs alone."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from live_trader.verbs.door import enter

ROOT = Path(__file__).parents[2]


def say(capsys: pytest.CaptureFixture[str], work: Path, *words: str) -> tuple[int, Any]:
    """Run one verb with --json: its exit code, and what it said."""
    code = enter([*words, "--work-path", str(work), "--json"])
    out = capsys.readouterr().out
    return code, json.loads(out) if out else None


def test_a_token_lives_from_make_to_revoke(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, made = say(
        capsys, tmp_path, "tokens", "make", "--scope", "bot", "--bot", "trader", "--name", "mine"
    )
    assert (code, made["scope"], made["bot"]) == (0, "bot", "trader")
    _, listed = say(capsys, tmp_path, "tokens", "list")
    assert [(each["name"], each["scope"], each["bot"]) for each in listed["tokens"]] == [
        ("mine", "bot", "trader")
    ]
    assert made["token"] not in json.dumps(listed)
    code, rotated = say(capsys, tmp_path, "tokens", "rotate", "mine")
    assert code == 0
    assert rotated["token"] != made["token"]
    assert say(capsys, tmp_path, "tokens", "revoke", "mine") == (0, {"revoked": "mine"})
    assert say(capsys, tmp_path, "tokens", "list") == (0, {"tokens": []})


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("make",), 2),
        (("make", "--scope", "everything"), 2),
        (("make", "--scope", "bot"), 6),
        (("make", "--scope", "read", "--bot", "trader"), 6),
        (("make", "--scope", "bot", "--bot", "../x"), 1),
        (("revoke", "nothing"), 6),
        (("rotate", "nothing"), 6),
    ],
)
def test_what_cannot_be_done_is_said_with_its_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: int
) -> None:
    assert enter(["tokens", *words, "--work-path", str(tmp_path)]) == code
    assert len(capsys.readouterr().err) > 20


@pytest.mark.slow
def test_the_server_runs_alone_until_it_is_told_to_stop(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    (tmp_path / "instant_trader.toml").write_text(f"[server.embedded]\nport = {port}\n")
    code = "import sys; from live_trader.verbs.door import enter; sys.exit(enter(sys.argv[1:]))"
    server = subprocess.Popen(
        [sys.executable, "-c", code, "serve"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
    )
    end = time.monotonic() + 20
    while not _alive(port):
        assert time.monotonic() < end, "it did not answer"
        time.sleep(0.05)
    server.send_signal(signal.SIGTERM)
    assert server.wait(15) == 0
    assert server.stderr is not None
    assert f"http://127.0.0.1:{port}/".encode() in server.stderr.read()
    server.stderr.close()
    assert (tmp_path / "work_dir" / "server" / "own-tokens.json").exists()


def _alive(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", "/v1/health/live")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
