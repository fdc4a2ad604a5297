"""The copies of bundles in a deployed folder, each under a name of its own."""

from __future__ import annotations

from collections.abc import Set
from pathlib import Path

from live_trader.errors import BadBundle
from live_trader.experts.bundle import Manifest, atomic, check, load
from live_trader.experts.bundle.manifest import NAME


def add(folder: Path, source: Path, manifest: Manifest) -> str:
    """The name of a fresh copy of this bundle, which has proved itself where it now is."""
    numbers = (int(each.name.partition("-")[0]) for each in _copies(folder))
    name = f"{max(numbers, default=0) + 1:04d}-{manifest.version}"
    with atomic.incoming(folder) as fresh:
        for file in (NAME, *manifest.files):
            atomic.write(fresh / file, (source / file).read_bytes())
        load(fresh)
        atomic.appear(fresh, folder / name)
    return name


def intact(folder: Path) -> bool:
    """Whether every file of this copy is the one that was written."""
    try:
        check(folder)
    except BadBundle:
        return False
    return True


def sweep(folder: Path, needed: Set[str]) -> None:
    """Remove the copies that are needed no more."""
    for each in _copies(folder):
        if each.name not in needed:
            atomic.discard(each)


def _copies(folder: Path) -> list[Path]:
    return [each for each in folder.glob("[0-9]*-*") if each.name[:4].isdigit() and each.is_dir()]
