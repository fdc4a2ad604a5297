"""Factors at the entries of trades: computed once for a tape, and never of a bar that was not closed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from live_trader.core.bars import Tape
from live_trader.core.factors import NAMES, factors
from live_trader.core.fills import FillAt, Market
from live_trader.core.instruments import Instrument
from live_trader.core.sizing import Plan
from live_trader.lab.backtest import Entrant, Terms, observed, run


@pytest.mark.parametrize("fill_at", list(FillAt))
def test_an_entry_sees_the_factors_of_the_bar_that_wished_it(
    tmp_path: Path, walk: Callable[..., Tape], whim: Any, eurusd: Instrument, fill_at: FillAt
) -> None:
    tape = walk(1, 400)
    trades = run(
        Entrant("a", tape, whim(1, 9), Plan()), Terms({"EURUSD": eurusd}, market=Market(fill_at=fill_at))
    ).trades
    seen = observed.at_entries(tape, trades, tmp_path)
    columns = np.column_stack(list(factors(tape))).astype(np.float32)
    wished = [int(np.flatnonzero(tape.times + 60 == int(trade.opened.timestamp()))[0]) for trade in trades]
    assert len(trades) > 10
    assert np.array_equal(seen, columns[wished], equal_nan=True)


def test_a_tape_is_computed_once_and_another_tape_for_itself(
    tmp_path: Path, walk: Callable[..., Tape], monkeypatch: pytest.MonkeyPatch
) -> None:
    computed: list[int] = []

    def counted(tape: Tape) -> Any:
        computed.append(len(tape))
        return factors(tape)

    monkeypatch.setattr(observed, "factors", counted)
    first, again = walk(1, 200), walk(1, 200)
    table = observed.table(first, tmp_path)
    assert np.array_equal(table, observed.table(again, tmp_path), equal_nan=True)
    assert computed == [200]
    observed.table(walk(2, 200), tmp_path)
    assert computed == [200, 200]
    assert table.shape == (200, len(NAMES))
    assert len(list(tmp_path.iterdir())) == 2
