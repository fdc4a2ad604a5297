"""No name that comes from outside leads out of the folder it names something in."""

from __future__ import annotations

from pathlib import Path

import pytest

from live_trader.core.bars import Ticker, Timeframe
from live_trader.edge.clock import Clock
from live_trader.edge.server.tokens import Registry, Scope
from live_trader.edge.shelf import Shelf
from live_trader.edge.wire import bot_id
from live_trader.errors import TraderError

HOSTILE = [
    "..", "../x", "x/../y", "/etc/passwd", "\\\\host\\share", "C:\\x", "a\0b", "a\nb", ".", "", " ", "~",
    "-rf", "\u2024\u2024/x", "\uff0e\uff0e\uff0fx", "a\u2215b", "a\uff0fb", "a\u202eb", "%2e%2e%2fx",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_could_lead_elsewhere_is_none(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "inside"
    folder.mkdir()
    ticker = Ticker("AUDUSD", Timeframe.M1)
    with pytest.raises(TraderError):
        Ticker(name, Timeframe.M1)
    with pytest.raises(TraderError):
        bot_id(name)
    with pytest.raises(TraderError):
        Shelf(folder / "models", folder / "work").bundle(ticker, name)
    if name:
        with pytest.raises(TraderError):
            Registry(folder, Clock()).make(Scope.READ, name=name)
    assert [each.name for each in tmp_path.iterdir()] == ["inside"]
