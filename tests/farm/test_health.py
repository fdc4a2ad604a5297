"""What `doctor` says of the deployed bundles: which are true, which are damaged, which a person forced."""

from __future__ import annotations

from pathlib import Path

import pytest

from live_trader.edge.settings import Settings, load
from live_trader.edge.shelf import Shelf
from live_trader.farm.health import Finding, findings
from tests.experts.drafts import AUDUSD, CREATED, draft


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    given = {"farm.work_path": str(tmp_path / "work"), "farm.models_path": str(tmp_path / "models")}
    return load(overrides=given).settings


def deployed(settings: Settings, verdict: str, *, force: bool = False) -> list[Finding]:
    """What is found of the bundle after one with this verdict was deployed."""
    shelf = Shelf.of(settings)
    shelf.save(draft(verdict=verdict), CREATED)
    shelf.deploy(AUDUSD, at=CREATED, force=force)
    return found(settings)


def found(settings: Settings) -> list[Finding]:
    return [each for each in findings(settings) if each.about == f"bundle {AUDUSD}"]


def test_a_deployable_bundle_that_reproduces_its_golden_rows_is_well(settings: Settings) -> None:
    (finding,) = deployed(settings, "deployable")
    assert finding.state == "well"
    assert "reproduces its golden rows" in finding.says


def test_a_bundle_that_was_forced_is_noted_with_what_the_judge_said(settings: Settings) -> None:
    well, forced = deployed(settings, "refused", force=True)
    assert (well.state, forced.state) == ("well", "note")
    assert "--force, although its Sharpe ratio is -0.3" in forced.says
    assert forced.advice


def test_a_damaged_bundle_is_trouble_with_its_reason(settings: Settings) -> None:
    deployed(settings, "deployable")
    served = Shelf.of(settings).deployed(AUDUSD)
    assert served
    (served / "long" / "golden.json").write_text("{}")
    (finding,) = found(settings)
    assert finding.state == "trouble"
    assert "long/golden.json" in finding.says
    assert finding.advice
