"""The audit of what is installed finds what it should, and passes over what was accepted with a reason."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from benchmarks.audit import ROOT, differing, main, pinned, weak

KNOWN = {
    "advisory": [
        {"name": "Some.Thing", "below": "2.0", "told": "CVE-1"},
        {"name": "other", "below": "9", "told": "CVE-2", "accepted": "we never call it"},
    ]
}


def test_another_version_than_the_one_wanted_is_told() -> None:
    wanted = pinned("Some_Thing==2.0  # why\n\nother==1.0; python_version < '3.12'\n")
    assert wanted == {"some-thing": "2.0", "other": "1.0"}
    assert list(differing({"some-thing": "2.0.0", "stranger": "7"}, wanted)) == []
    assert list(differing({"some-thing": "2.1"}, wanted)) == [
        "some-thing is 2.1, and constraints.txt wants 2.0"
    ]


def test_a_known_weakness_is_told_unless_it_was_accepted_or_mended() -> None:
    assert list(weak({"some-thing": "1.9", "other": "1"}, KNOWN)) == [
        "Some.Thing 1.9 is open to CVE-1: take 2.0 or newer"
    ]
    assert list(weak({"some-thing": "2.0"}, KNOWN)) == []


def test_what_constraints_name_has_no_known_weakness() -> None:
    known = tomllib.loads((ROOT / "tests" / "cases" / "advisories.toml").read_text())
    assert list(weak(pinned((ROOT / "constraints.txt").read_text()), known)) == []
    assert all(len(each.get("accepted", "because it is")) > 10 for each in known["advisory"])


def test_the_audit_fails_when_what_we_pin_becomes_known_to_be_weak(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same program that `make check` runs, with one more weakness written down."""
    version = pinned((ROOT / "constraints.txt").read_text())["starlette"]
    advisories = tmp_path / "advisories.toml"
    kept = (ROOT / "tests" / "cases" / "advisories.toml").read_text()
    planted = f'{kept}\n[[advisory]]\nname = "starlette"\nbelow = "{version}.1"\ntold = "CVE-2099-1"\n'
    advisories.write_text(planted)
    assert main(["--advisories", str(advisories)]) == 1
    assert f"starlette {version} is open to CVE-2099-1: take {version}.1 or newer" in capsys.readouterr().out
    advisories.write_text(planted + 'accepted = "nothing of it is used here"\n')
    assert main(["--advisories", str(advisories)]) == 0


def test_the_audit_fails_when_a_pin_is_weak_that_is_not_even_installed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    constraints = tmp_path / "constraints.txt"
    constraints.write_text((ROOT / "constraints.txt").read_text() + "some-absent-thing==1.0\n")
    advisories = tmp_path / "advisories.toml"
    advisories.write_text(
        'reviewed = 2026-11-20\n[[advisory]]\nname = "some-absent-thing"\nbelow = "2"\ntold = "CVE-2099-2"\n'
    )
    assert main(["--constraints", str(constraints), "--advisories", str(advisories)]) == 1
    assert "some-absent-thing 1.0 is open to CVE-2099-2" in capsys.readouterr().out
