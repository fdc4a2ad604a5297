"""The one place in the lab where anything may go wrong: code that somebody else wrote."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

Given = ParamSpec("Given")
Answer = TypeVar("Answer")


def attempt(
    call: Callable[Given, Answer], *given: Given.args, **named: Given.kwargs
) -> tuple[Answer | None, str]:
    """What a stranger's function answers, or None and what went wrong with it."""
    try:
        return call(*given, **named), ""
    except Exception as error:  # noqa: BLE001 - a strategy that fails is halted while the others run on
        return None, f"{type(error).__name__}: {error}"
