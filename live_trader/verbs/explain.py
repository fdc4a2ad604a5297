"""The verb that says why a signal is what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from live_trader.verbs import Context, common

if TYPE_CHECKING:
    from live_trader.edge.why import SideText, WhyText
    from live_trader.edge.wire.v1 import SignalText

_SHOWN = 12


@click.command(epilog="Example: instant-trader explain 4711")
@click.argument("seq", type=click.IntRange(min=1))
@common
def explain(context: Context, seq: int) -> int:
    """Work the stored signal number SEQ out again from its bars and bundle; exit 1 if the bits differ."""
    import msgspec

    from live_trader.edge.client.reader import connect_reader
    from live_trader.edge.shelf import Shelf
    from live_trader.edge.why import bundle_of, opened, reach, ticker_of
    from live_trader.edge.why import explain as explained

    farm = context.settings.farm
    with connect_reader(context.settings) as reader:
        signal = reader.numbered(seq)
        bundle = opened(bundle_of(Shelf.of(context.settings), signal))
        bars = reader.bars(ticker_of(signal), signal.bar_time, reach(bundle, farm.tolerance))
    found = explained(signal, bundle, bars, farm.threshold, farm.tolerance)
    context.result(msgspec.to_builtins(found), _told(found))
    return 0 if found.same else 1


def _told(found: WhyText) -> str:
    signal = found.signal
    when = f"{signal.bar_time:%Y-%m-%d %H:%M:%S}"
    lines = [
        f"{signal.symbol} {signal.timeframe} at {when} UTC: {signal.signal:g}, "
        f"{'held, ' if signal.held else ''}by {signal.id} with bundle {found.bundle}",
        found.sentence,
        *_pace(signal),
    ]
    for model in found.models:
        for side in model.sides:
            lines += ["", f"{model.name}, {side.side}: {_opinion(side)}", _features(side)]
    return "\n".join(lines)


def _pace(signal: SignalText) -> list[str]:
    """How long after its bar's close the signal reached each stage that its worker has told."""
    if not signal.lags:
        return []
    lags = signal.lags
    stages = (
        f"received after {lags.received:.4f} s, features {lags.features:.4f} s, models {lags.models:.4f} s"
    )
    if signal.received_at is None:
        return [stages]
    from live_trader.core.bars import Timeframe

    closed = signal.bar_time.timestamp() + Timeframe.parse(signal.timeframe).seconds
    return [f"{stages}, stored {signal.received_at.timestamp() - closed:.4f} s, all from the bar's close"]


def _opinion(side: SideText) -> str:
    bits = "same bits as stored" if side.same else f"stored was {side.stored!r}"
    word = "yes" if side.votes else "no"
    return f"{side.probability!r} against {side.threshold:g}, so {word}; {bits}"


def _features(side: SideText) -> str:
    from live_trader.verbs.tables import table

    head = ("FEATURE", "WAS", "USUAL", f"{side.unit.upper()} ({side.method})")
    rows = [(e.name, f"{e.value:.6g}", f"{e.usual:.6g}", f"{e.share:+.4f}") for e in side.features[:_SHOWN]]
    rest = len(side.features) - _SHOWN
    more = f"\n{rest} more add {sum(e.share for e in side.features[_SHOWN:]):+.4f}" if rest > 0 else ""
    return table(head, rows) + more
