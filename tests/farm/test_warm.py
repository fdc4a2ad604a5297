"""What workers are forked from has rehearsed their life, and holds nothing that a live worker must not."""

from __future__ import annotations

import json
import subprocess
import sys

_LOOK = """
import json, sys, tempfile
from pathlib import Path
import live_trader.farm.warm
from live_trader.farm.worker import Worker
heavy = {"pandas", "sklearn", "scipy", "pycaret", "lightgbm", "matplotlib"} & set(sys.modules)
import gc
print(json.dumps({"heavy": sorted(heavy), "left": len(list(Path(tempfile.gettempdir()).iterdir())),
                  "frozen": gc.get_freeze_count()}))
"""


def test_a_rehearsal_leaves_nothing_behind(tmp_path):
    """No file, no heavy library; and what is there is kept from the collector, so that it stays shared."""
    said = subprocess.run(
        [sys.executable, "-c", _LOOK], env={"TMPDIR": str(tmp_path)}, capture_output=True, check=True
    )
    found = json.loads(said.stdout)
    assert found["heavy"] == []
    assert found["left"] == 0
    assert found["frozen"] > 10_000


def test_what_a_worker_makes_later_stands_together():
    """After the gaps are filled, two objects of one size that are made in a row are neighbours."""
    look = (
        "import live_trader.farm.warm\n"
        "made = [bytes(67) for _ in range(60)]\n"
        "print(sum(id(b) - id(a) == 112 for a, b in zip(made, made[1:])))"
    )
    said = subprocess.run([sys.executable, "-c", look], capture_output=True, check=True)
    assert int(said.stdout) > 50


def test_no_room_to_rehearse():
    """Where nothing can be written the farm runs all the same."""
    look = "import tempfile; tempfile.tempdir = '/proc/nowhere'; import live_trader.farm.warm; print('well')"
    said = subprocess.run([sys.executable, "-c", look], capture_output=True, check=True)
    assert said.stdout == b"well\n"
