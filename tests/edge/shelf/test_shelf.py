"""What is deployed changes whole or not at all, is never a refused bundle by accident, and can be undone."""

from __future__ import annotations

import os
import shutil
import stat
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from live_trader.core.bars import Ticker
from live_trader.edge.shelf import Shelf
from live_trader.errors import BadBot, BadBundle, BadData, Refused
from live_trader.experts.bundle import load
from tests.experts.drafts import AUDUSD, CREATED, EURUSD, draft

LATER = CREATED + timedelta(hours=1)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three bundles of AUDUSD M1, oldest first."""
    shelf = Shelf(tmp_path_factory.mktemp("shelf") / "models", Path())
    for seed in range(3):
        shelf.save(draft(seed=seed), CREATED + timedelta(days=seed))
    return shelf.models


@pytest.fixture
def shelf(models: Path, tmp_path: Path) -> Shelf:
    """A shelf with them, nothing deployed."""
    return Shelf(Path(shutil.copytree(models, tmp_path / "models")), tmp_path / "work_dir")


def test_the_newest_bundle_is_deployed_unless_a_version_is_named(shelf: Shelf) -> None:
    """deploy, and deploy of a version."""
    first, _, newest = shelf.versions(AUDUSD)
    shelf.deploy(AUDUSD, at=LATER)
    assert shelf.deployed_version(AUDUSD) == newest
    shelf.deploy(AUDUSD, first, at=LATER)
    assert shelf.deployed_version(AUDUSD) == first
    assert [each.version for each in shelf.load(AUDUSD)] == [first]


def test_nothing_is_deployed_at_first(shelf: Shelf) -> None:
    """Asking is no error; loading says what to do."""
    assert (shelf.deployed(AUDUSD), shelf.shadow(AUDUSD), shelf.serving(AUDUSD)) == (None, None, ())
    assert shelf.tickers() == []
    with pytest.raises(BadBundle, match="Run: instant-trader deploy AUDUSD M1"):
        shelf.load(AUDUSD)
    with pytest.raises(BadBot, match="no bundle of AUDUSD M1 is deployed"):
        shelf.rollback(AUDUSD, at=LATER)


def test_the_deployed_bundle_is_a_copy(shelf: Shelf) -> None:
    """What happens on the shelf afterwards does not touch what is served."""
    shelf.deploy(AUDUSD, at=LATER)
    (shelf.bundle(AUDUSD) / "report.html").write_bytes(b"spoilt")
    assert load(shelf.deployed(AUDUSD) or Path()).ticker == AUDUSD


def test_rollback_goes_back_and_forth(shelf: Shelf) -> None:
    """The one before is kept; doing it twice changes nothing in the end."""
    first, second, _ = shelf.versions(AUDUSD)
    shelf.deploy(AUDUSD, first, at=LATER)
    with pytest.raises(BadBot, match="no bundle before"):
        shelf.rollback(AUDUSD, at=LATER)
    shelf.deploy(AUDUSD, second, at=LATER)
    assert shelf.rollback(AUDUSD, at=LATER).champion.version == first
    assert shelf.rollback(AUDUSD, at=LATER).champion.version == second


def test_a_damaged_bundle_is_not_rolled_back_to(shelf: Shelf) -> None:
    """What is served stays served."""
    first, second, _ = shelf.versions(AUDUSD)
    damaged = shelf.deploy(AUDUSD, first, at=LATER).champion.folder
    shelf.deploy(AUDUSD, second, at=LATER)
    (shelf.work / "AUDUSD" / "M1" / "deployed" / damaged / "report.html").unlink()
    with pytest.raises(BadBundle, match=r"report\.html is missing"):
        shelf.rollback(AUDUSD, at=LATER)
    assert shelf.deployed_version(AUDUSD) == second


@pytest.mark.parametrize("verdict", ["refused", "unjudged"])
@pytest.mark.parametrize("shadow", [False, True])
def test_what_the_judge_did_not_find_deployable_needs_force_which_is_recorded(
    shelf: Shelf, verdict: str, shadow: bool
) -> None:
    """The reasons stay in the deployed folder for whoever asks later."""
    shelf.deploy(AUDUSD, at=LATER)
    version = shelf.save(draft(seed=7, verdict=verdict), LATER).name
    with pytest.raises(Refused, match=r"its Sharpe ratio is -0\.3.*--force") as refusal:
        shelf.deploy(AUDUSD, version, at=LATER, shadow=shadow)
    assert refusal.value.exit_code == 6
    record = shelf.deploy(AUDUSD, version, at=LATER, shadow=shadow, force=True)
    slot = record.shadow if shadow else record.champion
    assert slot is not None
    assert (slot.version, slot.forced) == (version, ("its Sharpe ratio is -0.3",))
    assert record.history[-1].forced


def test_a_deployable_bundle_is_not_recorded_as_forced(shelf: Shelf) -> None:
    """--force without need leaves no trace."""
    assert shelf.deploy(AUDUSD, at=LATER, force=True).champion.forced == ()


def test_a_shadow_stands_beside_the_champion_until_it_is_promoted(shelf: Shelf) -> None:
    """Both are loaded, the champion first; promotion keeps the old champion for rollback."""
    first, second, _ = shelf.versions(AUDUSD)
    with pytest.raises(BadBot, match="no champion"):
        shelf.deploy(AUDUSD, second, at=LATER, shadow=True)
    shelf.deploy(AUDUSD, first, at=LATER)
    shelf.deploy(AUDUSD, second, at=LATER, shadow=True)
    assert [each.version for each in shelf.load(AUDUSD)] == [first, second]
    record = shelf.promote(AUDUSD, at=LATER)
    assert record.previous is not None
    assert (record.champion.version, record.previous.version, record.shadow) == (second, first, None)
    with pytest.raises(BadBot, match="there is no shadow"):
        shelf.promote(AUDUSD, at=LATER)


def test_a_shadow_can_be_withdrawn(shelf: Shelf) -> None:
    """The champion is not touched, and the copy is removed."""
    first, second, _ = shelf.versions(AUDUSD)
    shelf.deploy(AUDUSD, first, at=LATER)
    shelf.deploy(AUDUSD, second, at=LATER, shadow=True)
    folder = shelf.shadow(AUDUSD)
    shelf.withdraw(AUDUSD, at=LATER)
    assert [each.version for each in shelf.load(AUDUSD)] == [first]
    assert folder is not None
    assert not folder.exists()
    with pytest.raises(BadBot, match="there is no shadow"):
        shelf.withdraw(AUDUSD, at=LATER)


def test_the_champion_is_no_shadow_of_itself(shelf: Shelf) -> None:
    """There would be nothing to compare."""
    shelf.deploy(AUDUSD, at=LATER)
    with pytest.raises(BadBot, match="is the champion already"):
        shelf.deploy(AUDUSD, at=LATER, shadow=True)


def test_a_damaged_shadow_does_not_silence_the_champion(
    shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    """It is left out, and the log says so."""
    first, second, _ = shelf.versions(AUDUSD)
    shelf.deploy(AUDUSD, first, at=LATER)
    shelf.deploy(AUDUSD, second, at=LATER, shadow=True)
    ((shelf.shadow(AUDUSD) or Path()) / "report.html").unlink()
    assert [each.version for each in shelf.load(AUDUSD)] == [first]
    assert "leaves the shadow out" in caplog.text


def test_deploying_what_is_deployed_changes_nothing(shelf: Shelf) -> None:
    """Neither the folder nor the one before."""
    first, second, _ = shelf.versions(AUDUSD)
    shelf.deploy(AUDUSD, first, at=LATER)
    before = shelf.deploy(AUDUSD, second, at=LATER)
    assert shelf.deploy(AUDUSD, second, at=LATER + timedelta(days=1)) == before


def test_deploying_again_mends_a_damaged_copy_under_another_name(shelf: Shelf) -> None:
    """So that a farm that gave the ticker up sees a new deployment."""
    first, second, _ = shelf.versions(AUDUSD)
    shelf.deploy(AUDUSD, first, at=LATER)
    shelf.deploy(AUDUSD, second, at=LATER)
    before = shelf.serving(AUDUSD)
    ((shelf.deployed(AUDUSD) or Path()) / "report.html").unlink()
    with pytest.raises(BadBundle):
        shelf.load(AUDUSD)
    record = shelf.deploy(AUDUSD, second, at=LATER)
    assert shelf.serving(AUDUSD) != before
    assert record.previous is not None
    assert record.previous.version == first
    assert [each.version for each in shelf.load(AUDUSD)] == [second]


def test_only_the_copies_that_are_needed_are_kept(shelf: Shelf) -> None:
    """The champion, the one before and a shadow."""
    for version in (*shelf.versions(AUDUSD), *shelf.versions(AUDUSD)):
        shelf.deploy(AUDUSD, version, at=LATER)
    folder = (shelf.deployed(AUDUSD) or Path()).parent
    record = shelf.record(AUDUSD)
    assert record is not None
    assert {each.name for each in folder.iterdir() if each.is_dir()} == record.folders
    assert len(record.folders) == 2
    assert [each.what for each in record.history] == ["deploy"] * 6


def test_a_damaged_record_is_said_and_a_new_deployment_mends_it(shelf: Shelf) -> None:
    """The damaged one is set aside; a running worker reads no names from it."""
    shelf.deploy(AUDUSD, at=LATER)
    path = (shelf.deployed(AUDUSD) or Path()).parent / "deployed.json"
    for damage in (b"", b"{", b"[]", path.read_bytes().replace(b'"folder": "0', b'"folder": "../0')):
        path.write_bytes(damage)
        assert shelf.serving(AUDUSD) == ()
        with pytest.raises(BadBundle, match=r"deployed\.json is damaged.*Deploy again"):
            shelf.load(AUDUSD)
        with pytest.raises(BadBundle, match="is damaged"):
            shelf.deploy(AUDUSD, at=LATER, shadow=True)
        assert shelf.deploy(AUDUSD, at=LATER).previous is None
        assert path.with_name("deployed.json.damaged").read_bytes() == damage


def test_a_bundle_in_the_place_of_another_is_refused(shelf: Shelf) -> None:
    """Of another ticker, or under another version's name."""
    shelf.save(draft(EURUSD), CREATED)
    stranger, name = shelf.bundle(EURUSD), shelf.versions(AUDUSD)[0]
    shelf.bundle(AUDUSD, name).rename(shelf.models / "away")
    stranger.rename(shelf.folder(AUDUSD) / name)
    with pytest.raises(BadBundle, match="a bundle of EURUSD M1, in the place of one of AUDUSD M1"):
        shelf.deploy(AUDUSD, name, at=LATER)
    shelf.bundle(AUDUSD).rename(shelf.folder(AUDUSD) / "20990101T000000Z-00000000")
    with pytest.raises(BadBundle, match="in the place of 20990101T000000Z-00000000"):
        shelf.deploy(AUDUSD, at=LATER)


def test_a_damaged_bundle_is_not_deployed(shelf: Shelf) -> None:
    """And nothing is left of the try."""
    shelf.deploy(AUDUSD, shelf.versions(AUDUSD)[0], at=LATER)
    before = shelf.record(AUDUSD)
    (shelf.bundle(AUDUSD) / "report.html").unlink()
    with pytest.raises(BadBundle, match=r"report\.html is missing"):
        shelf.deploy(AUDUSD, at=LATER)
    assert shelf.record(AUDUSD) == before


def test_a_version_that_is_not_there_is_told_which_there_are(shelf: Shelf) -> None:
    """So is a ticker that has none."""
    with pytest.raises(BadBundle, match="There are 2026"):
        shelf.bundle(AUDUSD, "20200101T000000Z-00000000")
    with pytest.raises(BadBundle, match="Train one"):
        shelf.bundle(EURUSD)


@pytest.mark.parametrize("version", ["../../etc", "/etc", "..", "20261120T181500Z-0a1b2c3d/..", "a\0b"])
def test_a_version_that_could_leave_the_shelf_is_refused(shelf: Shelf, version: str) -> None:
    """It never becomes part of a path."""
    with pytest.raises(BadData, match="is not a version"):
        shelf.deploy(AUDUSD, version, at=LATER)


def test_tickers_are_those_with_a_deployed_bundle(shelf: Shelf) -> None:
    """Folders of somebody else are passed over."""
    shelf.save(draft(EURUSD), CREATED)
    shelf.deploy(AUDUSD, at=LATER)
    for stranger in ("logs/today/deployed", "x y/M1/deployed", "AUDUSD/M7/deployed"):
        (shelf.work / stranger).mkdir(parents=True)
        (shelf.work / stranger / "deployed.json").touch()
    assert shelf.tickers() == [AUDUSD]
    assert shelf.shelved() == [AUDUSD, EURUSD]


def test_symbols_of_every_allowed_kind_have_a_place(tmp_path: Path) -> None:
    """Whatever a Ticker may be, its bundle comes back."""
    shelf = Shelf(tmp_path / "models", tmp_path / "work_dir")
    for symbol in ("NSE_EQ|INE171A01029", "BTC-USD", "ES=F", "a.b"):
        ticker = Ticker(symbol, AUDUSD.timeframe)
        shelf.save(draft(ticker), CREATED)
        shelf.deploy(ticker, at=LATER)
        assert shelf.load(ticker)[0].ticker == ticker


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps other people out by folders")
def test_deployed_files_are_private_to_their_user(shelf: Shelf) -> None:
    """Folders 0700, files 0600."""
    shelf.deploy(AUDUSD, at=LATER)
    for path in (shelf.work, *shelf.work.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_deployments_at_once_wait_for_one_another(shelf: Shelf) -> None:
    """Every one of them is in the record, and what is served is whole."""
    versions = shelf.versions(AUDUSD) * 3
    threads = [
        threading.Thread(target=shelf.deploy, args=(AUDUSD, version), kwargs={"at": LATER})
        for version in versions
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    record = shelf.record(AUDUSD)
    assert record is not None
    assert set(shelf.versions(AUDUSD)) == {move.version for move in record.history}
    assert shelf.load(AUDUSD)[0].version == record.history[-1].version


def test_a_deployment_while_another_is_being_read_gives_the_new_one(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy that vanished meanwhile is no fault."""
    first, second, third = shelf.versions(AUDUSD)
    shelf.deploy(AUDUSD, first, at=LATER)
    room = "live_trader.edge.shelf.shelf.load"

    def slow(folder: Path) -> object:
        monkeypatch.setattr(room, load)
        shelf.deploy(AUDUSD, second, at=LATER)
        shelf.deploy(AUDUSD, third, at=LATER)
        return load(folder)

    monkeypatch.setattr(room, slow)
    assert [each.version for each in shelf.load(AUDUSD)] == [third]
