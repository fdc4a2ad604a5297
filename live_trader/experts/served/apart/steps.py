"""Transformers taken apart: what each makes of the columns it gets."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from math import isnan
from typing import Any

import numpy as np

from live_trader.experts.served.apart.parts import demand, kind, not_servable, part
from live_trader.experts.served.layers import Column, Columns, Layer, Rotation
from live_trader.experts.served.numbers import Matrix, floats_to_bytes
from live_trader.experts.served.stages import Clip, Normal, Power, Quantile, Scale, Stage, Stretch, shares


@dataclass(frozen=True, slots=True)
class Flow:
    """The columns that have come out of the steps so far: their names, and how they are made."""

    names: tuple[str, ...]
    columns: tuple[Column, ...]
    before: tuple[Layer, ...] = ()

    @classmethod
    def of(cls, names: Iterable[str]) -> Flow:
        """The columns as the pipeline is given them."""
        names = tuple(names)
        return cls(names, tuple(Column(place, []) for place in range(len(names))))

    @property
    def layers(self) -> list[Layer]:
        """The layers that make these columns."""
        return [*self.before, Columns(list(self.columns))]

    def chosen(self, names: Iterable[str]) -> Flow:
        """Only these columns, in this order."""
        by_name = dict(zip(self.names, self.columns, strict=True))
        names = tuple(names)
        return replace(self, names=names, columns=tuple(by_name[name] for name in names))

    def joined(self, other: Flow) -> Flow:
        """These columns, those that the other has too as the other has them."""
        by_name = dict(zip(self.names, self.columns, strict=True)) | dict(
            zip(other.names, other.columns, strict=True)
        )
        return replace(self, columns=tuple(by_name[name] for name in self.names))

    def through(self, stages: Iterable[list[Stage]]) -> Flow:
        """Every column through its own stages."""
        pairs = zip(self.columns, stages, strict=True)
        return replace(self, columns=tuple(Column(each.source, each.stages + more) for each, more in pairs))


def passed(step: Any, flow: Flow) -> Flow:
    """What comes out of one step of a pipeline, PyCaret's wrapper taken off."""
    if step is None or step == "passthrough":
        return flow
    if kind(step) not in ("pycaret.TransformerWrapper", "pycaret.TransformerWrapperWithInverse"):
        return _transformed(step, flow)
    inside = part(step, "transformer")
    if part(step, "_train_only"):
        return flow
    if kind(inside) == "sklearn.LabelEncoder":
        demand(list(part(inside, "classes_")) == [0, 1], "the classes of the target are not 0 and 1")
        return flow
    included = part(step, "_include")
    if included is not None and not included:
        return flow
    return _wrapped(inside, flow, tuple(flow.names if included is None else included))


def _wrapped(inside: Any, flow: Flow, included: tuple[str, ...]) -> Flow:
    """Some columns through a transformer; the others keep their places, as PyCaret has it."""
    missing = sorted(set(included) - set(flow.names))
    demand(not missing, f"the pipeline reads columns that the recipe has not: {', '.join(missing)}")
    made = _transformed(inside, flow.chosen(included))
    if len(included) == len(flow.names):
        return made
    demand(set(made.names) <= set(included), f"{kind(inside)} makes new columns of some of the columns only")
    kept = tuple(name for name in flow.names if name in made.names or name not in included)
    return flow.chosen(kept).joined(made)


def _transformed(step: Any, flow: Flow) -> Flow:
    try:
        transform = _TRANSFORMS[kind(step)]
    except KeyError:
        raise not_servable(f"nobody here knows the step {kind(step)}") from None
    return transform(step, flow)


def _imputer(step: Any, flow: Flow) -> Flow:
    """A row without gaps goes through as it is; columns that were never filled are dropped."""
    missing = part(step, "missing_values")
    demand(isinstance(missing, float) and isnan(missing), "the imputer takes a number for a gap")
    demand(not part(step, "add_indicator"), "the imputer adds columns that say where gaps were")
    if kind(step) == "sklearn.KNNImputer":
        kept = part(step, "_valid_mask")
        demand(kept.all() or not part(step, "keep_empty_features"), "the imputer empties a column")
    else:
        demand(part(step, "_fit_dtype").kind in "biuf", "a column is a category or a text")
        known = np.array(part(step, "statistics_"), np.float64)
        kept = ~np.isnan(known) | part(step, "keep_empty_features")
    return flow.chosen(name for name, keep in zip(flow.names, kept.tolist(), strict=True) if keep)


def _selector(step: Any, flow: Flow) -> Flow:
    kept = step.get_support().tolist()
    return flow.chosen(name for name, keep in zip(flow.names, kept, strict=True) if keep)


def _collinear(step: Any, flow: Flow) -> Flow:
    dropped = set(part(step, "drop_"))
    return flow.chosen(name for name in flow.names if name not in dropped)


def _scaler(step: Any, flow: Flow) -> Flow:
    centre = part(step, "center_" if kind(step) == "sklearn.RobustScaler" else "mean_")
    return _scaled(flow, centre, part(step, "scale_"))


def _largest(step: Any, flow: Flow) -> Flow:
    return _scaled(flow, None, part(step, "scale_"))


def _scaled(flow: Flow, subtract: Any, divide: Any) -> Flow:
    width = len(flow.names)
    offsets = np.zeros(width) if subtract is None else np.asarray(subtract, np.float64)
    factors = np.ones(width) if divide is None else np.asarray(divide, np.float64)
    pairs = zip(offsets.tolist(), factors.tolist(), strict=True)
    return flow.through([Scale(offset, factor)] for offset, factor in pairs)


def _range(step: Any, flow: Flow) -> Flow:
    pairs = zip(part(step, "scale_").tolist(), part(step, "min_").tolist(), strict=True)
    ends = [Clip(*map(float, part(step, "feature_range")))] if part(step, "clip") else []
    return flow.through([Stretch(factor, offset), *ends] for factor, offset in pairs)


def _quantile(step: Any, flow: Flow) -> Flow:
    points = np.asarray(part(step, "quantiles_"), np.float64)
    normal = part(step, "output_distribution") == "normal"
    demand(len(points) > 1, "a quantile transform was fitted on one row")
    demand(part(step, "references_").tolist() == shares(len(points)), "the quantiles are not evenly spread")
    last: list[Stage] = [Normal()] if normal else []
    return flow.through([Quantile(floats_to_bytes(column), normal), *last] for column in points.T)


def _power(step: Any, flow: Flow) -> Flow:
    demand(part(step, "method") == "yeo-johnson", "of the power transforms only Yeo-Johnson is known")
    exponents = part(step, "lambdas_")  # 2 less the exponent is rounded as narrowly as the exponent is
    powered = flow.through([Power(float(each), float(2 - each))] for each in exponents)
    return _scaler(part(step, "_scaler"), powered) if part(step, "standardize") else powered


def _components(step: Any, flow: Flow) -> Flow:
    components = Matrix.of(part(step, "components_"))
    mean = part(step, "mean_")
    spread = np.sqrt(part(step, "explained_variance_")) if part(step, "whiten") else np.ones(components.rows)
    rotation = Rotation(
        floats_to_bytes(np.zeros(components.columns) if mean is None else mean),
        components,
        floats_to_bytes(spread),
    )
    return replace(Flow.of(step.get_feature_names_out().tolist()), before=(*flow.layers, rotation))


def _renamed(step: Any, flow: Flow) -> Flow:
    names = tuple(re.sub(part(step, "match"), "", name) for name in flow.names)
    demand(len(set(names)) == len(names), "two columns have one name once it is cleaned")
    return replace(flow, names=names)


_TRANSFORMS: dict[str, Callable[[Any, Flow], Flow]] = {
    "pycaret.CleanColumnNames": _renamed,
    "pycaret.RemoveMulticollinearity": _collinear,
    "sklearn.IncrementalPCA": _components,
    "sklearn.KNNImputer": _imputer,
    "sklearn.MaxAbsScaler": _largest,
    "sklearn.MinMaxScaler": _range,
    "sklearn.PCA": _components,
    "sklearn.PowerTransformer": _power,
    "sklearn.QuantileTransformer": _quantile,
    "sklearn.RobustScaler": _scaler,
    "sklearn.SelectFromModel": _selector,
    "sklearn.SelectKBest": _selector,
    "sklearn.SequentialFeatureSelector": _selector,
    "sklearn.SimpleImputer": _imputer,
    "sklearn.StandardScaler": _scaler,
    "sklearn.VarianceThreshold": _selector,
}
