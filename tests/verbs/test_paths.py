"""No symbol, version, id or name on a command line leads out of the folders of the settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from live_trader.verbs.door import enter
from tests.edge.test_traversal import HOSTILE

PLANTED = "planted beside the work path"
HERE = "{}"
COMMANDS = [
    ["deploy", HERE, "M1"],
    ["deploy", "AUDUSD", HERE],
    ["deploy", "AUDUSD", "M1", HERE, "--force"],
    ["rollback", HERE, "M1"],
    ["bundles", "show", HERE, "M1"],
    ["bundles", "show", "AUDUSD", "M1", HERE],
    ["bundles", "verify", HERE, "M1"],
    ["bundles", "verify", "AUDUSD", "M1", HERE],
    ["bundles", "compare", HERE, "M1"],
    ["bundles", "export", HERE, "M1", "--to", "out.zip"],
    ["bundles", "export", "AUDUSD", "M1", HERE, "--to", "out.zip"],
    ["bundles", "import", "planted.json", "--timeframe", HERE],
    ["logs", HERE],
    ["logs", HERE, "M1"],
    ["restart", HERE, "M1"],
    ["worker", HERE, "M1"],
    ["worker", "AUDUSD", HERE],
    ["explain", HERE],
    ["leaks", "--symbol", HERE],
    ["leaks", "--timeframe", HERE],
    ["plan", "--timeframe", HERE],
    ["train", "--symbols", HERE, "--timeframe", "M1", "--bars", "bars.csv"],
    ["train", "--symbols", "AUDUSD", "--timeframe", HERE, "--bars", "bars.csv"],
    ["backtest", "--tape", f"{HERE} M1=bars.csv"],
    ["tokens", "make", "--scope", "bot", "--bot", HERE],
    ["tokens", "make", "--scope", "read", "--name", HERE],
    ["tokens", "revoke", HERE],
    ["tokens", "rotate", HERE],
]
NAMES = [each for each in HOSTILE if each.strip() and "\0" not in each] + ["../planted", "../../planted"]
"""Not those that a command line cannot carry, or that mean what is not given."""


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_name_that_climbs_is_refused(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """By every verb that takes one, in a sentence, with nothing read or written elsewhere."""
    place = tmp_path / "place"
    (place / "work_dir" / "logs").mkdir(parents=True)
    for name in ("planted.log", "planted.json", "work_dir/planted.log", "bars.csv"):
        (place / name).write_text(PLANTED)
    monkeypatch.chdir(place)
    before = beside(place)
    for name in NAMES:
        code = enter([word.replace(HERE, name) for word in words])
        said = capfd.readouterr()
        assert code in (1, 2, 3, 4, 6), (name, said.err)
        assert "mistake of this program" not in said.err
        assert PLANTED not in said.out + said.err
    inside = [each for each in (place / "work_dir").rglob("*") if "server" not in each.parts]
    assert {each.name for each in inside} <= {"logs", "planted.log", "run", "server"}
    assert beside(place) == before


def beside(place: Path) -> set[Path]:
    """Everything that is not in the work path."""
    return {each for each in place.parent.rglob("*") if place / "work_dir" not in (each, *each.parents)}
