"""Verbs of the shelf: deploy and roll back bundles, look at them, carry them between machines."""

from __future__ import annotations

import functools
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from live_trader.verbs import Context, common

if TYPE_CHECKING:
    from collections.abc import Callable

    from live_trader.core.bars import Ticker
    from live_trader.edge.shelf import Record, Shelf


def _symbols(_: click.Context, _argument: click.Parameter, begun: str) -> list[str]:
    """What a shell is offered for SYMBOL: those of the shelf."""
    from live_trader.errors import TraderError

    try:
        shelved = _shelf(Context(None, False, False, {})).shelved()
    except TraderError:
        return []
    return sorted({each.symbol for each in shelved if each.symbol.startswith(begun)})


def _timeframes(_: click.Context, _argument: click.Parameter, begun: str) -> list[str]:
    from live_trader.core.bars import Timeframe

    return [each.name for each in Timeframe if each.name.startswith(begun)]


def _of_ticker(command: Callable[..., int | None]) -> Callable[..., int | None]:
    """Give a verb the arguments SYMBOL and TIMEFRAME; it receives them as one `ticker`."""

    @click.argument("symbol", shell_complete=_symbols)
    @click.argument("timeframe", shell_complete=_timeframes)
    @functools.wraps(command)
    def wrapped(symbol: str, timeframe: str, **rest: Any) -> int | None:
        return command(ticker=_ticker(symbol, timeframe), **rest)

    return wrapped


@click.command(epilog="Example: instant-trader deploy AUDUSD M1")
@_of_ticker
@click.argument("version", required=False)
@click.option("--force", is_flag=True, help="Serve it although the judge did not find it deployable.")
@click.option("--shadow", is_flag=True, help="Serve it beside the deployed one: stored, never traded.")
@click.option("--promote", is_flag=True, help="Make the shadow the one that is traded.")
@click.option("--withdraw", is_flag=True, help="Stop serving the shadow.")
@common
def deploy(
    context: Context,
    ticker: Ticker,
    version: str | None,
    force: bool,
    shadow: bool,
    promote: bool,
    withdraw: bool,
) -> None:
    """Put the newest bundle, or this VERSION, where the farm serves it; a running farm swaps by itself."""
    if promote + withdraw + shadow > 1 or ((promote or withdraw) and (version or force)):
        raise click.UsageError("Use one of --shadow, --promote and --withdraw; the last two take no version.")
    shelf = _shelf(context)
    at = datetime.now(UTC)
    if promote:
        record = shelf.promote(ticker, at=at)
    elif withdraw:
        record = shelf.withdraw(ticker, at=at)
    else:
        record = shelf.deploy(ticker, version, at=at, force=force, shadow=shadow)
    _tell(context, ticker, record)


@click.command(epilog="Example: instant-trader rollback AUDUSD M1")
@_of_ticker
@common
def rollback(context: Context, ticker: Ticker) -> None:
    """Serve the bundle that was served before the present one."""
    _tell(context, ticker, _shelf(context).rollback(ticker, at=datetime.now(UTC)))


@click.group()
def bundles() -> None:
    """List, show, verify, compare, export and import trained bundles."""


@bundles.command(name="list", epilog="Example: instant-trader bundles list")
@common
def list_(context: Context) -> None:
    """Every bundle on the shelf: when it was made, what the judge said, and whether it is deployed."""
    from live_trader.edge.shelf.inventory import inventory
    from live_trader.verbs.tables import table

    found = inventory(_shelf(context))
    rows = [(str(i.ticker), i.version, i.verdict, i.place, i.fault or ", ".join(i.models)) for i in found]
    text = table(("TICKER", "VERSION", "VERDICT", "DEPLOYED", "MODELS"), rows)
    empty = f"There are no bundles in {context.settings.farm.models_path}; instant-trader train makes one"
    context.result({"bundles": [each.facts for each in found]}, text if found else empty)


@bundles.command(epilog="Example: instant-trader bundles show AUDUSD M1")
@_of_ticker
@click.argument("version", required=False)
@common
def show(context: Context, ticker: Ticker, version: str | None) -> None:
    """One bundle: recipes, models, thresholds, training and verdict; the newest when no VERSION is named."""
    import msgspec

    from live_trader.experts.bundle import glance
    from live_trader.verbs.tables import described

    manifest = glance(_shelf(context).bundle(ticker, version))
    context.result(msgspec.to_builtins(manifest), described(manifest))


@bundles.command(epilog="Example: instant-trader bundles verify")
@click.argument("symbol", required=False)
@click.argument("timeframe", required=False)
@click.argument("version", required=False)
@common
def verify(context: Context, symbol: str | None, timeframe: str | None, version: str | None) -> None:
    """Check every file and golden row of a bundle, or of all shelved and deployed ones; exit 4 on damage."""
    from live_trader.edge.shelf.inventory import examine, folders
    from live_trader.errors import BadBundle
    from live_trader.lab.progress import Shown
    from live_trader.verbs.tables import table

    if symbol and not timeframe:
        raise click.UsageError("Name a timeframe too, as in: bundles verify AUDUSD M1")
    ticker = _ticker(symbol, timeframe) if symbol and timeframe else None
    some, found = list(folders(_shelf(context), ticker, version)), []
    with Shown(sys.stderr) as shown:
        shown.expect(len(some))
        for each in some:
            found.append(examine(each))
            shown.done(str(each))
    bad = [each for each in found if each.fault]
    rows = [(each.folder, each.fault or f"whole and true, in {each.seconds:.2f} s") for each in found]
    facts = [{"folder": e.folder, "fault": e.fault, "seconds": round(e.seconds, 3)} for e in found]
    context.result({"bundles": facts, "damaged": len(bad)}, table(("BUNDLE", "FOUND"), rows))
    if bad:
        raise BadBundle(f"{len(bad)} of {len(found)} bundles cannot be served: {bad[0].fault}")


@bundles.command(epilog="Example: instant-trader bundles compare AUDUSD M1")
@_of_ticker
@common
def compare(context: Context, ticker: Ticker) -> None:
    """The champion and its shadow: how often their stored signals agree, and what the judge saw of both."""
    from live_trader.edge.client.reader import connect_reader
    from live_trader.edge.shelf.agreement import agreement
    from live_trader.errors import TraderError
    from live_trader.verbs.tables import compared

    champion, shadow = _shelf(context).rivals(ticker)
    bot, found, fault = context.settings.farm.id, None, ""
    try:
        with connect_reader(context.settings) as reader:
            traded, watched = (reader.signals(ticker, bot, shadow=each) for each in (False, True))
            found = agreement(traded, watched, shadow.version)
    except TraderError as error:
        fault = f"the stored signals cannot be read: {error}"
        context.say(fault)
    facts = {
        "champion": {"version": champion.version, "figures": champion.verdict.figures},
        "shadow": {"version": shadow.version, "figures": shadow.verdict.figures},
        "bars": found.bars if found else None,
        "same": found.same if found else None,
        "agreement": found.share if found else None,
        "answered_by_one_only": found.alone if found else None,
        "fault": fault,
    }
    context.result(facts, compared(champion, shadow, found))


@bundles.command(epilog="Example: instant-trader bundles export AUDUSD M1 --to audusd.zip")
@_of_ticker
@click.argument("version", required=False)
@click.option(
    "--to", type=click.Path(path_type=Path), help="The file to write; by default one named after it."
)
@common
def export(context: Context, ticker: Ticker, version: str | None, to: Path | None) -> None:
    """Pack a bundle into one zip file."""
    from live_trader.edge.shelf import archive

    folder = _shelf(context).bundle(ticker, version)
    name = f"{ticker.symbol}_{ticker.timeframe.name}_{folder.name}.zip"
    target = archive.export(folder, to or Path(name))
    context.result({"file": str(target), "version": folder.name}, f"packed {folder.name} into {target}")


@bundles.command(name="import", epilog="Example: instant-trader bundles import old/work_dir --timeframe H1")
@click.argument("path", type=click.Path(path_type=Path, exists=True))
@click.option("--timeframe", help="Of which timeframe a classic folder is, where its bars do not say.")
@click.option("--swap-sides", is_flag=True, help="In a classic folder, long sells and short buys.")
@click.option("--trust", is_flag=True, help="Accept an archive whose models run their author's code.")
@common
def import_(context: Context, path: Path, timeframe: str | None, swap_sides: bool, trust: bool) -> None:
    """Put on the shelf what `bundles export` packed, or the newest models of a folder of the classic layout.

    Reading a classic folder opens its pickles, which runs the code of whoever wrote them.
    """
    if path.is_file():
        from live_trader.edge.shelf import archive

        folder = archive.bring(path, _shelf(context), trust=trust)
        context.result({"bundles": [str(folder)], "unused": []}, f"put on the shelf: {folder}")
        return
    _import_classic(context, path, timeframe, swap_sides)


def _import_classic(context: Context, path: Path, timeframe: str | None, swap: bool) -> None:
    from live_trader.core.bars import Timeframe
    from live_trader.edge.shelf import classic
    from live_trader.errors import BadData

    frame = Timeframe.parse(timeframe) if timeframe else None
    found = classic.bring(path, _shelf(context), at=datetime.now(UTC), timeframe=frame, swap=swap)
    brought = [str(each.bundle) for each in found if each.bundle]
    unused = [sentence for each in found for sentence in each.unused]
    lines = [*(f"put on the shelf: {each}" for each in brought), *(f"note: {each}" for each in unused)]
    context.result({"bundles": brought, "unused": unused}, "\n".join(lines))
    if not brought:
        raise BadData(f"nothing in {path} could be used")


def _shelf(context: Context) -> Shelf:
    from live_trader.edge.shelf import Shelf

    return Shelf.of(context.settings)


def _ticker(symbol: str, timeframe: str) -> Ticker:
    from live_trader.core.bars import Ticker, Timeframe

    return Ticker(symbol, Timeframe.parse(timeframe))


def _tell(context: Context, ticker: Ticker, record: Record) -> None:
    last, champion = record.history[-1], record.champion
    lines = [f"{ticker} serves {champion.version}"]
    if champion.forced:
        lines.append(f"forced, although: {'; '.join(champion.forced)}")
    if record.shadow:
        lines.append(f"beside it, never traded: {record.shadow.version}")
    if record.previous:
        lines.append(f"rollback would serve {record.previous.version}")
    facts: dict[str, Any] = {
        "ticker": str(ticker),
        "what": last.what,
        "champion": champion.version,
        "previous": record.previous.version if record.previous else None,
        "shadow": record.shadow.version if record.shadow else None,
        "forced": list(champion.forced),
    }
    context.result(facts, "\n".join(lines))
