"""Runs every speed claim's program and writes what it found to RESULTS.md beside this file.

Takes at most a quarter of an hour: a program that would take longer than its share is ended, and said so.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Program:
    """A program, the seconds it may take, and the bounds that its figures should keep."""

    name: str
    seconds: int
    words: tuple[str, ...] = ()
    bounds: dict[str, str] = field(default_factory=dict)


PROGRAMS = (
    Program("imports", 35),
    Program(
        "bar_to_signal",
        120,
        (),
        {"ours_us_p50": "<= 200", "ours_us_p99": "<= 1000", "ratio": ">= 1000", "mismatches": "<= 0"},
    ),
    Program(
        "herd",
        170,
        ("--tickers", "200", "--rounds", "20"),
        {
            "last_signal_ms_p50": "<= 150",
            "last_signal_ms_p99": "<= 400",
            "lost": "<= 0",
            "duplicates": "<= 0",
            "start_s": "<= 20",
            "pss_mb_per_worker": "<= 10",
            "pss_mb_total": "<= 3000",
        },
    ),
    Program("herd", 420, ("--curve", "--rounds", "3")),
    Program(
        "server",
        75,
        (),
        {
            "single_signals_per_s": ">= 3000",
            "batch_signals_per_s": ">= 20000",
            "bars_per_s": ">= 200000",
            "polls_ms_max": "<= 300",
            "lost": "<= 0",
            "duplicates": "<= 0",
        },
    ),
    Program("client", 15),
    Program("features", 10),
    Program("search", 50),
)


def main() -> int:
    """Run them one after the other; 1 when one of them failed."""
    pages, failed = [], 0
    for program in PROGRAMS:
        begun = time.monotonic()
        figures, fault = run(program)
        took = time.monotonic() - begun
        print(f"{program.name:16} {fault or f'done after {took:.0f} s'}", flush=True)
        failed += bool(fault)
        pages.append("\n".join(page(program, figures, fault, took)))
    (HERE / "RESULTS.md").write_text("\n\n".join(["\n".join(head()), *pages]) + "\n")
    return 1 if failed else 0


def run(program: Program) -> tuple[dict[str, Any], str]:
    """The figures of a program, or why there are none."""
    words = [sys.executable, "-m", f"benchmarks.{program.name}", *program.words, "--json"]
    with subprocess.Popen(
        words, cwd=HERE.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            said, complaint = process.communicate(timeout=program.seconds)
        except subprocess.TimeoutExpired:
            process.terminate()
            return {}, f"was ended after {program.seconds} s"
    lines = [line for line in said.splitlines() if line.startswith("{")]
    fault = f"failed with exit code {process.returncode}" if process.returncode else ""
    if not lines:
        return {}, f"{fault or 'said nothing'}: {(complaint.splitlines() or [''])[-1]}"
    return json.loads(lines[-1]), fault


def head() -> Iterator[str]:
    """The machine, the date and the commit."""
    yield "# Results"
    yield ""
    yield "Written by `make bench`; every figure comes from a program of this folder, in one run."
    yield ""
    yield f"* date: {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    yield f"* commit: {commit()}"
    yield f"* machine: {processor()}, {os.cpu_count()} processors, {memory_gb():.0f} GB, {platform.system()}"
    yield f"* Python {platform.python_version()}, load when the last program ended: {os.getloadavg()[0]:.1f}"


def page(program: Program, figures: dict[str, Any], fault: str, took: float) -> Iterator[str]:
    """A table of what a program found, with the bounds where there are some."""
    yield f"## {' '.join((program.name, *program.words))}"
    yield ""
    yield f"{fault[0].upper()}{fault[1:]}." if fault else f"Took {took:.0f} s."
    lists = {
        name: value if isinstance(value, list) else [{"": each, **row} for each, row in value.items()]
        for name, value in figures.items()
        if isinstance(value, list)
        or (isinstance(value, dict) and all(isinstance(row, dict) for row in value.values()))
    }
    plain = {name: value for name, value in figures.items() if name not in lists}
    if plain:
        yield ""
        yield "| figure | value | wanted | |"
        yield "|---|---:|---:|---|"
    for name, value in plain.items():
        bound = program.bounds.get(name, "")
        yield f"| {name} | {spelled(value)} | {bound} | {kept(value, bound)} |"
    for name, rows in lists.items():
        yield from table(name, [row for row in rows if isinstance(row, dict)])


def table(name: str, rows: list[dict[str, Any]]) -> Iterator[str]:
    """A table with a line for each of these."""
    if not rows:
        return
    yield ""
    yield f"### {name}"
    yield ""
    yield f"| {' | '.join(rows[0])} |"
    yield f"|{'---|' * len(rows[0])}"
    for row in rows:
        yield f"| {' | '.join(spelled(row.get(key, '')) for key in rows[0])} |"


def kept(value: Any, bound: str) -> str:
    """Whether a figure is within its bound."""
    if not bound:
        return ""
    sign, _, limit = bound.partition(" ")
    return "yes" if (value >= float(limit) if sign == ">=" else value <= float(limit)) else "NO"


def spelled(value: Any) -> str:
    """A figure as one reads it in a table."""
    if isinstance(value, dict):
        return spelled("; ".join(f"{name}: {each}" for name, each in value.items()))
    text = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
    return text.replace("|", "/")


def commit() -> str:
    """The commit that was measured, and whether files differed from it."""
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty=, with changes", "--exclude=*"],
        cwd=HERE.parent, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return told.stdout.strip() or "unknown"


def processor() -> str:
    """The name of the processor."""
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text().splitlines() if facts.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def memory_gb() -> float:
    """The memory of this machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


if __name__ == "__main__":
    sys.exit(main())
