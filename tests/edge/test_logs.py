"""A log is one line per fact, and never larger than it may be."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from live_trader.edge import logs


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    for each in root.handlers:
        each.close()
    root.handlers[:] = before
    root.setLevel(level)


def test_a_fact_is_one_line_whatever_is_in_it(tmp_path: Path) -> None:
    logs.log_to(tmp_path / "farm.log")
    facts = {"bot": "trader", "bar": "2026-11-20T10:00:00Z", "cause": 'it said "no"\nand left'}
    logging.getLogger("live_trader.farm.worker").warning("waits", extra=facts)
    (line,) = (tmp_path / "farm.log").read_text().splitlines()
    assert line.endswith(
        "WARNING worker: waits bot=trader bar=2026-11-20T10:00:00Z cause=\"it said 'no' and left\""
    )


def test_a_log_rotates_and_only_a_few_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_BYTES", 2000)
    logs.log_to(tmp_path / "farm.log")
    for number in range(500):
        logging.getLogger("noise").info("line %d of many", number)
    kept = sorted(tmp_path.iterdir())
    assert [each.name for each in kept] == ["farm.log", "farm.log.1", "farm.log.2", "farm.log.3"]
    assert all(each.stat().st_size <= 2000 for each in kept)
    assert "line 499 of many" in kept[0].read_text()
