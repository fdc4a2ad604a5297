"""A process that dies while it changes what is deployed leaves the old or the new, whole."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from live_trader.edge.shelf import Shelf
from live_trader.errors import TraderError
from live_trader.experts.bundle import atomic, load
from tests.experts.drafts import AUDUSD, CREATED, draft

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has neither fork nor SIGKILL")

LATER = CREATED + timedelta(hours=1)
TOUCHES = ("os.chmod", "os.mkdir", "os.remove", "os.rename", "os.rmdir")
OLD, NEW, THIRD = range(3)

Change = Callable[[Shelf], object]


def _deploy(shelf: Shelf) -> object:
    return shelf.deploy(AUDUSD, shelf.versions(AUDUSD)[NEW], at=LATER)


def _shadow(shelf: Shelf) -> object:
    return shelf.deploy(AUDUSD, shelf.versions(AUDUSD)[NEW], at=LATER, shadow=True)


def _promote(shelf: Shelf) -> object:
    return shelf.promote(AUDUSD, at=LATER)


def _rollback(shelf: Shelf) -> object:
    return shelf.rollback(AUDUSD, at=LATER)


def _third(shelf: Shelf) -> object:
    return shelf.deploy(AUDUSD, shelf.versions(AUDUSD)[THIRD], at=LATER)


def _deploy_old(shelf: Shelf) -> object:
    return shelf.deploy(AUDUSD, shelf.versions(AUDUSD)[OLD], at=LATER)


CHANGES: dict[str, tuple[tuple[Change, ...], Change]] = {
    "the first deployment": ((), _deploy),
    "a deployment that lets go of a third": ((_third, _deploy), _deploy_old),
    "a shadow": ((_third,), _shadow),
    "a promotion": ((_third, _shadow), _promote),
    "a rollback": ((_deploy, _third), _rollback),
}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three bundles of AUDUSD M1, oldest first."""
    shelf = Shelf(tmp_path_factory.mktemp("shelf") / "models", Path())
    for seed in range(3):
        shelf.save(draft(seed=seed), CREATED + timedelta(days=seed))
    return shelf.models


@pytest.mark.parametrize("name", CHANGES)
def test_killed_at_any_step_a_change_leaves_the_old_or_the_new(
    name: str, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGKILL before every single change of the disk; then the same change again brings it about."""
    before, change = CHANGES[name]
    monkeypatch.setattr(os, "fsync", lambda _: None)  # a kill loses nothing the system already has
    start = Shelf(models, tmp_path / "start")
    start.work.mkdir()
    for each in before:
        each(start)
    old = _seen(start)
    aim = Shelf(models, Path(shutil.copytree(start.work, tmp_path / "aim")))
    change(aim)
    new = _seen(aim)
    assert new != old
    steps, outcomes = 0, set()
    killed = True
    while killed:
        work = shutil.copytree(start.work, tmp_path / f"killed {steps}", copy_function=os.link)
        shelf = Shelf(models, Path(work))
        killed = _killed(steps, shelf, change)
        outcomes.add(_seen(shelf))
        if _seen(shelf) == old:
            change(shelf)
        assert _seen(shelf) == new
        assert _left_over(shelf) == []
        steps += 1
    assert outcomes == {old, new}
    assert steps > 3


def test_killed_at_any_step_a_bundle_is_on_the_shelf_or_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never half of it; and the next writing clears up what was left."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    made = draft()
    steps, killed = 0, True
    while killed:
        shelf = Shelf(tmp_path / f"models {steps}", tmp_path / "work")
        killed = _killed(steps, shelf, lambda shelf: shelf.save(made, CREATED))
        assert [load(shelf.bundle(AUDUSD, each)).version for each in shelf.versions(AUDUSD)] in (
            [],
            ["20261120T181500Z-" + shelf.save(made, CREATED).name[-8:]],
        )
        assert {each.name for each in shelf.folder(AUDUSD).iterdir()} == {".lock", *shelf.versions(AUDUSD)}
        assert len(shelf.versions(AUDUSD)) == 1
        steps += 1
    assert steps > 20


def test_everything_is_on_the_disk_before_it_gets_its_name(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against a power cut: each file and folder is synced before the rename, and its parent after it."""
    shelf = Shelf(models, tmp_path / "work")
    synced: list[str] = []
    fsync, rename = os.fsync, Path.rename

    def noting(handle: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{handle}").readlink()))
        fsync(handle)

    def checking(path: Path, target: Path) -> Path:
        assert {str(each) for each in (path, *path.rglob("*"))} <= set(synced)
        synced.append("renamed")
        return rename(path, target)

    if not Path("/proc/self/fd").is_dir():
        pytest.skip("this system does not show which file a handle is")
    monkeypatch.setattr(os, "fsync", noting)
    monkeypatch.setattr(Path, "rename", checking)
    shelf.deploy(AUDUSD, at=LATER)
    folder = (shelf.deployed(AUDUSD) or Path()).parent
    assert synced.index("renamed") < len(synced) - synced[::-1].index(str(folder)) - 1
    assert synced[-2:] != ["renamed"]


def test_a_change_that_fails_leaves_no_lock_behind(models: Path, tmp_path: Path) -> None:
    """The next one does not wait for ever."""
    shelf = Shelf(models, tmp_path)
    for _ in range(2):
        with pytest.raises(TraderError):
            shelf.rollback(AUDUSD, at=LATER)


def _seen(shelf: Shelf) -> tuple[str, ...]:
    """The versions that are served, before and beside, each loaded whole."""
    record = shelf.record(AUDUSD)
    if record is None:
        return ()
    folder = (shelf.deployed(AUDUSD) or Path()).parent
    slots = (record.champion, record.previous, record.shadow)
    return tuple(load(folder / each.folder).version if each else "" for each in slots)


def _left_over(shelf: Shelf) -> list[str]:
    """What the change after this one has not cleared up."""
    record = shelf.record(AUDUSD)
    assert record is not None
    folder = (shelf.deployed(AUDUSD) or Path()).parent
    with shelf._changing(AUDUSD):
        pass
    return sorted(
        each.name for each in folder.iterdir() if each.name not in {*record.folders, "deployed.json", ".lock"}
    )


def _killed(step: int, shelf: Shelf, change: Change) -> bool:
    """Make the change in a process that dies before this change of the disk; whether it came so far."""
    child = os.fork()
    if child == 0:
        touches = iter(range(step + 1))
        last = step

        def die_in_time(event: str, facts: tuple[Any, ...]) -> None:
            written = event == "open" and facts[2] & (os.O_WRONLY | os.O_RDWR)
            if (written or event in TOUCHES) and next(touches, last) == last:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            sys.addaudithook(die_in_time)
            change(shelf)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def test_names_of_unfinished_folders_are_never_taken_for_copies(models: Path, tmp_path: Path) -> None:
    """What a killed process leaves is invisible to whoever lists."""
    shelf = Shelf(models, tmp_path)
    shelf.deploy(AUDUSD, at=LATER)
    (shelf.folder(AUDUSD) / f"{atomic.INCOMING}0a").mkdir()
    try:
        assert len(shelf.versions(AUDUSD)) == 3
    finally:
        (shelf.folder(AUDUSD) / f"{atomic.INCOMING}0a").rmdir()
