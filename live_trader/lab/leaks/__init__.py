"""Finds what looks where it must not: cut off the future, lengthen the past, and see what changes."""

from live_trader.lab.leaks.features import Maker, copies, features, foreign, future, past
from live_trader.lab.leaks.tampering import Leak, altered, turns
from live_trader.lab.leaks.training import Walk, examine, fits, grid, labels, searches, walks

__all__ = [
    "Leak",
    "Maker",
    "Walk",
    "altered",
    "copies",
    "examine",
    "features",
    "fits",
    "foreign",
    "future",
    "grid",
    "labels",
    "past",
    "searches",
    "turns",
    "walks",
]
