"""Fifty kills of a real farm's parts lose nothing, repeat nothing and change nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_the_store_after_fifty_kills_is_that_of_a_calm_run() -> None:
    command = [
        sys.executable,
        "-m",
        "benchmarks.chaos",
        "--tickers",
        "3",
        "--kills",
        "50",
        "--seed",
        "3",
        "--recovery",
        "15",  # 5 where no other tests run beside it: `make chaos` holds it to that
        "--json",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=170, check=False)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["stored"] == figures["expected"] >= 150
    assert (figures["lost"], figures["duplicates"], figures["differing"]) == (0, 0, 0), done.stderr
    assert figures["recovery_s_p95"] <= 15.0
    assert figures["frozen_s_max"] <= 15.0
    assert figures["silent_s_max"] <= 11.0, done.stderr
