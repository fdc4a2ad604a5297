"""A feed that plays tapes as fast as it is told; started again, it goes on where the server stands."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from benchmarks.farmstead import Caller
from live_trader.core.bars import Tape, Ticker
from live_trader.edge.tapes import read


def main(arguments: list[str] | None = None) -> int:
    """Post every tape of a folder, one bar of each ticker per round, until all have ended."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tapefeed", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--token-file", type=Path, required=True)
    parser.add_argument("--per-second", type=float, default=20.0)
    options = parser.parse_args(arguments)
    tapes = [_tape(path) for path in sorted(options.folder.glob("*.csv"))]
    while True:
        try:
            _play(tapes, options)
        except (OSError, RuntimeError, ValueError) as fault:
            print(f"begins again: {fault}", file=sys.stderr)
            time.sleep(0.1)
        else:
            return 0


def _tape(path: Path) -> Tape:
    symbol, _, timeframe = path.stem.rpartition("_")
    return read(path, Ticker.parse(f"{symbol} {timeframe}")).tape


def _play(tapes: list[Tape], options: argparse.Namespace) -> None:
    caller = Caller(options.port, options.token_file.read_text().strip())
    places = [_place(caller, tape) for tape in tapes]
    while any(place < len(tape) for place, tape in zip(places, tapes, strict=True)):
        begun = time.monotonic()
        for index, tape in enumerate(tapes):
            if places[index] < len(tape):
                caller.post_bars(tape.ticker, [tape.bar(places[index])])
                places[index] += 1
        time.sleep(max(0.0, 1.0 / options.per_second - (time.monotonic() - begun)))


def _place(caller: Caller, tape: Tape) -> int:
    """How many bars of this tape the server has."""
    newest = caller.newest(tape.ticker)
    return 0 if newest is None else int((tape.times <= newest).sum())


if __name__ == "__main__":
    sys.exit(main())
