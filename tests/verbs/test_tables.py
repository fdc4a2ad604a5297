"""What a judge kept of its figures is told as a person reads it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from live_trader.edge.shelf import Shelf
from live_trader.experts.bundle import Verdict, glance
from live_trader.verbs.tables import compared, described
from tests.experts.drafts import AUDUSD, CREATED, draft

EARNED = {"trades": 78, "win_rate": 0.5, "profit_factor": 0.61, "total_return": -0.0383, "sharpe": None}
FIGURES = {
    "models": {
        "LogisticRegression~PC": {"performance": {**EARNED, "drawdown": 0.0623}, "luck": {"nothing": 1.0}}
    },
    "placebos": {"shifted 1": {"LogisticRegression~PC": {**EARNED, "trades": 117}}},
    "leaks": [],
    "bars": 977,
}


def test_models_and_placebos_stand_in_one_table_and_no_figure_is_a_wall(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "models", tmp_path / "work")
    judged = replace(draft(AUDUSD), verdict=Verdict(decision="refused", reasons=("noise",), figures=FIGURES))
    manifest = glance(shelf.save(judged, CREATED))
    said = described(manifest)
    (real,) = (line for line in said.splitlines() if "real labels" in line)
    assert real.split()[-6:] == ["78", "50%", "0.61", "-3.83%", "-", "6.23%"]
    (placebo,) = (line for line in said.splitlines() if "shifted 1" in line)
    assert placebo.split()[-6:] == ["117", "50%", "0.61", "-3.83%", "-", "-"]
    assert "luck" not in said
    assert "leaks" not in said
    assert "report.html in its folder" in said
    beside = compared(manifest, manifest, None)
    assert beside.count("real labels") == 2
    assert "luck" not in beside
