"""The one place that asks what time it is."""

import random
import time
from datetime import UTC, datetime


class Clock:
    """The machine's clock; tests and the simulator bring another with the same three answers."""

    def now(self) -> datetime:
        """The time of day, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds on a clock that never steps and that all processes of this machine share."""
        return time.monotonic()

    def chance(self) -> float:
        """A number in [0, 1) that differs between processes, for jitter."""
        return random.random()  # noqa: S311 - spreads retries, guards nothing
