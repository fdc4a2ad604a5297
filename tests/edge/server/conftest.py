"""Servers for the tests: a fresh one, one with settings, and one that a whole room of tests shares."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.edge.server.house import House, started


@pytest.fixture(scope="session")
def leaving() -> Iterator[list[House]]:
    """Servers that were told to stop; that they did is seen at the end, so that no test waits for it."""
    houses: list[House] = []
    yield houses
    for house in houses:
        house.stop()


@pytest.fixture
def build(tmp_path: Path, leaving: list[House]) -> Iterator[Callable[..., House]]:
    """Start a server with these settings; it is told to stop at the end of the test."""
    houses: list[House] = []

    def make(folder: Path | None = None, **given: Any) -> House:
        houses.append(started(folder or tmp_path / "server", **given))
        return houses[-1]

    yield make
    for house in houses:
        house.server.should_exit = True
    leaving += houses


@pytest.fixture
def house(build: Callable[..., House]) -> House:
    """A server as it is when nothing is set."""
    return build()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One server for all tests of a room that leave nothing behind in it."""
    house = started(tmp_path_factory.mktemp("server"))
    yield house
    house.stop()
