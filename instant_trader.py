"""The door: `python instant_trader.py` starts the farm; every other verb of the command line follows it."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the verb on the command line and exit with its code."""
    from live_trader.verbs.door import enter  # only here: every process of the farm reads this file

    sys.exit(enter(sys.argv[1:]))


if __name__ == "__main__":
    main()
