"""Whatever goes wrong behind the door is one sentence in front of it."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from live_trader.errors import BadSettings
from live_trader.verbs import Context, common
from live_trader.verbs.door import carry_out, enter


def command(fault: Exception) -> click.Command:
    @click.command()
    def verb() -> None:
        raise fault

    return verb


def test_an_error_nobody_expected_is_a_sentence_and_a_report_and_no_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRADER__FARM__WORK_PATH", str(tmp_path / "here"))
    assert carry_out(command(ZeroDivisionError("division by zero")), [], "instant-trader") == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "Traceback" not in said
    (written,) = (tmp_path / "here" / "logs" / "crashes").iterdir()
    assert str(written) in said
    assert "ZeroDivisionError: division by zero" in written.read_text()


@pytest.mark.parametrize("way", ["option", "file"])
def test_the_report_lies_in_the_work_path_that_the_command_line_names(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    @click.command()
    @common
    def verb(_: Context) -> None:
        raise ZeroDivisionError("division by zero")

    (tmp_path / "other.toml").write_text('[farm]\nwork_path = "there"\n')
    words = ["--work-path", "there"] if way == "option" else ["--config", "other.toml"]
    assert carry_out(verb, words, "instant-trader") == 1
    (written,) = (tmp_path / "there" / "logs" / "crashes").iterdir()
    assert str(written.relative_to(tmp_path)) in capsys.readouterr().err
    assert not (tmp_path / "work_dir").exists()


def test_settings_that_are_broken_too_do_not_stop_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "instant_trader.toml").write_text("nonsense = [")
    assert carry_out(command(ValueError("odd")), [], "instant-trader") == 1
    assert "The report is in" in capsys.readouterr().err


def test_an_error_of_the_house_keeps_its_sentence_and_its_code(capsys: pytest.CaptureFixture[str]) -> None:
    fault = BadSettings("the port is taken", "Set another")
    assert carry_out(command(fault), [], "instant-trader") == fault.exit_code == 4
    assert capsys.readouterr().err == f"instant-trader: {fault}\n"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_disk_that_cannot_be_written_is_no_mistake_of_this_program(
    number: int, capsys: pytest.CaptureFixture[str]
) -> None:
    fault = OSError(number, os.strerror(number), "work_dir/server")
    assert carry_out(command(fault), [], "instant-trader") == 4
    said = capsys.readouterr().err
    assert said.startswith(f"instant-trader: work_dir/server cannot be written: {os.strerror(number)}. ")
    assert said.count("\n") == 1


@pytest.mark.parametrize("before", [["--work-path", "there", "-v"], ["--work-path=there", "--json"]])
def test_options_that_stand_before_the_verb_mean_the_same(
    before: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert enter([*before, "status"]) == 3
    assert "work path there" in capsys.readouterr().err
    assert enter([*before, "tokens", "list"]) == 0
    assert enter([*before, "statsu"]) == 2
    assert "Did you mean status?" in capsys.readouterr().err


def test_a_misspelt_log_is_answered_with_the_nearest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "work_dir" / "logs").mkdir(parents=True)
    for name in ("AUDUSD_M1", "server"):
        (tmp_path / "work_dir" / "logs" / f"{name}.log").touch()
    assert enter(["logs", "AUDUDS", "M1"]) == 1
    assert "Did you mean AUDUSD M1?" in capsys.readouterr().err
    (tmp_path / "work_dir" / "logs" / "AUDUSD_M1.log").write_text("one\ntwo\n")
    for quoted in (["AUDUSD M1"], ["AUDUSD", "M1"], ["AUDUSD_M1"]):
        assert enter(["logs", *quoted, "-n", "1"]) == 0
        assert capsys.readouterr().out == "two\n"
    assert enter(["logs", "AUDUSD M1", "-n", "0"]) == 2
    assert enter(["logs", "nothing like it"]) == 1
    assert "There are: AUDUSD_M1, server" in capsys.readouterr().err


def test_following_a_log_ends_with_whoever_reads_it(tmp_path: Path) -> None:
    """As in `logs -f | head -1`, though nothing more is ever written."""
    folder = tmp_path / "work_dir" / "logs"
    folder.mkdir(parents=True)
    (folder / "farm.log").write_text("first\nsecond\n")
    words = [
        sys.executable,
        "-c",
        "from live_trader.verbs.door import enter; raise SystemExit(enter(['logs', '-f']))",
    ]
    with subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE) as logs:
        assert logs.stdout is not None
        assert logs.stdout.readline() == b"first\n"
        logs.stdout.close()
        assert logs.wait(60) == 0
