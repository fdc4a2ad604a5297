"""The door: `python resetter.py` closes everything, then sends the new portfolio."""

from __future__ import annotations

import sys

from live_trader.verbs.door import carry_out
from live_trader.verbs.reset import reset


def main() -> None:
    """Rebalance as the command line asks for and exit with its code."""
    sys.exit(carry_out(reset, sys.argv[1:], "resetter"))


if __name__ == "__main__":
    main()
