"""A bundle as one zip file, to carry it between machines; what comes in writes nowhere but its own folder."""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from pathlib import Path

from live_trader.edge.shelf.shelf import Shelf
from live_trader.errors import BadBundle, BadData, Refused
from live_trader.experts.bundle import Manifest, atomic, check, load
from live_trader.experts.bundle.manifest import LIMIT, NAME, checked_file, decode

SIZE = 2 * 2**30  # what a bundle may take unpacked
_FILES = 2_000
_PIECE = 2**20
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same bundle makes the same archive


def export(folder: Path, target: Path) -> Path:
    """Pack the bundle in this folder into a new file."""
    manifest = check(folder)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in (NAME, *manifest.files):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = (stat.S_IFREG | 0o600) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, (folder / name).read_bytes())
    try:
        atomic.write(target, packed.getvalue())
    except FileExistsError:
        raise BadData(f"{target} exists already", "Name another file, or remove it") from None
    return target


def bring(archive: Path, shelf: Shelf, *, trust: bool = False, size: int = SIZE) -> Path:
    """Put the bundle in this archive on the shelf.

    No pickle is opened. A bundle that only its pickles can serve runs its author's code once it is deployed:
    it is let in only when a person says to `trust` it.
    """
    try:
        with _Frugal(archive, "rb") as file, zipfile.ZipFile(file) as opened:
            return _unpack(opened, shelf, trust, size)
    except OSError as error:
        raise BadData(f"{archive} cannot be read: {error.strerror or error}") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as error:
        raise BadBundle(f"{archive} is damaged or is no archive of a bundle: {error}", _REMEDY) from None


_REMEDY = "Export it again with: instant-trader bundles export"


class _Frugal(io.FileIO):
    """A file that is read in small pieces only, whatever sizes the archive claims for its parts."""

    def read(self, size: int | None = -1, /) -> bytes:
        wanted = -1 if size is None else size
        if wanted > _PIECE:
            raise BadBundle(f"the archive wants {wanted} bytes of directory read at once", _REMEDY)
        return super().read(wanted) or b""


def _unpack(archive: zipfile.ZipFile, shelf: Shelf, trust: bool, size: int) -> Path:
    entries = _entries(archive)
    if NAME not in entries:
        raise BadBundle(f"the archive holds no {NAME}", _REMEDY)
    raw = _content(archive, entries[NAME], LIMIT)
    manifest = decode(raw)
    _examine(manifest, entries, trust, size)
    parent = shelf.folder(manifest.ticker)
    with atomic.alone(parent), atomic.incoming(parent) as fresh:
        if (parent / manifest.version).exists():
            check(parent / manifest.version)
            return parent / manifest.version
        atomic.write(fresh / NAME, raw)
        for name, file in manifest.files.items():
            atomic.write(fresh / name, _content(archive, entries[name], file.size))
        _ = check(fresh) if manifest.heavy else load(fresh)
        atomic.appear(fresh, parent / manifest.version)
    return parent / manifest.version


def _entries(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    found: dict[str, zipfile.ZipInfo] = {}
    for entry in archive.infolist():
        name = entry.filename
        try:
            checked_file(name)
        except BadData:
            raise BadBundle(f"the archive holds {name!r}, which is no file of a bundle", _REMEDY) from None
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            raise BadBundle(f"the archive holds {name}, which is a link or device, not a file", _REMEDY)
        if entry.flag_bits & 1:
            raise BadBundle(f"{name} in the archive is encrypted", _REMEDY)
        if name.casefold() in found or len(found) == _FILES:
            raise BadBundle(f"the archive holds {name} twice or too many files", _REMEDY)
        found[name.casefold()] = entry
    return {entry.filename: entry for entry in found.values()}


def _examine(manifest: Manifest, entries: dict[str, zipfile.ZipInfo], trust: bool, size: int) -> None:
    wanted = {NAME, *manifest.files}
    if strange := entries.keys() - wanted:
        raise BadBundle(f"the archive holds {min(strange)}, for which its {NAME} does not vouch", _REMEDY)
    if missing := wanted - entries.keys():
        raise BadBundle(f"{min(missing)} is missing from the archive", _REMEDY)
    if (total := sum(file.size for file in manifest.files.values())) > size:
        raise BadBundle(f"the bundle takes {total} bytes unpacked, more than the {size} allowed")
    if manifest.heavy and not trust:
        raise Refused(
            f"{', '.join(manifest.heavy)} of this bundle can only be served by running code of its author",
            "Say --trust if you know who made it",
        )


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limit: int) -> bytes:
    content = bytearray()
    with archive.open(entry) as file:
        while piece := file.read(_PIECE // 16):
            content += piece
            if len(content) > limit:
                raise BadBundle(f"{entry.filename} in the archive is larger than the {limit} it may have")
    return bytes(content)
