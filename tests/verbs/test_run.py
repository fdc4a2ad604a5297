"""What is started wrongly says so in one sentence, before anything runs."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from benchmarks.farmstead import free_port
from live_trader.edge.server import listening
from live_trader.edge.server.options import ServerSettings
from live_trader.verbs.door import carry_out
from live_trader.verbs.farm import run

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("settings", "words", "code", "said"),
    [
        ('[feed]\nmarket = "replay"\n', [], 4, "demo.market is replay, but demo.tape names no file"),
        ("", ["--market", "replay"], 4, "demo.market is replay, but demo.tape names no file"),
        ("", ["--tape", "nowhere.csv"], 1, "there is no file nowhere.csv"),
        ('[feed]\nmarket = "simulated"\n', ["--tape", "nowhere.csv"], 1, "there is no file nowhere.csv"),
        ("", ["--work-path", "/dev/null/here"], 4, "/dev/null/here"),
        ('[desk]\nenabled = true\nmode = "live"\n', [], 4, "desk.mode is live"),
        (
            '[desk]\nenabled = true\ninstruments = ["nonsense"]\n',
            [],
            4,
            "desk.instruments: nonsense has no lot",
        ),
        ('[desk]\nenabled = true\nrates = ["XX abc"]\n', [], 4, "desk.rates: 'XX abc' is not a rate"),
        ('[server.embedded]\ntls_cert = "no.pem"\ntls_key = "no.key"\n', [], 4, "no.pem"),
        ('[server]\naddress = "https://127.0.0.1:9/"\nca_file = "no.pem"\n', [], 4, "no.pem"),
    ],
)
def test_a_farm_that_cannot_start_says_why(
    settings: str,
    words: list[str],
    code: int,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRADER__SERVER__EMBEDDED__PORT", str(free_port()))
    if settings:
        (tmp_path / "instant_trader.toml").write_text(settings)
    assert carry_out(run, words, "instant-trader") == code
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_a_port_that_is_taken_is_said_before_anything_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Else the workers would show their tokens to a stranger, and blame them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(listening, "_PATIENCE_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        monkeypatch.setenv("TRADER__SERVER__EMBEDDED__PORT", str(port))
        assert carry_out(run, [], "instant-trader") == 4
    error = capsys.readouterr().err
    assert f"the server cannot listen on 127.0.0.1:{port}" in error
    assert error.count("\n") == 1
    assert not (tmp_path / "models").exists()


def test_a_port_that_becomes_free_soon_is_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        settings = ServerSettings(port=other.getsockname()[1])
        threading.Timer(0.3, other.close).start()
        listening.demand_free(settings)


def test_a_worker_started_alone_says_why_it_cannot_run(tmp_path: Path) -> None:
    (tmp_path / "instant_trader.toml").write_text('[server]\naddress = "http://127.0.0.1:9/"\ntoken = ""\n')
    done = subprocess.run(
        [sys.executable, str(ROOT / "instant_trader.py"), "feed"],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 4
    assert done.stderr.startswith("feed cannot run: ")
    assert done.stderr.count("\n") == 1
