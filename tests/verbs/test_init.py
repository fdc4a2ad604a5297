"""What `init` writes can be read back as what was answered, is private, and runs."""

from __future__ import annotations

import json
import os
import pty
import re
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from benchmarks.estate import experts, plant
from benchmarks.farmstead import free_port
from live_trader.core.bars import Ticker
from live_trader.edge.settings import Settings, load
from live_trader.verbs.door import enter

ROOT = Path(__file__).parents[2]
DOOR = str(ROOT / "instant_trader.py")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to stand in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read() -> Settings:
    return load(env={}).settings


ANSWERS: list[tuple[tuple[str, ...], dict[str, Any]]] = [
    (
        ("--server", "classic", "--id", "11", "--tickers", "AUDUSD M1", "--zero-is-short"),
        {
            "server.address": "http://127.0.0.1:81/",
            "farm.id": "11",
            "farm.tickers": ("AUDUSD M1",),
            "classic.zero_is_short": True,
        },
    ),
    (
        ("--server", "classic", "--address", "https://host/a"),
        {"server.address": "https://host/a", "farm.tickers": (), "classic.zero_is_short": False},
    ),
    (("--server", "own"), {"server.address": "", "farm.id": "trader", "feed.market": "none"}),
    (("--server", "own", "--address", "http://host:81/"), {"server.address": "http://host:81/"}),
    (
        ("--server", "paper", "--work-path", "elsewhere"),
        {
            "feed.market": "simulated",
            "desk.enabled": True,
            "desk.mode": "paper",
            "desk.instruments": ("* tick=0.00001 lot=1",),
            "desk.rates": ("CAD 0.73", "CHF 1.12", "GBP 1.31", "JPY 0.0067", "NZD 0.57"),
            "farm.work_path": "elsewhere",
            "farm.tickers": ("AUDUSD S5", "EURCHF S5", "EURUSD S5", "NZDCAD S5"),
            "demo.tickers": ("AUDUSD S5", "EURCHF S5", "EURUSD S5", "NZDCAD S5"),
        },
    ),
]


@pytest.mark.parametrize(("words", "expected"), ANSWERS, ids=lambda each: " ".join(each)[:40])
def test_what_is_answered_is_what_is_set_and_nothing_else(
    words: tuple[str, ...], expected: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert enter(["init", *words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["files"] == ["instant_trader.toml", ".env"]
    loaded = load(env={})
    shown = {key: value for key, value, _ in loaded.rows()}
    assert {key: shown[key] for key in expected} == expected
    usual = {key: value for key, value, _ in load(env={}, config=Path(os.devnull)).rows()}
    allowed = {"farm.id", "farm.tickers", "farm.work_path", "classic.zero_is_short", *expected}
    assert {key for key in shown if shown[key] != usual[key]} <= allowed


@pytest.mark.parametrize(
    ("server", "address"), [("classic", ""), ("own", ""), ("own", "http://host/"), ("paper", "")]
)
def test_what_is_commented_out_is_there_and_shows_its_default(server: str, address: str) -> None:
    """Taking the comment signs away changes no setting."""
    assert enter(["init", "--server", server, *(["--address", address] if address else [])]) == 0
    before = read()
    path = Path("instant_trader.toml")
    whole, changed = re.subn(r"^# (?=[a-z_]+ = )", "", path.read_text(), flags=re.MULTILINE)
    path.write_text(whole)
    assert changed > 8
    assert read() == before


def test_the_files_are_private_and_every_setting_has_its_sentence() -> None:
    assert enter(["init", "--server", "own"]) == 0
    assert all(stat.S_IMODE(Path(name).stat().st_mode) == 0o600 for name in ("instant_trader.toml", ".env"))
    assert Path("instant_trader.toml").read_text().count("#") > 15


def test_nothing_is_written_over_unless_told_and_then_the_old_is_kept(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path(".env").write_text("my_id=7\n")
    assert enter(["init", "--server", "own"]) == 4
    assert "--force" in capsys.readouterr().err
    assert not Path("instant_trader.toml").exists()
    assert enter(["init", "--server", "own", "--force"]) == 0
    assert Path(".env.old").read_text() == "my_id=7\n"
    assert read().farm.id == "trader"


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("--server", "clasic"), 2, "classic"),
        (("--server", "own", "--address", "nowhere"), 4, "http://127.0.0.1:81/"),
        (("--server", "own", "--tickers", "AUDUSD M7"), 4, "M7"),
        (("--server", "own", "--tickers", "AUDUSD M1, AUDUSD M1"), 4, "twice"),
        (("--server", "own", "--id", "../x"), 4, "letters, digits"),
        (("--server", "paper", "--address", "http://host/"), 2, "--address"),
        (("--server", "paper", "--tickers", ""), 2, "--tickers"),
        (("--server", "own", "--into", "/proc/none"), 4, "cannot be written"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_written(
    words: tuple[str, ...], code: int, told: str, capsys: pytest.CaptureFixture[str], here: Path
) -> None:
    assert enter(["init", *words]) == code
    assert told in capsys.readouterr().err
    assert not list(here.iterdir())


def test_without_a_person_the_server_must_be_said() -> None:
    done = subprocess.run(
        [sys.executable, DOOR, "init"], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )
    assert done.returncode == 2
    assert "--server classic, own or paper" in done.stderr


def test_a_person_is_asked_and_the_token_is_not_shown(here: Path) -> None:
    """On a terminal: a server elsewhere, its tickers, an id and a token that goes into .env alone."""
    parent, child = pty.openpty()
    asked = subprocess.Popen([sys.executable, DOOR, "init"], stdin=child, stdout=child, stderr=child)
    os.close(child)
    seen = ""
    for question, answer in (
        ("Which server", "own"),
        ("Its address", "http://127.0.0.1:9/"),
        ("Tickers", "AUDUSD M1"),
        ("Bot id", "eleven"),
        ("Its token", "wolfram-hides-here"),
    ):
        while question not in seen:
            seen += os.read(parent, 4096).decode()
        os.write(parent, answer.encode() + b"\n")
        seen = seen.partition(question)[2] if question != "Its token" else ""
    assert asked.wait(10) == 0
    seen += os.read(parent, 4096).decode()
    assert "wolfram" not in seen + Path("instant_trader.toml").read_text()
    settings = read()
    assert settings.server.token.reveal() == "wolfram-hides-here"
    assert (settings.server.address, settings.farm.id) == ("http://127.0.0.1:9/", "eleven")


@pytest.mark.slow
@pytest.mark.parametrize("server", ["classic", "own", "paper"])
def test_the_result_runs(server: str, here: Path) -> None:
    """A real farm on what was written: its children run, and where there is a market, bars are answered."""
    ticker = Ticker.parse("AUDUSD S1")
    market = subprocess.Popen(
        [
            sys.executable,
            str(ROOT / "tests/edge/classic_server.py"),
            "--ticker",
            str(ticker),
            "--history",
            "700",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert market.stdout
    address = market.stdout.readline().strip()
    answers = ["--tickers", str(ticker), *(["--address", address] if server == "classic" else [])]
    assert enter(["init", "--server", server, *answers]) == 0
    with (here / ".env").open("a") as file:
        file.write(f"TRADER__SERVER__EMBEDDED__PORT={free_port()}\n")
    plant(here / "work_dir", here / "models", [ticker], experts(trees=5))
    farm = subprocess.Popen([sys.executable, DOOR, "run", "--once", "60"], stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 50
        while not _well(server) and time.monotonic() < deadline:
            time.sleep(0.3)
        assert _well(server)
    finally:
        farm.terminate()
        assert farm.wait(30) == 0
        market.kill()
        market.wait()
        market.stdout.close()


def _well(server: str) -> bool:
    """Whether every child runs, and the worker answered a bar or says which bars it waits for."""
    asked = [sys.executable, DOOR, "status", "--json"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    if done.returncode:
        return False
    children = {each["name"]: each for each in json.loads(done.stdout)["children"]}
    worker = children.get("AUDUSD S1")
    if worker is None or {each["state"] for each in children.values()} != {"RUNNING"}:
        return False
    if server == "own":
        return "has 0 of the" in worker["reason"]
    return worker["answered"] > 2
