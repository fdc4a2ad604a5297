"""The proof that live did what the back-test says: signal by signal and trade by trade, with causes."""

from live_trader.lab.parity.causes import Cause
from live_trader.lab.parity.report import Difference, Parity, parity
from live_trader.lab.parity.telling import told

__all__ = ["Cause", "Difference", "Parity", "parity", "told"]
