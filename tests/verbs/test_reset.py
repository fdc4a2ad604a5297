"""The door `resetter.py`, run as a program against a classic server."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENTRY = {
    "symbol": "AUDUSD",
    "timeframe": "M1",
    "weight": 0.5,
    "positive_group": {"A~PC": 1},
    "portfolio": "x",
}


@pytest.fixture
def classic():
    spec = importlib.util.spec_from_file_location("classic_server", ROOT / "tests/edge/classic_server.py")
    room = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(room)
    with room.ClassicServer() as server:
        yield server


def resetter(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "resetter.py"), *arguments],
        capture_output=True, text=True, check=False, cwd=folder, timeout=60,
    )  # fmt: skip


def test_a_rebalance_of_a_classic_server(classic, tmp_path):
    """onlyclose, then the portfolio of the file; the end is told on standard output."""
    (tmp_path / ".env").write_text(f"ADRESS={classic.address}\n")
    (tmp_path / "portfolio.json").write_text(json.dumps({"version": 9, "allocations": [ENTRY]}))
    done = resetter(tmp_path, "--portfolio", "portfolio.json", "--json")
    assert (done.returncode, json.loads(done.stdout)["tickers"]) == (0, ["AUDUSD M1"])
    assert classic.portfolio == [ENTRY]
    assert [target for _, target, _ in classic.calls] == ["/v1/health/live", "/onlyclose", "/rebalance"]


@pytest.mark.parametrize(
    ("content", "code", "cause"),
    [
        (None, 4, "cannot be read"),
        ("[{]", 4, "is not a portfolio: the body is not JSON"),
        ('{"allocations": 5}', 4, "is not a portfolio"),
        (json.dumps([{**ENTRY, "weight": -1}]), 4, "portfolio.json is not a portfolio: the weight -1.0 of"),
        (json.dumps([ENTRY]), 1, "cannot be reached"),
    ],
)
def test_what_goes_wrong_is_one_sentence_and_a_code(tmp_path, content, code, cause):
    """A file of no use is 4, a server that is not there 1."""
    if content is not None:
        (tmp_path / "portfolio.json").write_text(content)
    (tmp_path / ".env").write_text("ADRESS=http://127.0.0.1:9/\n")
    done = resetter(tmp_path, "--portfolio", "portfolio.json")
    assert done.returncode == code
    assert cause in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_misuse_is_two(tmp_path):
    """A timeout that is none is a usage error."""
    assert resetter(tmp_path, "--timeout", "-3").returncode == 2
