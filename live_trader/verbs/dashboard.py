"""The verb that lets a person into the dashboard."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from live_trader.verbs import Context, common

if TYPE_CHECKING:
    from live_trader.edge.server.dashboard.sessions import Sessions
    from live_trader.edge.settings import Settings


@click.command(epilog="Example: instant-trader dashboard")
@click.option("--read-only", is_flag=True, help="Let it look, but neither halt nor only-close.")
@common
def dashboard(context: Context, read_only: bool) -> None:
    """Print a link that opens the dashboard of this work path once, within the hour."""
    from live_trader.errors import Refused

    settings = context.settings
    if settings.server.address:
        raise Refused(
            f"the server is at {settings.server.address}, not in this farm",
            "Run this where that server runs, with its work path",
        )
    link = _link(settings, _sessions(settings), admin=not read_only)
    context.result({"link": link, "admin": not read_only}, link)


def greet(context: Context, settings: Settings) -> None:
    """Print the first link of an embedded server, when nobody was ever given one."""
    if settings.server.address or not settings.server.embedded.port:
        return
    sessions = _sessions(settings)
    if sessions.untouched:
        context.say(f"the dashboard opens once with {_link(settings, sessions, admin=True)}")


def _sessions(settings: Settings) -> Sessions:
    from live_trader.edge.clock import Clock
    from live_trader.edge.server.dashboard.sessions import Sessions

    return Sessions(Path(settings.farm.work_path) / "server", Clock())


def _link(settings: Settings, sessions: Sessions, *, admin: bool) -> str:
    options = settings.server.embedded
    scheme = "https" if options.tls_cert else "http"
    host = f"[{options.host}]" if ":" in options.host else options.host
    return f"{scheme}://{host}:{options.port}/#/login/{sessions.invite(admin=admin)}"
