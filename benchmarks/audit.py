"""Looks offline: is what is installed what constraints.txt names, and is any of either known to be weak?

It compares the installed versions with constraints.txt, and both with the weaknesses that a person has listed
in tests/cases/advisories.toml. It asks no service: it cannot know of a weakness that nobody has written down
there, and says until when somebody has looked. It does not compare the installed files with what their makers
published: pip did that when it fetched them.
"""

from __future__ import annotations

import argparse
import re
import sys
import sysconfig
import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
_OWN = "instant-trader"
_OLD_DAYS = 180


def installed() -> dict[str, str]:
    """Every installed distribution with its version, not counting what another carries inside itself."""
    places = list(dict.fromkeys(sysconfig.get_path(each) for each in ("purelib", "platlib")))
    return {_named(each.metadata["Name"]): each.version for each in distributions(path=places)}


def pinned(text: str) -> dict[str, str]:
    """Every version that constraints name."""
    lines = (line.partition("#")[0].partition(";")[0].strip() for line in text.splitlines())
    return {_named(name): version for name, _, version in (line.partition("==") for line in lines if line)}


def differing(found: Mapping[str, str], wanted: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each distribution that has another version than the one wanted."""
    for name in sorted(found.keys() & wanted.keys()):
        if Version(found[name]) != Version(wanted[name]):
            yield f"{name} is {found[name]}, and constraints.txt wants {wanted[name]}"


def weak(found: Mapping[str, str], known: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each known weakness that is open here and not accepted with a reason."""
    for each in known["advisory"]:
        version = found.get(_named(each["name"]))
        if version and Version(version) < Version(each["below"]) and not each.get("accepted"):
            yield f"{each['name']} {version} is open to {each['told']}: take {each['below']} or newer"


def main(arguments: list[str] | None = None) -> int:
    """Say what is wrong, and exit with 1 if anything is."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.audit", description=__doc__)
    parser.add_argument("--constraints", type=Path, default=ROOT / "constraints.txt")
    parser.add_argument("--advisories", type=Path, default=ROOT / "tests" / "cases" / "advisories.toml")
    options = parser.parse_args(arguments)
    found, wanted = installed(), pinned(options.constraints.read_text())
    known = tomllib.loads(options.advisories.read_text())
    troubles = [*differing(found, wanted), *dict.fromkeys([*weak(found, known), *weak(wanted, known)])]
    strangers = sorted(found.keys() - wanted.keys() - {_OWN})
    if strangers:
        print(f"not ours, not looked at: {', '.join(strangers)}")
    reviewed: date = known["reviewed"]
    if (datetime.now(UTC).date() - reviewed).days > _OLD_DAYS:
        print(f"nobody has looked for new weaknesses since {reviewed}: see {options.advisories.name}")
    looked = f"{len(found.keys() & wanted.keys())} installed and {len(wanted)} pinned distributions"
    listed = f"{len(known['advisory'])} weaknesses that were listed by hand until {reviewed}"
    print("\n".join(troubles) or f"{looked} are as they should be, and open to none of the {listed}", end="")
    taken = [each for each in known["advisory"] if each.get("accepted")]
    print("" if troubles else f", {len(taken)} accepted with their reasons" if taken else "")
    return 1 if troubles else 0


def _named(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    sys.exit(main())
