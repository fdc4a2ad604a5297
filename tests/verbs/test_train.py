"""Training from the command line: bars in, bundles out, the same each time, also after a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from live_trader.core.bars import Tape, Ticker, Timeframe, epoch
from live_trader.edge.feeds.simulated import Market
from live_trader.edge.shelf import Shelf
from live_trader.edge.tapes import write
from tests.edge.classic_server import ClassicServer

ROOT = Path(__file__).parents[2]
TICKER = Ticker("ALFA", Timeframe.S5)
SMALL = ("--train-span", "700B", "--step", "300B", "--spans", "1", "--models", "ridge,lr")


UNJUDGED = ("--placebos", "0")


@pytest.fixture(scope="module")
def bars(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bars") / "ALFA.csv.gz"
    write(path, Tape.of(TICKER, list(Market(TICKER, 7).history(1_790_000_000, 2400))))
    return path


def start(folder: Path, bars: Path, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(ROOT / "pycaret_pipeline.py"), "--json", "--bars", str(bars)]
    asked = [*command, "--symbols", "ALFA", "--timeframe", "S5", *more]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    return subprocess.Popen(asked, cwd=folder, env=environment, stdout=pipe, stderr=pipe, text=True)


def trained(folder: Path, bars: Path, *more: str) -> dict[str, Any]:
    process = start(folder, bars, *more)
    out, said = process.communicate(timeout=110)
    assert process.returncode == 0, said
    (bundle,) = json.loads(out)["bundles"]
    return {**bundle, "said": said}


def stages(folder: Path) -> set[Path]:
    return set((folder / "work_dir" / "training").glob("*/*.stage"))


@pytest.mark.slow
def test_a_killed_training_goes_on_where_it_was_and_ends_with_the_same_bundle(
    tmp_path: Path, bars: Path
) -> None:
    """Killed in the middle, started again, and trained elsewhere in one go: one fingerprint, no orphan."""
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    process = start(first, bars, *SMALL, *UNJUDGED)
    until = time.monotonic() + 80
    while len(stages(first)) < 3 and process.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    kept = stages(first)
    assert len(kept) >= 3
    assert Shelf(first / "models", first / "work_dir").shelved() == []
    assert psutil.wait_procs(children, timeout=20)[1] == []

    times = {path: path.read_bytes() for path in kept}
    again = trained(first, bars, *SMALL, *UNJUDGED)
    assert all(path.read_bytes() == times[path] for path in kept)
    whole = trained(second, bars, *SMALL, *UNJUDGED)
    assert again["version"].split("-")[1] == whole["version"].split("-")[1]
    assert "RidgeClassifier gives no probability" in whole["left_out"]["ridge"]

    manifest = json.loads((Path(second / whole["folder"]) / "bundle.json").read_text())
    assert set(manifest["models"]["long"]) == {"LogisticRegression~PC"}
    assert all(model["served"] for side in manifest["models"].values() for model in side.values())
    assert {each["purpose"] for each in manifest["training"]["spans"]} == {"train", "test"}
    assert {each.name for each in second.iterdir()} == {"models", "work_dir"}


@pytest.mark.slow
def test_a_judged_bundle_has_a_verdict_with_reasons_and_a_report(tmp_path: Path, bars: Path) -> None:
    """Noise with no structure at this speed: hardly any trade, and the judge says so."""
    found = trained(tmp_path, bars, *SMALL, "--placebos", "1", "--threshold", "0.9")
    assert found["verdict"] == "refused"
    assert any("trades are too few to tell" in reason for reason in found["reasons"])
    assert "report.html" in {each.name for each in (tmp_path / found["folder"]).iterdir()}


@pytest.mark.slow
def test_ctrl_c_ends_everything_at_once_and_leaves_no_half_bundle(tmp_path: Path, bars: Path) -> None:
    process = start(tmp_path, bars, *SMALL)
    until = time.monotonic() + 60
    while not stages(tmp_path) and process.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert psutil.wait_procs(children, timeout=20)[1] == []
    assert Shelf(tmp_path / "models", tmp_path / "work_dir").shelved() == []


@pytest.mark.slow
def test_a_first_look_is_quick_and_says_that_no_judge_has_seen_it(tmp_path: Path, bars: Path) -> None:
    found = trained(tmp_path, bars, "--quick", "--train-span", "700B", "--models", "lr")
    assert found["verdict"] == "unjudged"
    assert "no judge has seen it" in found["reasons"][0]
    assert "2400 bars from" in found["said"]


def test_bars_of_a_classic_server_are_asked_for_under_an_id_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are too few to train on, so it ends there; the live bot's own buffer is untouched."""
    from live_trader.verbs.door import carry_out
    from live_trader.verbs.train import train

    monkeypatch.chdir(tmp_path)
    with ClassicServer() as server:
        for bar in Market(TICKER, 7).history(1_790_000_000, 300):
            prices = (bar.open, bar.high, bar.low, bar.close, bar.volume)
            server.close_bar(("ALFA", "S5"), epoch(bar.opened), prices)
        asked = ["--symbols", "ALFA", "--timeframe", "S5", "--bars", server.address, "--count", "250"]
        assert carry_out(train, asked, "pycaret_pipeline") == 1
    assert "ALFA S5: 250 bars from the server" in capsys.readouterr().err
    assert {owner for owner, *_ in server.buffers} == {"rebalance"}


@pytest.mark.parametrize(
    ("more", "code", "says"),
    [
        (("--models", "lgbm"), 4, "there is no model family 'lgbm'"),
        (("--setup", "normalise=true"), 4, "PyCaret's setup has no such argument. Did you mean normalize?"),
        (("--setup", "target=x"), 4, "--setup target is given by the training itself. Choose what"),
        (("--compare", "zzz=1"), 4, "has no such argument. See the arguments of PyCaret's compare_models"),
        (("--compare", "include=lr"), 4, "--compare include is given by the training itself. Choose the"),
        (("--train-span", "3Y"), 4, "'3Y' is not a length of time"),
        (("--train-span", "9000B", "--step", "100B"), 1, "ALFA S5 has 2400 bars"),
        (("--target", "peaks"), 4, "there is no target 'peaks'"),
        (("--target-set", "prominence"), 2, "'prominence' is not name=value"),
        (("--threshold", "1.5"), 4, "a threshold of 1.5"),
        (("--symbols", "AUD/USD"), 1, "'AUD/USD' is not a symbol"),
        (("--timeframe", "M2"), 1, "'M2' is not a timeframe"),
        (("--timeframe", "H1"), 1, "when no H1 bar opens"),
        (("--symbols", "A,B"), 2, "write {symbol}"),
        (("--bars", "nothing.csv"), 1, "there is no file nothing.csv"),
        (("--bars", "store"), 1, "cannot be read"),
        (("--memory", "0.1", *SMALL), 1, "Raise --memory"),
        (
            ("--quick", "--memory", "0.1"),
            1,
            "a first look trains lightgbm only; leave --quick out to train gbc",
        ),
    ],
)
def test_what_cannot_be_trained_is_one_sentence_and_an_exit_code(
    bars: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    more: tuple[str, ...],
    code: int,
    says: str,
) -> None:
    from live_trader.verbs.door import carry_out
    from live_trader.verbs.train import train

    monkeypatch.chdir(tmp_path)
    asked = ["--symbols", "ALFA", "--timeframe", "S5", "--bars", str(bars), *more]
    assert carry_out(train, asked, "pycaret_pipeline") == code
    said = capsys.readouterr().err
    assert says in said
    assert "Traceback" not in said


def test_bars_too_few_to_train_on_are_told_with_the_name_of_their_file(tmp_path: Path) -> None:
    path = tmp_path / "few.csv"
    write(path, Tape.of(TICKER, list(Market(TICKER, 7).history(1_790_000_000, 200))))
    process = start(tmp_path, path, *SMALL)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"{path}: ALFA S5 has 200 bars" in said
