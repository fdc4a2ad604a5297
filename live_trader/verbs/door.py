"""The table of verbs, each imported only when called, and the one place where errors become sentences."""

from __future__ import annotations

import difflib
import errno
import importlib
import os
from collections.abc import Sequence
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from live_trader import __version__
from live_trader.errors import TraderError
from live_trader.verbs import Context

_VERBS = {
    "run": ("farm:run", "Start the farm: server, workers, desk; the default."),
    "status": ("farm:status", "Show the running farm."),
    "stop": ("farm:stop", "Drain and stop the running farm."),
    "restart": ("farm:restart", "Restart one ticker, or all of them."),
    "logs": ("farm:logs", "Print the log of a ticker, or of the farm."),
    "doctor": ("doctor:doctor", "Check clock, disk, ports, tokens, bundles and libraries."),
    "plan": ("plan:plan", "Say how many tickers this machine carries."),
    "train": ("train:train", "Train, judge and shelve long and short models."),
    "leaks": ("leaks:leaks", "Look for features and steps that see the future."),
    "deploy": ("bundles:deploy", "Put a bundle where the farm serves it."),
    "rollback": ("bundles:rollback", "Put the bundle before back."),
    "bundles": ("bundles:bundles", "List, show, verify, compare, export and import bundles."),
    "backtest": ("backtest:backtest", "Run strategies over the past."),
    "explain": ("explain:explain", "Say why a signal is what it is, down to the last bit."),
    "dashboard": ("dashboard:dashboard", "Print a link that opens the dashboard once."),
    "serve": ("serve:serve", "Run the signal server alone."),
    "tokens": ("serve:tokens", "Make, list, revoke and rotate the server's tokens."),
    "feed": ("part:feed", "Run the feed alone."),
    "desk": ("desk:desk", "Run the desk alone."),
    "positions": ("desk:positions", "Show what the desk holds, its orders and its equity."),
    "panic": ("desk:panic", "Cancel everything, flatten, and leave the desk halted."),
    "export": ("desk:export", "Write orders, fills, trades and equity as CSV or Parquet."),
    "replay": ("proof:replay", "Run the desk's journal again and demand the same answers."),
    "parity": ("proof:parity", "Prove that live did what the back-test says."),
    "worker": ("part:worker", "Run the worker of one ticker alone."),
    "supervisord": ("part:supervisord", "Print a supervisord configuration for this farm."),
    "init": ("init:init", "Write the first settings, for your answers."),
    "show-config": ("settings:show_config", "Print the merged settings and where each came from."),
    "completion": ("completion:completion", "Print what makes a shell complete these words."),
}


class _Verbs(click.Group):
    """A group that knows its verbs by name and help alone until one is called."""

    def list_commands(self, _: click.Context) -> list[str]:
        return list(_VERBS)

    def get_command(self, _: click.Context, name: str) -> click.Command | None:
        if name not in _VERBS:
            return None
        room, _colon, function = _VERBS[name][0].partition(":")
        command = getattr(importlib.import_module(f"live_trader.verbs.{room}"), function)
        assert isinstance(command, click.Command)
        return command

    def shell_complete(self, context: click.Context, incomplete: str) -> list[CompletionItem]:
        """The verbs that begin like this, without importing any of them."""
        if incomplete.startswith("-"):
            return click.Command.shell_complete(self, context, incomplete)
        return [
            CompletionItem(name, help=text)
            for name, (_room, text) in _VERBS.items()
            if name.startswith(incomplete)
        ]

    def format_commands(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl([(name, text) for name, (_room, text) in _VERBS.items()])

    def resolve_command(
        self, context: click.Context, arguments: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = arguments[0]
        if name not in _VERBS:
            near = difflib.get_close_matches(name, _VERBS, 1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise click.UsageError(f"There is no verb {name!r}.{hint}", context)
        return super().resolve_command(context, arguments)


_VALUED = ("--config", "--work-path")
_COMMON = (*_VALUED, "--json", "-v", "--verbose")
_SHOWN = {
    "help_option_names": ["-h", "--help"],
    "max_content_width": 100,
    "color": False if os.environ.get("NO_COLOR") else None,
}


@click.group(cls=_Verbs, context_settings=_SHOWN)
@click.version_option(__version__, prog_name="instant-trader")
def _group() -> None:
    """Serve trained long and short models live: one process per ticker, one signal per closed bar.

    \b
    instant-trader                      run the farm, or the demonstration where nothing is configured
    instant-trader status               see how it is
    instant-trader VERB --help          everything about one verb, with an example
    """


def enter(arguments: Sequence[str], name: str = "instant-trader") -> int:
    """Run the verb these arguments name, and give the exit code."""
    words = _verb_first(list(arguments))
    if not words or (words[0].startswith("-") and words[0] not in ("-h", "--help", "--version")):
        words = ["run", *words]
    return carry_out(_group, words, name)


def _verb_first(words: list[str]) -> list[str]:
    """The options all verbs have, put behind the verb where somebody wrote them before it."""
    at = 0
    while at < len(words) and words[at].partition("=")[0] in _COMMON:
        name, told, _ = words[at].partition("=")
        at += 2 if name in _VALUED and not told else 1
    return [*words[at:], *words[:at]] if at < len(words) and not words[at].startswith("-") else words


_OBSTACLES = {
    errno.ENOSPC: "Free some",
    errno.EDQUOT: "Free some, or have the quota raised",
    errno.EROFS: "Name another folder, as with --work-path",
    errno.ENOTDIR: "Name another folder, as with --work-path",
    errno.EACCES: "Give it to this user, or name another",
    errno.EPERM: "Give it to this user, or name another",
}


def _obstacle(fault: BaseException) -> str:
    """The sentence about a disk or folder that cannot be used; none for any other error."""
    if not isinstance(fault, OSError) or fault.errno not in _OBSTACLES:
        return ""
    return f"{fault.filename or 'the disk'} cannot be written: {fault.strerror}. {_OBSTACLES[fault.errno]}"


def _reported(crash: Exception, name: str, called: Sequence[Context]) -> str:
    """Put an error nobody expected into a file of the work path, and give the sentence about it."""
    from live_trader.edge.settings import Settings, load
    from live_trader.farm.crashes import report

    try:
        work_path = (called[-1].settings if called else load().settings).farm.work_path
    except TraderError:
        work_path = Settings().farm.work_path
    try:
        path = report(Path(work_path) / "logs", name, crash)
    except OSError as fault:
        return f"a mistake of this program, and no report of it could be written: {fault.strerror}"
    return f"a mistake of this program: {type(crash).__name__}. The report is in {path}"


def carry_out(command: click.Command, words: Sequence[str], name: str) -> int:
    """Run one command; every error of this house becomes one sentence and its exit code."""
    called: list[Context] = []
    try:
        code = command.main(list(words), prog_name=name, standalone_mode=False, obj=called)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as misuse:
        misuse.show()
        return misuse.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        return 130
    except TraderError as fault:
        click.echo(f"{name}: {fault}", err=True)
        return fault.exit_code
    except Exception as crash:  # noqa: BLE001 - the one place of this process: it reports and dies
        obstacle = _obstacle(crash)
        click.echo(f"{name}: {obstacle or _reported(crash, name, called)}", err=True)
        return 4 if obstacle else 1
    return code if isinstance(code, int) else 0
