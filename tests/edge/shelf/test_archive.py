"""A bundle travels as one file, and an archive that lies writes nothing anywhere."""

from __future__ import annotations

import random
import stat
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from live_trader.edge.shelf import Shelf, archive
from live_trader.errors import BadBundle, BadData, Refused, TraderError
from live_trader.experts.bundle import load
from live_trader.experts.bundle.manifest import NAME, File, Manifest, decode, encode, sealed
from tests.experts.drafts import AUDUSD, CREATED, draft


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of a bundle, as it is exported."""
    folder = tmp_path_factory.mktemp("archive")
    shelf = Shelf(folder / "models", folder / "work")
    return archive.export(shelf.save(draft(), CREATED), folder / "sound.zip")


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """An empty shelf with a file beside it that nobody may touch."""
    (tmp_path / "beside").write_text("untouched", encoding="utf-8")
    return Shelf(tmp_path / "models", tmp_path / "work")


def test_what_is_exported_can_be_imported_elsewhere(sound: Path, shelf: Shelf) -> None:
    """The same version, whole and true."""
    folder = archive.bring(sound, shelf)
    assert shelf.bundle(AUDUSD) == folder
    assert load(folder).version == folder.name


def test_importing_twice_changes_nothing(sound: Path, shelf: Shelf) -> None:
    """The bundle that is there already is the one that is meant."""
    assert archive.bring(sound, shelf) == archive.bring(sound, shelf)
    assert len(shelf.versions(AUDUSD)) == 1


def test_the_same_bundle_makes_the_same_archive(sound: Path, shelf: Shelf, tmp_path: Path) -> None:
    """Byte for byte, private to its user, and never over another file."""
    again = archive.export(archive.bring(sound, shelf), tmp_path / "again.zip")
    assert again.read_bytes() == sound.read_bytes()
    assert stat.S_IMODE(again.stat().st_mode) == 0o600
    with pytest.raises(BadData, match="exists already"):
        archive.export(shelf.bundle(AUDUSD), again)


def test_a_damaged_bundle_is_not_exported(sound: Path, shelf: Shelf, tmp_path: Path) -> None:
    """An archive vouches for what is in it."""
    folder = archive.bring(sound, shelf)
    (folder / "report.html").write_bytes(b"spoilt")
    with pytest.raises(BadBundle):
        archive.export(folder, tmp_path / "again.zip")
    assert not (tmp_path / "again.zip").exists()


@dataclass
class Parcel:
    """The entries of an archive, to be changed before it is packed."""

    names: list[tuple[zipfile.ZipInfo, bytes]] = field(default_factory=list)

    @classmethod
    def of(cls, path: Path) -> Parcel:
        with zipfile.ZipFile(path) as opened:
            return cls([(entry, opened.read(entry)) for entry in opened.infolist()])

    def add(self, name: str, content: bytes = b"x", mode: int = stat.S_IFREG | 0o600) -> None:
        entry = zipfile.ZipInfo(name)
        entry.filename = name  # as it is, where ZipInfo would make it harmless
        entry.external_attr = mode << 16
        self.names.append((entry, content))

    def change(self, name: str, content: bytes) -> None:
        self.names = [(each, content if each.filename == name else old) for each, old in self.names]

    def drop(self, name: str) -> None:
        self.names = [each for each in self.names if each[0].filename != name]

    @property
    def manifest(self) -> Manifest:
        return decode(next(content for entry, content in self.names if entry.filename == NAME))

    def reseal(self, **changes: Any) -> None:
        self.change(NAME, encode(sealed(msgspec.structs.replace(self.manifest, **changes))))

    def vouch(self, name: str, size: int) -> None:
        self.reseal(files={**self.manifest.files, name: File(size, "00")})

    def heavy(self) -> None:
        models = {
            side: {name: msgspec.structs.replace(each, served=False) for name, each in models.items()}
            for side, models in self.manifest.models.items()
        }
        self.reseal(models=models)

    def pack(self, path: Path) -> Path:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            for entry, content in self.names:
                packed.writestr(entry, content, zipfile.ZIP_DEFLATED)
        return path


Lie = Callable[[Parcel], None]

LIES: dict[str, tuple[Lie, str]] = {
    "a path upwards": (lambda p: p.add("../beside"), "'../beside', which is no file of a bundle"),
    "a path upwards inside": (lambda p: p.add("long/../../beside"), "is no file of a bundle"),
    "an absolute path": (lambda p: p.add("/evil"), "'/evil', which is no file"),
    "a drive": (lambda p: p.add("C:/evil"), "is no file of a bundle"),
    "a backslash": (lambda p: p.add("..\\evil"), "is no file of a bundle"),
    "a NUL in a name": (
        lambda p: p.add("report\0.html"),
        "holds report, for which its bundle.json does not vouch",
    ),
    "a look-alike": (lambda p: p.add("l\u043eng/golden.json"), "is no file of a bundle"),
    "a hidden file": (lambda p: p.add(".lock"), "is no file of a bundle"),
    "a folder": (lambda p: p.add("long/"), "is no file of a bundle"),
    "a link": (lambda p: p.add("evil", b"/etc/passwd", stat.S_IFLNK | 0o777), "is a link or device"),
    "a device": (lambda p: p.add("evil", b"", stat.S_IFCHR | 0o600), "is a link or device"),
    "a pipe": (lambda p: p.add("evil", b"", stat.S_IFIFO | 0o600), "is a link or device"),
    "a file nobody vouches for": (lambda p: p.add("extra.pkl"), "for which its bundle.json does not vouch"),
    "a file in other capitals": (lambda p: p.add("REPORT.html"), "twice or too many"),
    "thousands of files": (lambda p: [p.add(f"f{n}") for n in range(3000)] and None, "twice or too many"),
    "a file missing": (lambda p: p.drop("report.html"), "report.html is missing from the archive"),
    "no manifest": (lambda p: p.drop(NAME), "holds no bundle.json"),
    "a manifest that is none": (lambda p: p.change(NAME, b"{}"), "has format None"),
    "a manifest that never ends": (lambda p: p.change(NAME, bytes(2**24 + 1)), "larger than the 16777216"),
    "a changed file": (lambda p: p.change("report.html", b"<htmx>"), "its sha256 differs"),
    "a shorter file": (lambda p: p.change("report.html", b"<"), "is cut off"),
    "a bomb": (lambda p: p.change("report.html", bytes(2**28)), "larger than the 6 it may have"),
    "a symbol that leaves the shelf": (lambda p: p.reseal(symbol="../../beside"), "is not a symbol"),
    "a size beyond all disks": (lambda p: p.vouch("report.html", 2**40), "more than the 2147483648 allowed"),
}


@pytest.mark.parametrize("lie", LIES)
def test_an_archive_that_lies_writes_nothing(lie: str, sound: Path, shelf: Shelf, tmp_path: Path) -> None:
    """Each is refused with its own reason, and neither the shelf nor what is beside it changes."""
    parcel = Parcel.of(sound)
    tell, reason = LIES[lie]
    tell(parcel)
    with pytest.raises(BadBundle, match=reason) as refusal:
        archive.bring(parcel.pack(tmp_path / "lie.zip"), shelf)
    assert refusal.value.exit_code == 4
    assert files_of(tmp_path) <= {"beside", "lie.zip", "models/AUDUSD/M1/.lock"}
    assert (tmp_path / "beside").read_text(encoding="utf-8") == "untouched"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(seed=st.integers(0, 2**32), count=st.integers(1, 20))
def test_no_bytes_break_the_reader_of_archives(
    seed: int, count: int, sound: Path, shelf: Shelf, tmp_path: Path
) -> None:
    """An archive with bytes overwritten is brought in whole and true, or refused with a sentence."""
    chance = random.Random(seed)
    content = bytearray(sound.read_bytes())
    for _ in range(count):
        content[chance.randrange(len(content))] = chance.randrange(256)
    path = tmp_path / "noise.zip"
    path.write_bytes(content)
    with suppress(TraderError):
        load(archive.bring(path, shelf))


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\5\6" + bytes(18), b"not an archive", bytes(100_000)])
def test_what_is_no_archive_is_said(content: bytes, shelf: Shelf, tmp_path: Path) -> None:
    """Empty, cut off, or something else."""
    path = tmp_path / "none.zip"
    path.write_bytes(content)
    with pytest.raises(BadBundle):
        archive.bring(path, shelf)


def test_a_missing_archive_is_said(shelf: Shelf, tmp_path: Path) -> None:
    """One sentence."""
    with pytest.raises(BadData, match="cannot be read: No such file"):
        archive.bring(tmp_path / "none.zip", shelf)


def test_a_directory_that_claims_to_be_huge_is_not_read(sound: Path, shelf: Shelf, tmp_path: Path) -> None:
    """The size of the table of contents is the archive's claim; memory is ours."""
    content = bytearray(sound.read_bytes())
    start = content.rfind(b"PK\5\6")
    padding = bytes(2**21)
    content[start + 12 : start + 16] = (2**21).to_bytes(4, "little")
    path = tmp_path / "huge.zip"
    path.write_bytes(padding + content)
    with pytest.raises(BadBundle, match="2097152 bytes of directory"):
        archive.bring(path, shelf)


def test_models_that_run_code_are_let_in_only_when_trusted(
    sound: Path, shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And even then no pickle is opened by the import."""
    monkeypatch.setattr("joblib.load", lambda _: pytest.fail("a pickle was opened"))
    parcel = Parcel.of(sound)
    parcel.heavy()
    path = parcel.pack(tmp_path / "heavy.zip")
    with pytest.raises(Refused, match=r"running code of its author\. Say --trust"):
        archive.bring(path, shelf)
    assert shelf.versions(AUDUSD) == []
    assert archive.bring(path, shelf, trust=True).is_dir()


def files_of(folder: Path) -> set[str]:
    """Every file below this folder."""
    return {each.relative_to(folder).as_posix() for each in folder.rglob("*") if each.is_file()}
