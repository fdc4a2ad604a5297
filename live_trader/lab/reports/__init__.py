"""Pages about the past that a person enjoys: one file each, which needs nothing but a browser."""

from live_trader.lab.reports.judged import report
from live_trader.lab.reports.page import cards, page, section, table
from live_trader.lab.reports.pieces import account, figures, listed, months, spread

__all__ = ["account", "cards", "figures", "listed", "months", "page", "report", "section", "spread", "table"]
