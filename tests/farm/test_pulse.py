"""A page shows what its worker wrote, also after the worker has died, and has one writer."""

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from live_trader.core.bars import Ticker
from live_trader.errors import BadSettings
from live_trader.farm.pulse import NONE, Beat, Phase, Pulse, path_of

TICKER = Ticker.parse("AUDUSD M1")


def test_a_reader_sees_what_the_writer_wrote(tmp_path: Path) -> None:
    pulse = Pulse.own(path_of(tmp_path, TICKER))
    beat = Beat(
        phase=Phase.SERVING, beaten=12.5, pid=77, last_bar=60, owed_after=60, answered=3, refused=1, faults=2,
        unreachable=1, garbled=4, conflicts=5, unaccepted=6, late=7,
        heavy=True, signal=-1.0, long=0.125, short=0.75, long_needs=0.3, short_needs=0.4,
        received=0.0005, features=0.0007, models=0.001, lag=0.002,
        version="v1", reason="waits: ünter", held="drift",
    )  # fmt: skip
    pulse.write(beat)
    watched = Pulse.watch(path_of(tmp_path, TICKER))
    assert watched is not None
    assert watched.read() == beat


def test_a_text_too_long_for_the_page_is_cut_and_hurts_nothing_else(tmp_path: Path) -> None:
    pulse = Pulse.own(tmp_path / "x.pulse")
    pulse.write(Beat(version="v" * 1000, reason="é" * 1000, answered=5))
    beat = pulse.read()
    assert beat is not None
    assert beat.answered == 5
    assert beat.version == "v" * 256


def test_a_page_nobody_has_written_shows_nothing(tmp_path: Path) -> None:
    assert Pulse.watch(tmp_path / "none.pulse") is None
    assert Pulse.own(tmp_path / "new.pulse").read() is None


def test_a_second_writer_is_refused_with_a_sentence(tmp_path: Path) -> None:
    path = path_of(tmp_path, TICKER)
    held = Pulse.own(path)
    with pytest.raises(BadSettings, match="another process already serves AUDUSD M1"):
        Pulse.own(path)
    held.close()
    Pulse.own(path)


def test_the_page_outlives_a_killed_writer(tmp_path: Path) -> None:
    path = path_of(tmp_path, TICKER)
    code = (
        "import os, signal, sys; from pathlib import Path; from live_trader.farm.pulse import *\n"
        f"Pulse.own(Path({str(path)!r})).write(Beat(owed_after=120, pid=os.getpid()))\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code], check=False, env={**os.environ}, timeout=30)
    beat = Pulse.own(path).read()
    assert beat is not None
    assert beat.owed_after == 120
    assert beat.last_bar == NONE
    assert math.isnan(beat.signal)
