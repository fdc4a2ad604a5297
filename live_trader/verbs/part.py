"""Verbs that run one part of a farm alone, for supervisord, systemd or a cluster."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

from live_trader.verbs import Context, common


@click.command(epilog="Example: instant-trader worker AUDUSD M1")
@click.argument("symbol")
@click.argument("timeframe")
@common
def worker(context: Context, symbol: str, timeframe: str) -> None:
    """Serve one ticker in this process until TERM or Ctrl-C."""
    from live_trader.core.bars import Ticker, Timeframe
    from live_trader.farm.children import work

    work(context.settings, str(Ticker(symbol, Timeframe.parse(timeframe))))


@click.command(epilog="Example: instant-trader feed")
@common
def feed(context: Context) -> None:
    """Post the bars of the configured market to the server until TERM or Ctrl-C."""
    from live_trader.farm.children import feed as run

    run(context.settings)


@click.command(
    epilog="Example: instant-trader supervisord > supervisord.conf && supervisord -c supervisord.conf"
)
@common
def supervisord(context: Context) -> None:
    """Print a supervisord configuration: one program per ticker, and server and feed where they are ours."""
    from live_trader.edge.shelf import Shelf
    from live_trader.errors import BadSettings
    from live_trader.farm.roster import tickers

    settings = context.settings
    served = tickers(settings, None, Shelf.of(settings).tickers())
    if not served:
        raise BadSettings(
            "there is no ticker to serve", "Deploy a bundle, or name tickers in farm.tickers of the settings"
        )
    programs = {} if settings.server.address else {"server": (1, "serve")}
    if settings.feed.market != "none":
        programs["feed"] = (2, "feed")
    if settings.desk.enabled:
        programs["desk"] = (20, "desk")
    for ticker in served:
        programs[f"{ticker.symbol}_{ticker.timeframe.name}"] = (
            10,
            f"worker {shlex.quote(ticker.symbol)} {ticker.timeframe.name}",
        )
    text = _configuration(context, programs)
    context.result({"configuration": text, "programs": list(programs)}, text)


def _configuration(context: Context, programs: dict[str, tuple[int, str]]) -> str:
    work = Path(context.settings.farm.work_path).resolve()
    for folder in ("run", "logs"):
        (work / folder).mkdir(parents=True, exist_ok=True, mode=0o700)
    head = _HEAD.format(work=_escaped(str(work)))
    return "\n".join([head, *(_program(context, work, name, *each) for name, each in programs.items())])


def _program(context: Context, work: Path, name: str, priority: int, verb: str) -> str:
    door = Path(sys.modules["__main__"].__file__ or "instant-trader").resolve()
    options = f"--work-path {shlex.quote(str(work))}"
    if context.config:
        options += f" --config {shlex.quote(str(context.config.resolve()))}"
    command = f"{shlex.quote(sys.executable)} {shlex.quote(str(door))} {verb} {options}"
    drain = round(context.settings.farm.drain_s + 2)
    return _PROGRAM.format(
        name=name.replace(":", "_"),
        command=_escaped(command),
        folder=_escaped(str(Path.cwd())),
        priority=priority,
        drain=drain,
        log=_escaped(str(work / "logs" / f"{name}.out")),
    )


def _escaped(text: str) -> str:
    return text.replace("%", "%%")


_HEAD = """\
; One program per ticker. An exit code of 4 means a person must look: such a program stays down until
; `supervisorctl start` is called for it.
[supervisord]
nodaemon=true
logfile={work}/logs/supervisord.log
pidfile={work}/run/supervisord.pid

[unix_http_server]
file={work}/run/supervisor.sock
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://{work}/run/supervisor.sock
"""

_PROGRAM = """\
[program:{name}]
command={command}
directory={folder}
priority={priority}
startsecs=0
autorestart=unexpected
exitcodes=0,4
stopsignal=TERM
stopwaitsecs={drain}
stopasgroup=false
redirect_stderr=true
stdout_logfile={log}
stdout_logfile_maxbytes=5MB
stdout_logfile_backups=3
"""
