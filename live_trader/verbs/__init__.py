"""The command line: what all verbs share."""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from live_trader.edge.settings import Loaded, Settings


@dataclass(slots=True)
class Context:
    """The options common to all verbs, and how a verb speaks."""

    config: Path | None
    json: bool
    verbose: bool
    overrides: dict[str, Any]
    _loaded: Loaded | None = field(default=None, init=False)

    @property
    def loaded(self) -> Loaded:
        """The merged settings with where each came from, read once."""
        if self._loaded is None:
            from live_trader.edge.settings import load

            self._loaded = load(self.config, overrides=self.overrides)
        return self._loaded

    @property
    def settings(self) -> Settings:
        return self.loaded.settings

    def also(self, overrides: Mapping[str, Any]) -> Context:
        """The same context with more settings overruled."""
        return Context(self.config, self.json, self.verbose, {**self.overrides, **overrides})

    @property
    def run_path(self) -> Path:
        """Where a farm of this work path keeps its pid and control files."""
        return Path(self.settings.farm.work_path) / "run"

    def say(self, text: str) -> None:
        """A sentence for the person; never in the way of a program that reads the result."""
        click.echo(text, err=True)

    def result(self, facts: Mapping[str, Any], text: str) -> None:
        """What the verb found: JSON for a program, or the text for a person."""
        click.echo(json.dumps(facts) if self.json else text)

    @property
    def person(self) -> bool:
        """Whether somebody watches a terminal."""
        return not self.json and sys.stdout.isatty()


def common(command: Callable[..., int | None]) -> Callable[..., int | None]:
    """Give a verb the options that all verbs have; it receives them as one `Context`."""

    @click.option("--config", type=click.Path(path_type=Path), help="The settings file to read.")
    @click.option("--work-path", help="The folder the farm runs from.")
    @click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
    @click.option("-v", "--verbose", is_flag=True, help="Say more on standard error.")
    @functools.wraps(command)
    def wrapped(
        config: Path | None, work_path: str | None, as_json: bool, verbose: bool, **rest: Any
    ) -> int | None:
        overrides = {"farm.work_path": work_path} if work_path else {}
        context = Context(config, as_json, verbose, overrides)
        if isinstance(called := click.get_current_context().obj, list):
            called.append(context)  # the door asks it where a report belongs, if this ends in one
        try:
            return command(context, **rest)
        except BrokenPipeError:
            # Whoever read the output has enough of it; what still waits to be written goes nowhere.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0

    return wrapped
