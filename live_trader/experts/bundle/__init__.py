"""Everything one bot was trained to be, as one immutable folder that notices any damage to itself."""

from live_trader.experts.bundle.manifest import (
    SIDES,
    Manifest,
    Period,
    Side,
    Training,
    Verdict,
    checked_model,
    checked_version,
    libraries,
)
from live_trader.experts.bundle.reading import Bundle, check, glance, load, usual
from live_trader.experts.bundle.writing import Draft, Learned, Trained, write

__all__ = [
    "SIDES",
    "Bundle",
    "Draft",
    "Learned",
    "Manifest",
    "Period",
    "Side",
    "Trained",
    "Training",
    "Verdict",
    "check",
    "checked_model",
    "checked_version",
    "glance",
    "libraries",
    "load",
    "usual",
    "write",
]
