"""The last proof is kept whole, and a damaged one is said instead of shown."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from live_trader.edge.proof import DifferenceText, ProofText, ShareText, keep, kept
from live_trader.errors import BadData

MADE = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)


def proof(signals: int) -> ProofText:
    """A comparison in which one signal is another."""
    difference = DifferenceText(
        kind="signal", ticker="AUDUSD M1", time=MADE, live="long", past="neutral", cause="revised bar"
    )
    return ProofText(
        made=MADE,
        since=None,
        until=MADE,
        currency="USD",
        signals=signals,
        equal_signals=signals - 1,
        trades=0,
        equal_trades=0,
        tickers=(ShareText(ticker="AUDUSD M1", signals=signals, equal=signals - 1),),
        live=None,
        past=None,
        pairs=(),
        differences=(difference,),
        more=0,
    )


def test_the_newest_proof_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    assert kept(tmp_path) is None
    for signals in (5, 7):
        keep(tmp_path, proof(signals))
        assert kept(tmp_path) == proof(signals)
    assert [each.name for each in tmp_path.iterdir()] == ["parity.json"]


@pytest.mark.parametrize("damage", [b"", b"{}", b"\xff", b'{"made": "yesterday"}'])
def test_a_damaged_proof_names_the_command_that_makes_it_anew(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "parity.json").write_bytes(damage)
    with pytest.raises(BadData, match="instant-trader parity makes it anew"):
        kept(tmp_path)
