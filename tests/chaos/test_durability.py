"""What the store acknowledged is in it, however often and in the middle of whatever it is killed."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.durability import kills


@pytest.mark.slow
def test_sixty_kills_in_the_middle_of_commits_lose_nothing_acknowledged(tmp_path: Path) -> None:
    figures = kills(tmp_path, 60, 7)
    assert figures["acknowledged"] > 500
    assert figures["lost"] == 0
    assert figures["set_aside"] == ""
    assert figures["open_s_max"] < 2.0
