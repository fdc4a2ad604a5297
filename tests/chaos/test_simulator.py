"""Two hundred stories of late, repeated and impossible bars, failing wires and dying parts end well."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from benchmarks.simulator import tell

STORIES, SHARE = 200, 25
ONCE_BROKEN = (746, 2520, 3250, 8281, 9759)
"""A drained buffer taken for a gap, requests to a dead server, revisions counted back, a late bar."""


@pytest.mark.timeout(30)
@pytest.mark.parametrize("seed", ONCE_BROKEN)
def test_a_story_that_was_broken_once_ends_well(
    seed: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("CRITICAL")
    tell(seed, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, STORIES, SHARE))
def test_no_story_breaks_what_must_never_break(
    first: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("CRITICAL")
    happened = Counter[str]()
    for seed in range(first, first + SHARE):
        folder = tmp_path / str(seed)
        folder.mkdir()
        try:
            happened += tell(seed, folder)
        except Exception as fault:  # whatever it was, its seed belongs to it
            fault.add_note(f"tell it again: python -m benchmarks.simulator --first {seed} --seeds 1")
            raise
    assert len(happened) > 15
