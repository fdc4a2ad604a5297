"""The served form of a pipeline: data that answers one row with the pipeline's own number."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Self

import msgspec

from live_trader.core.bars import Floats
from live_trader.errors import BadBundle, BadData
from live_trader.experts.served.bayes import Constant, Gaussian, Quadratic
from live_trader.experts.served.cuts import HUGE
from live_trader.experts.served.layers import Columns, Layer, Row
from live_trader.experts.served.linear import Linear
from live_trader.experts.served.neighbours import Neighbours
from live_trader.experts.served.network import Network
from live_trader.experts.served.stages import Quantile
from live_trader.experts.served.trees import Forest, Symmetric

_MARK = b"served form 1\n"
_AGAIN = "Train this ticker again, or roll back to the bundle before"

Estimator = Forest | Symmetric | Linear | Gaussian | Quadratic | Constant | Network | Neighbours


class Form(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The columns of a row, the layers it goes through, and the estimator at the end.

    `reach` is how far from zero a value of each column may be: farther out, the pipeline itself would refuse.
    """

    family: str
    columns: tuple[str, ...]
    reach: tuple[float, ...]
    layers: list[Layer]
    estimator: Estimator

    def check(self) -> None:
        """Say what cannot be, as a ValueError."""
        width = len(self.columns)
        if not 0 < width == len(self.reach) or not all(0.0 < each <= HUGE for each in self.reach):
            raise ValueError("the model has no columns, or does not say how far they reach")
        if not self.layers or not isinstance(self.layers[-1], Columns):
            raise ValueError("the model has no layers, or the last is not one of columns")
        for layer in self.layers:
            width = layer.check(width)
        self.estimator.check(width)

    def ready(self) -> Callable[[Row], float]:
        """The probability of one row, made of its layers and its estimator."""
        *before, last = self.layers
        assert isinstance(last, Columns)
        if isinstance(self.estimator, Forest | Symmetric):
            answer = self.estimator.ready(last)
        else:
            answer = _after(last, self.estimator.ready())
        for layer in reversed(before):
            answer = _after(layer, answer)
        return answer


def _after(layer: Layer, answer: Callable[[Row], float]) -> Callable[[Row], float]:
    step = layer.ready()
    return lambda row: answer(step(row))


class Served:
    """A model that needs nothing but numpy: the pipeline it was taken from is not there."""

    def __init__(self, form: Form) -> None:
        self.columns = form.columns
        self.family = form.family
        self._reach = form.reach
        self._answer = form.ready()
        self._near = min(form.reach) ** 2
        self._kept: Callable[[], Form] = lambda: form

    @property
    def form(self) -> Form:
        """All of it as data; read again where only what answers rows was kept in memory."""
        return self._kept()

    def probability(self, row: Floats) -> float:
        """The probability of class 1, unrounded, as the pipeline would give it for this row."""
        values = row.tolist()
        if len(values) != len(self.columns) or not row.dot(row) < self._near:
            self._examine(values)
        answer = self._answer(values)
        if not 0.0 <= answer <= 1.0:
            raise BadData(f"the model of {self.family} has no probability for a row", _AGAIN)
        return answer

    def _examine(self, values: Row) -> None:
        """Refuse a row that is not one of finite features; one that is only far from zero may pass."""
        if len(values) != len(self.columns):
            raise BadData(
                f"a row has {len(values)} columns, the model reads {len(self.columns)}",
                "Use the recipe that belongs to this model",
            )
        for name, value, reach in zip(self.columns, values, self._reach, strict=True):
            if not abs(value) < reach:
                raise BadData(
                    f"{name} is {value}, which is no feature the model can read",
                    "Ask for the bars of this window again",
                )

    def to_bytes(self) -> bytes:
        """The form as a file: a mark, a digest and the data. The same model is always the same bytes."""
        content = msgspec.msgpack.encode(self.form)
        return _MARK + sha256(content).digest() + content

    @classmethod
    def from_bytes(cls, content: bytes, name: str = "a served form") -> Self:
        """What `to_bytes` wrote; a byte that differs is a BadBundle."""
        return cls(_read(content, name, {}))

    @classmethod
    def on_disk(cls, content: bytes, path: Path, share: dict[Quantile, Quantile]) -> Self:
        """The form that is this file's content; in memory stays only what answers rows.

        Tables that are in `share` are not held a second time: the models of one bundle have many in common.
        """
        served = cls(_read(content, str(path), share))
        served._kept = partial(_again, path, _digest(content))
        return served

    def save(self, path: Path) -> None:
        """Write the form to this path."""
        path.write_bytes(self.to_bytes())

    @classmethod
    def load(cls, path: Path) -> Self:
        """The form at this path; one that is missing or damaged is a BadBundle."""
        return cls.from_bytes(_content(path), str(path))


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadBundle(f"{path} cannot be read: {error.strerror}", _AGAIN) from None


def _again(path: Path, digest: bytes) -> Form:
    content = _content(path)
    if _digest(content) != digest:
        raise BadBundle(f"{path} is not the model that was loaded from it", _AGAIN)
    return _read(content, str(path), {})


def _digest(content: bytes) -> bytes:
    return content[len(_MARK) :][: sha256().digest_size]


def _read(content: bytes, name: str, share: dict[Quantile, Quantile]) -> Form:
    digest = _digest(content)
    data = content[len(_MARK) + len(digest) :]
    if not content.startswith(_MARK):
        raise BadBundle(f"{name} is not a served model that this program knows", _AGAIN)
    if sha256(data).digest() != digest:
        raise BadBundle(f"{name} is damaged: it is not what was written", _AGAIN)
    try:
        form = msgspec.msgpack.decode(data, type=Form)
        form.check()
    except (msgspec.DecodeError, ValueError) as error:
        raise BadBundle(f"{name} is no served model: {error}", _AGAIN) from None
    for layer in form.layers:
        if isinstance(layer, Columns):
            layer.share(share)
    return form
