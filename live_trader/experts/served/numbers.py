"""Many numbers as bytes: little-endian, so that the same model is the same file everywhere."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from live_trader.core.bars import Floats

Whole = NDArray[np.int64]


class Matrix(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rows of finite floats."""

    rows: int
    columns: int
    content: bytes

    @classmethod
    def of(cls, values: Any) -> Matrix:
        """This array of two dimensions."""
        array = np.asarray(values, np.float64)
        rows, columns = array.shape
        return cls(rows, columns, floats_to_bytes(array))

    def check(self) -> None:
        """Say what cannot be, as a ValueError."""
        if self.rows < 1 or self.columns < 1 or len(floats(self.content)) != self.rows * self.columns:
            raise ValueError("a matrix is not of its size")
        finite(floats(self.content))

    @property
    def array(self) -> Floats:
        """The rows, not to be written to."""
        return floats(self.content).reshape(self.rows, self.columns)


def floats_to_bytes(values: Any) -> bytes:
    """Doubles, eight bytes each."""
    return np.ascontiguousarray(values, np.dtype("<f8")).tobytes()


def whole_to_bytes(values: Iterable[int] | Whole) -> bytes:
    """Whole numbers, four bytes each."""
    return np.ascontiguousarray(values, np.dtype("<i4")).tobytes()


def floats(content: bytes) -> Floats:
    """What `floats_to_bytes` wrote."""
    return np.frombuffer(content, np.dtype("<f8")).astype(np.float64, copy=False)


def whole(content: bytes) -> Whole:
    """What `whole_to_bytes` wrote."""
    return np.frombuffer(content, np.dtype("<i4")).astype(np.int64)


def finite(values: Floats) -> None:
    """Say, as a ValueError, that one of these is not a number."""
    if not np.isfinite(values).all():
        raise ValueError("a number of the model is NaN or infinite")
