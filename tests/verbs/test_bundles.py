"""The verbs of the shelf tell people in tables, programs in JSON, and trouble by exit code."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from live_trader.core.bars import moment
from live_trader.core.signals import Direction, Opinion, Signal
from live_trader.edge.client import connect
from live_trader.edge.settings import load as load_settings
from live_trader.edge.shelf import Shelf
from live_trader.verbs.door import enter
from tests.edge.server.house import START, started
from tests.experts.drafts import AUDUSD, CREATED, draft

Run = Callable[..., tuple[int, Any, str]]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two bundles of AUDUSD M1 that are deployable, and a newer one that is refused."""
    shelf = Shelf(tmp_path_factory.mktemp("shelf") / "models", Path())
    for seed, verdict in enumerate(("deployable", "deployable", "refused")):
        shelf.save(draft(seed=seed, verdict=verdict), CREATED + timedelta(days=seed))
    return shelf.models


@pytest.fixture
def shelf(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """The shelf of the current folder."""
    monkeypatch.chdir(tmp_path)
    return Shelf(Path(shutil.copytree(models, tmp_path / "models")), tmp_path / "work_dir")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a verb: its exit code, what it says to programs, and what it says to people."""

    def running(*words: str) -> tuple[int, Any, str]:
        code = enter([*words, "--json"])
        out = capsys.readouterr()
        facts = json.loads(out.out) if out.out else None
        capsys.readouterr()
        enter(list(words)) if words[1] in ("list", "show", "compare") else None
        said = capsys.readouterr()
        return code, facts, out.err + said.out + said.err

    return running


def test_list_shows_what_there_is_and_where_it_serves(shelf: Shelf, run: Run) -> None:
    """Every bundle with its verdict; the deployed ones are marked."""
    first, second, third = shelf.versions(AUDUSD)
    run("deploy", "AUDUSD", "M1", first)
    run("deploy", "AUDUSD", "M1", second, "--shadow")
    code, facts, said = run("bundles", "list")
    assert code == 0
    assert [(each["version"], each["verdict"], each["deployed"]) for each in facts["bundles"]] == [
        (first, "deployable", "champion"),
        (second, "deployable", "shadow"),
        (third, "refused", ""),
    ]
    assert all(each["version"][:8] in said for each in facts["bundles"])


def test_an_empty_shelf_says_how_to_fill_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    """Nothing is no error."""
    monkeypatch.chdir(tmp_path)
    code, facts, said = run("bundles", "list")
    assert (code, facts) == (0, {"bundles": []})
    assert "instant-trader train makes one" in said


def test_a_damaged_bundle_is_listed_as_damaged(shelf: Shelf, run: Run) -> None:
    """The others are listed all the same."""
    (shelf.bundle(AUDUSD) / "bundle.json").write_text("{", encoding="utf-8")
    code, facts, _ = run("bundles", "list")
    assert code == 0
    assert [each["verdict"] for each in facts["bundles"]] == ["deployable", "deployable", "damaged"]
    assert "is not JSON" in facts["bundles"][2]["fault"]


def test_show_tells_everything_of_a_bundle(shelf: Shelf, run: Run) -> None:
    """Recipes, thresholds, training, verdict and figures; the manifest for programs."""
    code, facts, said = run("bundles", "show", "AUDUSD", "M1")
    assert code == 0
    assert facts["verdict"]["decision"] == "refused"
    for part in ("stoch_k_14", "LogisticRegression~PC", "0.3", "exactly", "Sharpe ratio is -0.3", "120"):
        assert part in said


def test_verify_finds_damage_and_exits_with_4(shelf: Shelf, run: Run) -> None:
    """Of the shelf and of what is deployed."""
    first, _, third = shelf.versions(AUDUSD)
    run("deploy", "AUDUSD", "M1", first)
    code, facts, _ = run("bundles", "verify")
    assert (code, facts["damaged"], len(facts["bundles"])) == (0, 0, 4)
    (shelf.bundle(AUDUSD, third) / "report.html").write_bytes(b"spoilt")
    assert run("bundles", "verify", "AUDUSD", "M1", first)[0] == 0
    code, facts, said = run("bundles", "verify")
    assert (code, facts["damaged"]) == (4, 1)
    assert "1 of 4 bundles cannot be served" in said
    assert run("bundles", "verify", "AUDUSD")[0] == 2


def test_deploy_refuses_what_the_judge_refused(shelf: Shelf, run: Run) -> None:
    """Exit 6 without --force; with it the reasons are shown and kept."""
    code, facts, said = run("deploy", "AUDUSD", "M1")
    assert (code, facts) == (6, None)
    assert "is refused: its Sharpe ratio is -0.3. Deploy another version" in said
    code, facts, _ = run("deploy", "AUDUSD", "M1", "--force")
    assert code == 0
    assert facts["forced"] == ["its Sharpe ratio is -0.3"]


def test_rollback_promote_and_withdraw(shelf: Shelf, run: Run) -> None:
    """The way of a challenger, and back."""
    first, second, _ = shelf.versions(AUDUSD)
    run("deploy", "AUDUSD", "M1", first)
    assert run("rollback", "AUDUSD", "M1")[0] == 4
    run("deploy", "AUDUSD", "M1", second, "--shadow")
    assert run("deploy", "AUDUSD", "M1", "--withdraw")[1]["shadow"] is None
    run("deploy", "AUDUSD", "M1", second, "--shadow")
    _, facts, _ = run("deploy", "AUDUSD", "M1", "--promote")
    assert (facts["champion"], facts["previous"]) == (second, first)
    _, facts, _ = run("rollback", "AUDUSD", "M1")
    assert (facts["champion"], facts["previous"]) == (first, second)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("deploy", "AUDUSD", "M1", "--promote", "--shadow"), 2, "Use one of"),
        (("deploy", "AUDUSD", "M1", "--promote", "--force"), 2, "Use one of"),
        (("deploy", "AUDUSD", "M7"), 1, "'M7' is not a timeframe"),
        (("deploy", "../AUDUSD", "M1"), 1, "is not a symbol"),
        (("deploy", "AUDUSD", "M1", "../../x"), 1, "is not a version"),
        (("deploy", "EURUSD", "M1"), 4, "there is no bundle of EURUSD M1"),
        (("bundles", "export", "EURUSD", "M1"), 4, "there is no bundle of EURUSD M1"),
        (("bundles", "import", "nothing.zip"), 2, "does not exist"),
        (("bundles", "import", "models"), 1, "holds no ticker folder of the classic layout"),
    ],
)
def test_misuse_is_one_sentence(words: tuple[str, ...], code: int, said: str, shelf: Shelf, run: Run) -> None:
    """With the exit code of the contract."""
    given, _, told = run(*words)
    assert given == code
    assert said in told


def test_export_and_import_carry_a_bundle(shelf: Shelf, run: Run, tmp_path: Path) -> None:
    """To another work path, by one file."""
    version = shelf.versions(AUDUSD)[0]
    code, facts, _ = run("bundles", "export", "AUDUSD", "M1", version, "--to", "one.zip")
    assert (code, facts["version"]) == (0, version)
    shutil.rmtree(shelf.models)
    code, facts, _ = run("bundles", "import", "one.zip")
    assert (code, facts["unused"]) == (0, [])
    assert shelf.versions(AUDUSD) == [version]


def test_compare_shows_agreement_and_figures_of_champion_and_shadow(
    shelf: Shelf, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the signals a real server stored: the shadow's beside the champion's."""
    first, second, _ = shelf.versions(AUDUSD)
    run("deploy", "AUDUSD", "M1", first)
    assert run("bundles", "compare", "AUDUSD", "M1")[0] == 4
    run("deploy", "AUDUSD", "M1", second, "--shadow")
    house = started(shelf.work / "server", bots=("trader",))
    monkeypatch.setenv("TRADER__SERVER__EMBEDDED__PORT", str(house.port))
    up, down = Direction.LONG, Direction.SHORT
    try:
        house.feed(*range(6))
        with connect(load_settings().settings) as server:
            server.send([wish(0, up, first), wish(1, up, first), wish(2, up, first), wish(3, down, first)])
            server.send([wish(1, up, second, True), wish(2, down, second, True), wish(3, down, second, True)])
            server.send([wish(4, up, second, True)])
        code, facts, said = run("bundles", "compare", "AUDUSD", "M1")
    finally:
        house.stop()
    assert code == 0
    assert (facts["bars"], facts["same"], facts["answered_by_one_only"]) == (3, 2, 1)
    assert facts["agreement"] == pytest.approx(2 / 3)
    assert (facts["champion"]["version"], facts["shadow"]["version"]) == (first, second)
    assert facts["shadow"]["figures"]["sharpe"] == 1.5
    assert "they agree on 2 of 3 bars (66.7%); 1 were answered by one only" in said


def test_compare_without_a_server_shows_the_figures(shelf: Shelf, run: Run) -> None:
    """And says why the agreement is missing."""
    first, second, _ = shelf.versions(AUDUSD)
    run("deploy", "AUDUSD", "M1", first)
    run("deploy", "AUDUSD", "M1", second, "--shadow")
    code, facts, said = run("bundles", "compare", "AUDUSD", "M1")
    assert (code, facts["agreement"]) == (0, None)
    assert facts["champion"]["figures"] == {"sharpe": 1.5, "trades": 120}
    assert "the stored signals cannot be read" in said
    assert "no signals of both to compare yet" in said


def wish(minute: int, direction: Direction, bundle: str, shadow: bool = False) -> Signal:
    """A signal of the farm's bot."""
    opinions = {"LogisticRegression~PC": Opinion(0.4, 0.1, direction)}
    opened = moment(START + 60 * minute)
    return Signal("trader", AUDUSD, opened, direction, opinions, bundle, late=True, shadow=shadow)
