"""Finished stages are found again under their key, whole, or not at all."""

from __future__ import annotations

import os
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from live_trader.errors import TraderError
from live_trader.lab.stages import Stages, key


class Kept(msgspec.Struct, frozen=True):
    name: str
    numbers: bytes


KEPT = Kept("gbc", np.arange(100.0).tobytes())


def only(folder: Path) -> Path:
    (path,) = folder.glob("*/*")
    return path


def test_a_stage_is_found_again_under_its_key_and_no_other(tmp_path: Path) -> None:
    stages = Stages(tmp_path)
    assert stages.load(key("a"), Kept) is None
    stages.store(key("a"), KEPT)
    assert stages.load(key("a"), Kept) == KEPT
    assert stages.load(key("b"), Kept) is None


@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
@settings(max_examples=40, deadline=None)
def test_a_stage_with_any_bit_turned_counts_as_not_done(
    tmp_path_factory: pytest.TempPathFactory, at: int, bit: int
) -> None:
    folder = tmp_path_factory.mktemp("stages")
    stages = Stages(folder)
    stages.store(key("a"), KEPT)
    raw = bytearray(only(folder).read_bytes())
    raw[at % len(raw)] ^= 1 << bit
    only(folder).write_bytes(raw)
    assert stages.load(key("a"), Kept) is None


@pytest.mark.parametrize("size", [0, 1, 31, 32, 40])
def test_a_stage_cut_short_counts_as_not_done(tmp_path: Path, size: int) -> None:
    stages = Stages(tmp_path)
    stages.store(key("a"), KEPT)
    only(tmp_path).write_bytes(only(tmp_path).read_bytes()[:size])
    assert stages.load(key("a"), Kept) is None


def test_keys_differ_when_any_part_does_however_the_parts_are_cut() -> None:
    one = np.arange(4.0)
    parts = [
        ("ab", "c"),
        ("a", "bc"),
        ("abc",),
        (one,),
        (one[:3],),
        (one.astype(np.int64),),
        ({"a": 1},),
        ({"a": 2},),
    ]
    assert len({key(*each) for each in parts}) == len(parts)
    assert key({"a": 1, "b": 2}, one) == key({"b": 2, "a": 1}, one.copy())


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(TraderError, match=r"cannot be kept in .*Make room"):
        Stages(tmp_path / "file").store(key("a"), KEPT)


def test_what_nobody_asked_for_in_a_month_is_removed(tmp_path: Path) -> None:
    stages = Stages(tmp_path)
    for name in "ab":
        stages.store(key(name), KEPT)
    old = time.time() - 40 * 86_400
    for path in tmp_path.glob("*/*"):
        os.utime(path, (old, old))
    assert stages.load(key("b"), Kept) == KEPT
    stages.sweep()
    assert stages.load(key("a"), Kept) is None
    assert stages.load(key("b"), Kept) == KEPT
