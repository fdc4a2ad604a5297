"""The verb that writes the first settings: a commented file and a `.env` for what a person answers."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from live_trader.verbs import Context, common

_CLASSIC_ADDRESS = "http://127.0.0.1:81/"
_PAPER_TICKERS = "AUDUSD S5, EURCHF S5, EURUSD S5, NZDCAD S5"


@dataclass(frozen=True, slots=True)
class Answers:
    """What a person said, each a setting's value; `token` goes into `.env` alone."""

    server: str
    address: str
    tickers: tuple[str, ...]
    id: str
    zero_is_short: bool
    work_path: str
    token: str = ""


@click.command(epilog="Example: instant-trader init --server classic --address http://127.0.0.1:81/ --id 11")
@click.option(
    "--server",
    type=click.Choice(["classic", "own", "paper"]),
    help="A classic server; our own, embedded or elsewhere; or all of it simulated, traded on paper.",
)
@click.option("--address", help="Where the server is; none of its own: embedded in the farm.")
@click.option("--tickers", help='"AUDUSD M1, EURUSD M1"; none: those of the portfolio, or what is deployed.')
@click.option("--id", "bot_id", help="The id under which signals are stored.")
@click.option("--zero-is-short", is_flag=True, help="The classic server spells short as 0.")
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="The folder to write to, instead of here.",
)
@click.option("--force", is_flag=True, help="Write over files that are there; they are kept as .old.")
@common
def init(
    context: Context,
    server: str | None,
    address: str | None,
    tickers: str | None,
    bot_id: str | None,
    zero_is_short: bool,
    into: Path,
    force: bool,
) -> None:
    """Write instant_trader.toml and .env; asks what the options do not say, when somebody is there to ask.

    With --server given nothing is asked. A token is never an option: it belongs into .env.
    """
    from live_trader.errors import BadSettings

    paths = (into / "instant_trader.toml", into / ".env")
    standing = [str(path) for path in paths if path.exists()]
    if standing and not force:
        raise BadSettings(
            f"{' and '.join(standing)} {'is' if len(standing) == 1 else 'are'} there already",
            "--force writes new ones and keeps the old as .old",
        )
    given = {"address": address, "tickers": tickers, "id": bot_id}
    work_path = context.overrides.get("farm.work_path", "work_dir")
    answers = _checked(_answers(server, given, zero_is_short, work_path))
    for path, text in zip(paths, (_settings(answers), _secrets(answers)), strict=True):
        _put(path, text)
    after = _next(answers)
    told = [f"wrote {paths[0]} and {paths[1]}", "", "next:", *(f"  {line}" for line in after)]
    context.result({"files": [str(path) for path in paths], "next": after}, "\n".join(told))


def _answers(
    server: str | None, given: Mapping[str, str | None], zero_is_short: bool, work_path: str
) -> Answers:
    ask = _prompt if server is None else _default
    if server is None:
        if not sys.stdin.isatty():
            raise click.UsageError("Say --server classic, own or paper: there is nobody to ask.")
        click.echo(_CHOICES, err=True)
        server = click.prompt("Which server", type=click.Choice(["classic", "own", "paper"]), err=True)
    address, tickers = given["address"] or "", given["tickers"]
    if server == "classic":
        address = address or ask("Its address", _CLASSIC_ADDRESS)
        if ask is _prompt and not zero_is_short:
            zero_is_short = click.confirm("Does it spell short as 0 instead of -1", err=True)
    elif server == "own":
        address = address or ask("Its address (nothing: the one in the farm)", "")
    elif address:
        raise click.UsageError("--server paper has its server in the farm: leave --address out.")
    if tickers is None:
        usual = _PAPER_TICKERS if server == "paper" else ""
        tickers = ask("Tickers, as in AUDUSD M1, EURUSD M1 (nothing: of portfolio or shelf)", usual)
    bot_id = given["id"] or ask("Bot id", "trader")
    wants_token = server == "own" and address and ask is _prompt
    token = (
        click.prompt("Its token", "", hide_input=True, show_default=False, err=True) if wants_token else ""
    )
    named = tuple(each.strip() for each in tickers.split(",") if each.strip())
    return Answers(server, address, named, bot_id, zero_is_short, work_path, token)


def _prompt(question: str, usual: str) -> str:
    return str(click.prompt(question, usual, show_default=bool(usual), err=True))


def _default(_: str, usual: str) -> str:
    return usual


def _checked(answers: Answers) -> Answers:
    """The answers, when each of them can be set."""
    from live_trader.edge.settings.leaves import checked

    keys = {
        "id": "farm.id",
        "tickers": "farm.tickers",
        "work_path": "farm.work_path",
        "address": "server.address",
    }
    for name, key in keys.items():
        value = getattr(answers, name)
        checked(key, list(value) if name == "tickers" else value, f"--{name.replace('_', '-')}", "answer")
    if answers.server == "paper" and not answers.tickers:
        raise click.UsageError("A simulated market needs tickers: --tickers 'AUDUSD S5'.")
    return answers


def _put(path: Path, text: str) -> None:
    """Write a file that only this user can read; what stood there is kept beside it."""
    from live_trader.errors import BadSettings

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            path.replace(path.with_name(path.name + ".old"))
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as fault:
        raise BadSettings(
            f"{path} cannot be written: {fault.strerror}", "Name a folder with --into"
        ) from None


def _settings(answers: Answers) -> str:
    part: Callable[[Answers], str] = {"classic": _classic, "own": _own, "paper": _paper}[answers.server]
    head = _HEAD.format(
        id=_toml(answers.id), tickers=_toml(list(answers.tickers)), work_path=_toml(answers.work_path)
    )
    return head + part(answers) + _FOOT


def _classic(answers: Answers) -> str:
    zero = _toml(answers.zero_is_short)
    return _CLASSIC.format(address=_toml(answers.address), zero=zero)


def _own(answers: Answers) -> str:
    return _ELSEWHERE.format(address=_toml(answers.address)) if answers.address else _EMBEDDED


def _paper(answers: Answers) -> str:
    return _EMBEDDED + _PAPER.format(tickers=_toml(list(answers.tickers)))


def _secrets(answers: Answers) -> str:
    token = f"TRADER__SERVER__TOKEN={_toml(answers.token)}" if answers.token else "# TRADER__SERVER__TOKEN="
    return _DOTENV.format(token=token)


def _next(answers: Answers) -> list[str]:
    doctor, start = "instant-trader doctor", "instant-trader run"
    if answers.server == "paper":
        return [f"{start}     # trains its experts first, once; a minute or two", doctor]
    symbol, timeframe = answers.tickers[0].split() if answers.tickers else ("AUDUSD", "M1")
    bars = f"--bars {symbol}_{timeframe}.csv"
    train = f"instant-trader train --symbols {symbol} --timeframe {timeframe} {bars}"
    return [train, f"instant-trader deploy {symbol} {timeframe}", doctor, start]


def _toml(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


_CHOICES = """\
classic  a server of the classic protocol: getportfolio, getbars, result
own      our own server: the one in the farm, or one that runs elsewhere
paper    nothing outside: a simulated market, our own server, an account on paper
"""

_HEAD = """\
# The settings of this farm. What is commented out shows its default.
# `instant-trader show-config` prints everything there is, and where each value came from.
# Over this file stands .env, over that the environment (TRADER__FARM__ID), over all the command line.

[farm]
id = {id}                  # under this id signals are stored
tickers = {tickers}        # none: those of the portfolio, or else every deployed bundle
work_path = {work_path}    # deployed bundles, the server's store, logs
# models_path = "models"         # the shelf: what training made
# silent_after_s = 15.0          # a worker that shows no life for so long is started anew
# drain_s = 10.0                 # how long a stop may take
# threshold = "none"             # what a probability must exceed; none: each bundle's own
# drift_limit = "none"           # hold a bot at 0.5 while its features drift beyond this PSI; 0.25 is usual

[farm.restart]
# max_restarts = 10              # more crashes than this within the time below: a person must look
# within_s = 300.0
"""

_CLASSIC = """
[server]
address = {address}
# protocol = "auto"              # found out by asking; or say "classic"
# timeout_s = 10.0

[classic]
zero_is_short = {zero}           # whether the server spells short as 0 instead of -1
# delay_after_close_s = 0.05     # so long after a bar's close the first poll is sent
# poll_s = 0.4                   # and the next ones, until the bar is there
# jitter_s = 0.3                 # polls of many workers are spread over so long
"""

_ELSEWHERE = """
[server]
address = {address}
# token_file = ""                # the token is in .env; or name a file that holds it
# ca_file = ""                   # certificates to trust instead of the system's
# timeout_s = 10.0
"""

_EMBEDDED = """
[server.embedded]
# host = "127.0.0.1"             # another address needs tls_cert and tls_key beside it
# port = 8181
# classic = "loopback"           # who may use the classic routes, which know no tokens
# grace_s = 10.0                 # how late a bot may be before it is STALE

[server.embedded.retention]
# bars_days = 0                  # 0 keeps for ever
# signals_days = 0
# trading_days = 0               # orders that are over, fills, trades and equity
"""

_PAPER = """
[feed]
market = "simulated"             # bars are made up, from a seed, and posted as they close

[demo]
tickers = {tickers}
# seed = 20
# history_bars = 4000

[desk]
enabled = true                   # signals become orders
mode = "paper"                   # that are filled on paper
# capital = 100000.0
# currency = "USD"
instruments = ["* tick=0.00001 lot=1"]   # of every symbol that is no pair of currencies
rates = ["CAD 0.73", "CHF 1.12", "GBP 1.31", "JPY 0.0067", "NZD 0.57"]   # in USD, for what is earned
# risk = 0.005                   # the part of a ticker's equity that one trade may lose
# max_drawdown = 0.15            # beyond it nothing new is entered
"""

_FOOT = """
[notices]
# events = ["fatal", "absent", "state", "farm", "drift", "summary"]
# every_s = 60.0                 # what happens in between is told in one message
# summary_at = "06:00"           # UTC; nothing: no summary
"""

_DOTENV = """\
# What nobody else may read; keep this file out of backups that others see, and out of git.

# The token for a server elsewhere; the embedded one makes its own.
{token}

# Where notices go, as apprise spells it; several with a space between.
# TRADER__NOTICES__URLS=tgram://bottoken/chatid
"""
