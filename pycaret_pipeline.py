"""The door: `python pycaret_pipeline.py` trains, judges and shelves, as `instant-trader train` does."""

from __future__ import annotations

import sys

from live_trader.verbs.door import carry_out
from live_trader.verbs.train import train


def main() -> None:
    """Run the training that the command line asks for and exit with its code."""
    sys.exit(carry_out(train, sys.argv[1:], "pycaret_pipeline"))


if __name__ == "__main__":
    main()
