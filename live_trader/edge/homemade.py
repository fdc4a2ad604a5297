"""Strategies that people wrote themselves, from the file that their settings name."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Iterable
from dataclasses import is_dataclass
from pathlib import Path
from types import ModuleType

from live_trader.core.strategies import Strategy
from live_trader.core.strategies.registry import STRATEGIES, named
from live_trader.errors import BadSettings

_EXAMPLE = "Write a frozen dataclass that inherits from Chartist and has memory and wishes"


def own(words: Iterable[str]) -> dict[str, str]:
    """The files of `lab.strategies` by the names that they are given there."""
    found: dict[str, str] = {}
    for word in words:
        name, equals, file = (part.strip() for part in word.partition("="))
        if not (equals and name and ".py" in file):
            raise BadSettings(f"lab.strategies: {word!r} is not a name with a file", "Write dip = mine.py")
        if name in STRATEGIES or name in found:
            raise BadSettings(f"lab.strategies: there is a strategy {name} already", "Give it another name")
        path, _, kind = file.partition(".py")
        found[name] = f"{Path(path + '.py').resolve()}{kind}"
    return found


def strategy(name: str) -> type[Strategy]:
    """The strategy of this name, or of this file: `mine.py`, or `mine.py:Mine` where it has several."""
    path, _, wanted = name.partition(".py")
    return named(name) if path == name else _from_file(Path(f"{path}.py"), wanted.removeprefix(":"))


def _from_file(path: Path, wanted: str) -> type[Strategy]:
    module = _module(path)
    found: dict[str, type[Strategy]] = {
        name: each for name, each in vars(module).items() if _made_here(each, module)
    }
    if wanted and wanted not in found:
        raise BadSettings(f"{path} has no strategy {wanted}", f"There are: {', '.join(found) or 'none'}")
    if len(found) != 1 and not wanted:
        one = f"Name one, as in {path}:{next(iter(found))}" if found else _EXAMPLE
        raise BadSettings(f"{path} has {len(found)} strategies", one)
    return found[wanted or next(iter(found))]


def _made_here(each: object, module: ModuleType) -> bool:
    return (
        isinstance(each, type)
        and each.__module__ == module.__name__
        and is_dataclass(each)
        and all(hasattr(each, name) for name in ("memory", "decide", "prepare"))
    )


def _module(path: Path) -> ModuleType:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadSettings(f"the strategy file {path} cannot be read: {error.strerror}") from error
    name = f"homemade_{path.stem}_{hashlib.sha256(content).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up while they are made
    try:
        spec.loader.exec_module(module)
    except (SyntaxError, ImportError, NameError) as error:
        del sys.modules[name]
        raise BadSettings(f"the strategy file {path} cannot be loaded: {error}") from error
    return module
