"""Tables of features of every shape a market gives them, with labels that some of them explain."""

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from live_trader.core.bars import Floats

settings.register_profile("served", suppress_health_check=[HealthCheck.too_slow], deadline=None)
settings.load_profile("served")


@pytest.fixture(scope="session")
def market() -> tuple[tuple[str, ...], Floats, Floats]:
    """Column names, 400 rows of features and a label of 0 or 1 for each."""
    rng = np.random.default_rng(909)
    rows = rng.normal(size=(400, 7))
    rows[:, 1] = np.round(rows[:, 1])
    rows[:, 2] = rows[:, 2] > 0.8
    rows[:, 3] *= 1e-5
    rows[:, 4] = rng.standard_t(3, size=400) * 1e6
    rows[:, 6] = rows[:, 5] + 0.01 * rows[:, 6]
    labels = (rows[:, 0] + rows[:, 1] + rng.normal(size=400) > 0.5).astype(float)
    return tuple(f"column {place}" for place in range(7)), rows, labels
