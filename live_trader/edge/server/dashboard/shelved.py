"""What the pages tell of bundles: where each stands, what its judge saw, what became of it since."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from live_trader.core.bars import Ticker
from live_trader.core.drift import USUAL, Tolerance
from live_trader.edge.bulletin import Bulletin
from live_trader.edge.server.dashboard.drift import drift, reach
from live_trader.edge.server.dashboard.matured import matured
from live_trader.edge.server.dashboard.records import Records
from live_trader.edge.server.problems import Problem
from live_trader.edge.server.store import HIGHEST
from live_trader.edge.shelf import Shelf
from live_trader.edge.shelf.inventory import inventory
from live_trader.edge.shelf.record import Move
from live_trader.errors import TraderError
from live_trader.experts.bundle import Manifest, check, glance, usual

REPORT: Final = "report.html"


def listed(shelf: Shelf, told: Bulletin | None, tolerance: Tolerance | None) -> dict[str, Any]:
    """Every bundle of the shelf, where it is deployed, and how far the champions have drifted."""
    limit = (tolerance or USUAL).limit
    children = {each.name: each for each in told.children} if told else {}
    found = []
    for each in inventory(shelf):
        child = children.get(str(each.ticker)) if "champion" in each.place else None
        drift = {"drift": child.drift, "held": child.held} if child else {"drift": None, "held": ""}
        found.append(each.facts | drift)
    return {"bundles": found, "limit": limit}


def rivals(
    shelf: Shelf, tolerance: Tolerance | None, store: Records, ticker: Ticker, now: datetime
) -> dict[str, Any]:
    """The deployed champion of a ticker and its challenger, side by side, judged and since."""
    folder, beside = shelf.deployed(ticker), shelf.shadow(ticker)
    if folder is None:
        raise Problem("not_found", f"no bundle of {ticker} is deployed")
    record = shelf.record(ticker)
    moves = record.history if record else ()
    told: dict[str, Any] = {"challenger": None, "agreement": []}
    told["champion"] = _told(glance(folder), store, moves, now) | _drift(folder, store, ticker, tolerance)
    if beside is not None:
        challenger = glance(beside)
        told["challenger"] = _told(challenger, store, moves, now) | _drift(beside, store, ticker, tolerance)
        told["agreement"] = store.agreement(ticker, challenger.version)
    return told


def report(shelf: Shelf, ticker: Ticker, version: str) -> bytes:
    """The judge's report of a bundle, once the bundle vouches for it."""
    folder = shelf.bundle(ticker, version)
    if REPORT not in check(folder).files:
        raise Problem("not_found", f"bundle {version} of {ticker} has no report")
    return (folder / REPORT).read_bytes()


def _told(manifest: Manifest, store: Records, moves: Sequence[Move], now: datetime) -> dict[str, Any]:
    return {
        "version": manifest.version,
        "created": manifest.created,
        "models": manifest.names,
        "thresholds": manifest.thresholds,
        "features": {side: len(recipe) for side, recipe in manifest.recipes.items()},
        "memory": manifest.memory,
        "heavy": manifest.heavy,
        "spans": manifest.training.spans,
        "decision": manifest.verdict.decision,
        "reasons": manifest.verdict.reasons,
        "figures": manifest.verdict.figures,
        "report": REPORT in manifest.files,
        "age": _age(manifest, moves, now),
        "matured": matured(store, manifest),
    }


def _age(manifest: Manifest, moves: Sequence[Move], now: datetime) -> dict[str, Any]:
    """How old a bundle is: since it was last taught and judged, and since when it is deployed.

    A walk judges a model for so long after its last lesson. One that has been at work for as long again, past
    the last bar it was judged on, is older than anything its judge can vouch for.
    """
    spans = manifest.training.spans
    taught = max((each.last for each in spans if each.purpose == "train"), default=None)
    judged = max((each.last for each in spans if each.purpose == "test"), default=None)
    deployed = max((each.at for each in moves if each.version == manifest.version), default=None)
    told = {"taught": taught, "judged": judged, "deployed": deployed, "reach_s": None, "old": False}
    if taught is None or judged is None or judged <= taught:
        return told
    span = judged - taught
    return told | {"reach_s": span.total_seconds(), "old": now - judged > span}


def _drift(folder: Path, store: Records, ticker: Ticker, tolerance: Tolerance | None) -> dict[str, Any]:
    try:
        sides = usual(folder)
        bars = store.bars(ticker, HIGHEST - 1, reach(sides, ticker, tolerance))
        return {"drift": drift(sides, ticker, bars, tolerance)}
    except TraderError as fault:
        return {"drift": {"features": [], "sentence": str(fault)}}
