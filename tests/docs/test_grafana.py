"""The Grafana dashboard asks for metrics that there are, by labels that they have, and leaves none out."""

from __future__ import annotations

import json
import re
from pathlib import Path

from live_trader.edge.server import metrics as server
from live_trader.farm import figures as farm

BOARD = json.loads((Path(__file__).parents[2] / "docs/grafana.json").read_text())
FAMILIES = {**server.FAMILIES, **farm.FAMILIES}
SUFFIX = re.compile(r"_(bucket|sum|count)$")


def targets() -> list[tuple[str, str]]:
    """Every expression with what its lines are called."""
    return [(each["expr"], each["legendFormat"]) for panel in BOARD["panels"] for each in panel["targets"]]


def metric(word: str) -> str:
    return word if word in FAMILIES else SUFFIX.sub("", word)


def test_every_metric_it_asks_for_is_told_by_server_or_farm() -> None:
    asked = {metric(word) for expression, _ in targets() for word in re.findall(r"trader_\w+", expression)}
    assert asked == set(FAMILIES)


def test_histograms_are_asked_as_histograms_and_counters_as_rates() -> None:
    for expression, _ in targets():
        for word in re.findall(r"trader_\w+", expression):
            kind = FAMILIES[metric(word)][0]
            assert word.endswith("_bucket") is (kind == "histogram"), expression
            assert (f"({word}[" in expression) is (kind in ("histogram", "counter")), expression


def test_every_label_it_groups_or_names_by_is_one_the_metric_has() -> None:
    for expression, legend in targets():
        names = {
            label
            for word in re.findall(r"trader_\w+", expression)
            for label in (*FAMILIES[metric(word)][2], *(("le",) if word.endswith("_bucket") else ()))
        }
        grouped = {each.strip() for by in re.findall(r"by \(([^)]*)\)", expression) for each in by.split(",")}
        assert grouped | set(re.findall(r"{{(\w+)}}", legend)) <= names, expression


def test_server_and_farm_share_only_the_lag_and_panels_do_not_overlap() -> None:
    """Each knows some of its stages, and both describe it with the same words."""
    assert set(server.FAMILIES) & set(farm.FAMILIES) == {server.LAG}
    assert server.FAMILIES[server.LAG] == farm.FAMILIES[server.LAG]
    places = [(each["gridPos"]["x"], each["gridPos"]["y"]) for each in BOARD["panels"]]
    assert len(set(places)) == len(places)
    assert len({each["id"] for each in BOARD["panels"]}) == len(places)
