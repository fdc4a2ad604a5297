"""The names of PyCaret's arguments, so that a wrong one is told before anything is computed."""

from __future__ import annotations

import difflib
import inspect
import os
from collections.abc import Mapping
from typing import Any, Final, Literal

from live_trader.errors import BadSettings

_OPTIONS: Final = {"setup": "--setup", "compare_models": "--compare"}
_OURS: Final = {
    "self": "",
    "data": "Give the bars with --bars",
    "data_func": "Give the bars with --bars",
    "test_data": "What is judged is set by --train-span and --step",
    "target": "Choose what is predicted with --target",
    "include": "Choose the families with --models",
    "exclude": "Choose the families with --models",
    "errors": "A family that fails is left out and told",
}
"""What training itself gives, and how a person has a say in it."""


def refuse_unknown(call: Literal["setup", "compare_models"], given: Mapping[str, Any]) -> None:
    """Every one of these is an argument of this call that a person may give, or the nearest one is named."""
    if not given:
        return
    os.environ.setdefault("PYCARET_CUSTOM_LOGGING_PATH", os.devnull)
    from pycaret.classification import ClassificationExperiment

    known = inspect.signature(getattr(ClassificationExperiment, call)).parameters.keys()
    for name in given:
        option = f"{_OPTIONS[call]} {name}"
        if name in known and name in _OURS:
            raise BadSettings(f"{option} is given by the training itself", _OURS[name])
        if name not in known:
            near = difflib.get_close_matches(name.lower(), known - _OURS.keys(), 1, 0.5)
            remedy = f"Did you mean {near[0]}?" if near else f"See the arguments of PyCaret's {call}"
            raise BadSettings(f"{option}: PyCaret's {call} has no such argument", remedy)
