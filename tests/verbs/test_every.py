"""Every verb there is keeps the same promises: help with an example, JSON, exit codes, suggestions, pipes."""

from __future__ import annotations

import os
import pty
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from live_trader.verbs import door
from live_trader.verbs.door import enter
from live_trader.verbs.reset import reset

ROOT = Path(__file__).parents[2]
DOOR = str(ROOT / "instant_trader.py")


def all_verbs() -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Each verb and each verb below a group, by its words."""
    context = click.Context(door._group)
    for name in door._group.list_commands(context):
        command = door._group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from (((name, below), each) for below, each in command.commands.items())
        else:
            yield (name,), command


VERBS = dict(all_verbs())
every = pytest.mark.parametrize("words", VERBS, ids=" ".join)


@every
def test_help_has_a_sentence_and_an_example_that_can_be_typed(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """The example names the verb itself, and its options are those the verb has."""
    assert enter([*words, "--help"]) == 0
    assert "Example: instant-trader " + " ".join(words) in " ".join(capsys.readouterr().out.split())
    command = VERBS[words]
    assert command.help
    assert command.epilog
    example = shlex.split(command.epilog.partition(": ")[2].partition(">")[0].partition("|")[0])
    assert example[: len(words) + 1] == ["instant-trader", *words]
    context = click.Context(command, info_name=words[-1])
    _, left, _ = command.make_parser(context).parse_args(example[len(words) + 1 :])
    assert not left


def test_the_other_door_has_an_example_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert door.carry_out(reset, ["--help"], "resetter") == 0
    assert "Example: python resetter.py" in capsys.readouterr().out


@every
def test_every_verb_answers_programs(words: tuple[str, ...]) -> None:
    assert {"--json", "--config", "--work-path", "--verbose"} <= {
        option for parameter in VERBS[words].params for option in parameter.opts
    }


@every
def test_misuse_is_exit_code_2_with_a_suggestion_and_no_output(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert enter([*words, "--wrk-path", "x"]) == 2
    said = capsys.readouterr()
    assert "Did you mean" in said.err
    assert "--work-path" in said.err
    assert said.out == ""


@pytest.mark.parametrize(
    "words",
    [
        "run", "status", "stop", "restart", "logs", "doctor", "show-config", "serve", "feed", "supervisord",
        "worker AUDUSD M1", "deploy AUDUSD M1", "rollback AUDUSD M1", "bundles list", "bundles verify",
        "bundles show AUDUSD M1", "bundles compare AUDUSD M1", "bundles export AUDUSD M1", "tokens list",
        "tokens make --scope read", "tokens revoke x", "tokens rotate x",
    ],
)  # fmt: skip
def test_a_misspelt_key_is_exit_code_4_with_the_right_one_before_anything_happens(
    words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "instant_trader.toml").write_text("[farm]\ntikers = ['AUDUSD M1']\n")
    assert enter(words.split()) == 4
    said = capsys.readouterr()
    assert "Did you mean farm.tickers?" in said.err
    assert said.out == ""


@pytest.mark.parametrize(
    ("words", "near"),
    [(["stauts"], "status"), (["bundles", "shwo"], "show"), (["tokens", "mak"], "make"), (["initt"], "init")],
)
def test_misspelt_verbs_are_answered_with_the_nearest(
    words: list[str], near: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert enter(words) == 2
    assert "Did you mean" in (said := capsys.readouterr().err)
    assert near in said


@pytest.mark.parametrize("words", [["show-config"], ["--help"], ["bundles", "list"], ["completion", "zsh"]])
def test_a_pipe_that_is_closed_early_is_no_disaster(words: list[str], tmp_path: Path) -> None:
    """As before `| head`: no traceback, whoever stopped reading."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, DOOR, *words], stdout=writing, stderr=subprocess.PIPE, cwd=tmp_path, check=False
    )
    os.close(writing)
    assert b"Traceback" not in done.stderr
    assert b"Exception" not in done.stderr


def completed(words: str, *, width: int = 1) -> dict[str, str]:
    """What a shell would be offered for these words, as zsh is told it: words with their meaning."""
    said = {"COMP_WORDS": words, "COMP_CWORD": str(width), "_INSTANT_TRADER_COMPLETE": "zsh_complete"}
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from live_trader.verbs.door import enter; sys.exit(enter([]))"],
        env={**os.environ, **said, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    return dict(zip(lines[1::3], lines[2::3], strict=True))


@pytest.mark.parametrize(
    ("words", "at", "offered"),
    [
        ("instant-trader st", 1, {"status", "stop"}),
        ("instant-trader bundles ", 2, {"list", "show", "verify", "compare", "export", "import"}),
        ("instant-trader status --w", 2, {"--watch", "--work-path"}),
        ("instant-trader init --server ", 3, {"classic", "own", "paper"}),
    ],
)
def test_shells_are_offered_verbs_options_and_values(words: str, at: int, offered: set[str]) -> None:
    assert set(completed(words, width=at)) == offered


def test_symbols_of_the_shelf_are_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken setting offers nothing, and does not break the line that is typed."""
    monkeypatch.chdir(tmp_path)
    for symbol in ("AUDUSD", "AUDNZD", "EURUSD"):
        (tmp_path / "models" / symbol / "M1" / "20261120T202609Z-760f2ef3").mkdir(parents=True)
    assert set(completed("instant-trader deploy AUD", width=2)) == {"AUDUSD", "AUDNZD"}
    assert set(completed("instant-trader deploy AUDUSD M3", width=3)) == {"M3", "M30"}
    (tmp_path / "instant_trader.toml").write_text("[farm\n")
    assert completed("instant-trader deploy AUD", width=2) == {}


def test_a_misspelt_symbol_is_answered_with_the_nearest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models" / "AUDUSD" / "M1" / "20261120T202609Z-760f2ef3").mkdir(parents=True)
    assert enter(["deploy", "AUDSUD", "M1"]) == 4
    assert "Did you mean AUDUSD M1?" in capsys.readouterr().err


def test_no_color_is_respected_on_a_terminal(tmp_path: Path) -> None:
    """The doctor marks what he finds in colour, unless somebody asked for none."""
    for wish, coloured in (("", True), ("1", False)):
        parent, child = pty.openpty()
        environment = {**os.environ, "NO_COLOR": wish, "TERM": "xterm"}
        asked = subprocess.Popen(
            [sys.executable, DOOR, "doctor"], stdout=child, cwd=tmp_path, env=environment
        )
        os.close(child)
        assert (b"\x1b[3" in os.read(parent, 100)) is coloured
        asked.kill()
        asked.wait()
        os.close(parent)


def test_verbs_are_offered_with_their_meaning_and_without_importing_them() -> None:
    code = (
        "import sys, click; from live_trader.verbs.door import _group;"
        "found = _group.shell_complete(click.Context(_group), '');"
        "assert len(found) == len(_group.list_commands(None)) and all(each.help for each in found);"
        "rooms = [each for each in sys.modules if each.startswith('live_trader.verbs.')];"
        "sys.exit(rooms != ['live_trader.verbs.door'])"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell_names_its_command(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert enter(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert f"_INSTANT_TRADER_COMPLETE={shell}_complete" in script
    assert "instant-trader" in script


def test_bash_itself_completes_with_the_script(tmp_path: Path) -> None:
    """The real shell loads the script and offers the verbs that begin with what was typed."""
    command = tmp_path / "instant-trader"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} {DOOR} "$@"\n')
    command.chmod(0o755)
    steps = (
        'eval "$(instant-trader completion bash)"; COMP_WORDS=(instant-trader sta); COMP_CWORD=1;'
        "_instant_trader_completion instant-trader; echo ${COMPREPLY[@]}"
    )
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", steps], env={**os.environ, "PATH": path}, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["status"]
