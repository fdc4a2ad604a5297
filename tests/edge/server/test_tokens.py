"""Tokens: kept hashed and private, and changed without a restart."""

from __future__ import annotations

import stat
import time
from pathlib import Path

import pytest

from live_trader.edge.server.tokens import Guard, Registry, Scope
from live_trader.errors import BadData, Refused
from tests.edge.server.house import Hands, House


class Ticking(Hands):
    """A clock whose seconds pass when it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "server", Ticking())


def test_a_token_is_never_in_the_registry_that_knows_it(registry: Registry) -> None:
    token = registry.make(Scope.READ)
    assert token not in registry.path.read_text()
    assert len(token) >= 43


def test_the_files_are_for_their_user_alone(registry: Registry) -> None:
    registry.ensure(("trader",))
    for path in (registry.path, registry.own_path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(registry.path.parent.stat().st_mode) == 0o700


def test_the_farms_own_tokens_are_made_once(registry: Registry) -> None:
    own = registry.ensure(("trader",))
    assert sorted(own) == ["admin", "bot-trader", "desk", "feed", "read"]
    assert registry.ensure(("trader",)) == own
    assert registry.ensure(("trader", "second.one"))["bot-trader"] == own["bot-trader"]
    assert {entry.bot for entry in registry.listed()} == {"", "trader", "second.one"}


def test_an_own_token_that_was_revoked_comes_back_as_another(registry: Registry) -> None:
    own = registry.ensure(("trader",))
    registry.revoke("feed")
    assert registry.ensure(("trader",))["feed"] != own["feed"]


def test_rotating_changes_the_word_and_keeps_the_rights(registry: Registry) -> None:
    own = registry.ensure(("trader",))
    fresh = registry.rotate("bot-trader")
    assert fresh != own["bot-trader"]
    assert registry.own()["bot-trader"] == fresh
    (entry,) = [each for each in registry.listed() if each.name == "bot-trader"]
    assert (entry.scope, entry.bot) == (Scope.BOT, "trader")


@pytest.mark.parametrize(
    "wish",
    [
        {"scope": Scope.BOT},
        {"scope": Scope.READ, "bot": "trader"},
        {"scope": Scope.READ, "name": "../x"},
        {"scope": Scope.READ, "name": "taken"},
        {"scope": Scope.BOT, "bot": "a/b"},
        {"scope": Scope.READ, "chosen": "the same word"},
    ],
)
def test_a_token_that_makes_no_sense_is_refused(registry: Registry, wish: dict[str, object]) -> None:
    registry.make(Scope.READ, name="taken", chosen="the same word")
    with pytest.raises((Refused, BadData)):
        registry.make(**wish)
    assert len(registry.listed()) == 1


def test_revoking_what_is_not_there_says_so(registry: Registry) -> None:
    with pytest.raises(Refused, match="no token named 'nothing'"):
        registry.revoke("nothing")


def test_a_guard_sees_within_a_second_what_changed(registry: Registry) -> None:
    clock = Ticking()
    token = registry.make(Scope.READ, name="one")
    guard = Guard(registry, clock)
    assert (found := guard.holder(token)) is not None
    assert found.name == "one"
    registry.revoke("one")
    clock.seconds = 1.1
    assert guard.holder(token) is None
    second = registry.make(Scope.FEED, name="two")
    clock.seconds = 2.2
    assert (found := guard.holder(second)) is not None
    assert found.scope is Scope.FEED
    registry.path.write_text("{")
    clock.seconds = 3.3
    assert guard.holder(second) is None, "who cannot be looked up is not let in"


@pytest.mark.parametrize("word", ["", "x", "\udcff", "a" * 100_000, "tokens.json"])
def test_strange_words_are_nobodys(registry: Registry, word: str) -> None:
    registry.make(Scope.ADMIN)
    assert Guard(registry, Ticking()).holder(word) is None


def test_a_running_server_follows_without_a_restart(house: House) -> None:
    registry = Registry(house.folder, house.hands)
    house.tokens["new"] = registry.make(Scope.READ, name="new")
    assert house.ask("GET", "/v1/bots", holder="new").status == 200, "a new token holds at once"
    house.tokens["newer"] = registry.rotate("new")
    assert house.ask("GET", "/v1/bots", holder="newer").status == 200
    assert house.ask("GET", "/v1/bots", holder="new").status == 401
    registry.revoke("new")
    time.sleep(1.1)
    assert house.ask("GET", "/v1/bots", holder="newer").status == 401
