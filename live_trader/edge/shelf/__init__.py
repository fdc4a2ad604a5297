"""Bundles on disk: the shelf they stand on, the copies the farm serves, and the ways in and out."""

from live_trader.edge.shelf.record import Move, Record, Slot
from live_trader.edge.shelf.shelf import Shelf

__all__ = ["Move", "Record", "Shelf", "Slot"]
