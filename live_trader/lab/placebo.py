"""Labels that mean nothing: what is left of a result when there is nothing to learn."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from live_trader.lab.evidence import UNSETTLED, Labels, Side


def meaningless(labels: Mapping[Side, Labels], count: int, seed: int) -> dict[str, dict[Side, Labels]]:
    """So many meaningless versions of these labels by name, shifted and shuffled in turn.

    A walk over each, in the same spans, costs as much as the real one did.
    """
    random = np.random.default_rng(seed)
    return {
        f"{kind.__name__} {number // 2 + 1}": kind(labels, random)
        for number, kind in enumerate((shifted, shuffled)[turn % 2] for turn in range(count))
    }


def shifted(labels: Mapping[Side, Labels], random: np.random.Generator) -> dict[Side, Labels]:
    """Both sides' labels moved round the tape by the same far distance: their own rhythm stays."""
    count = len(labels["long"])
    distance = int(random.integers(count // 4, max(3 * count // 4, count // 4 + 1)))
    return {side: np.roll(each, distance) for side, each in labels.items()}


def shuffled(labels: Mapping[Side, Labels], random: np.random.Generator) -> dict[Side, Labels]:
    """Both sides' settled labels in the same new order: only how many there are stays."""
    settled = np.flatnonzero(np.all([each != UNSETTLED for each in labels.values()], axis=0))
    order = random.permutation(settled)
    mixed = {side: each.copy() for side, each in labels.items()}
    for each in mixed.values():
        each[settled] = each[order]
    return mixed
