"""A stage that a room of tests shares, and a Chromium to look at it with."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

import pytest

from tests.edge.server.dashboard.person import Person
from tests.edge.server.dashboard.stage import stage
from tests.edge.server.house import House


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The stage, for all tests of a room."""
    found = stage(tmp_path_factory.mktemp("dashboard"))
    yield found
    found.stop()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Callable[[], Person]]:
    """Somebody with a browser, the same for the whole session; skipped where none is installed."""
    pytest.importorskip("selenium", reason="selenium drives the browser: install the develop extra")
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    driver = shutil.which("chromedriver")
    if not (browser and driver):
        pytest.skip("no Chromium with its chromedriver on this machine")
    person = Person(browser, driver)
    yield lambda: person
    person.leave()


@pytest.fixture
def person(chromium: Callable[[], Person]) -> Person:
    """That somebody, at an ordinary window and logged in nowhere."""
    found = chromium()
    found.begin()
    return found
