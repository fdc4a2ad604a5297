"""The shelf of trained bundles, and the deployed copies the farm serves from."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple, Self

from live_trader.core.bars import Ticker, Timeframe
from live_trader.edge.settings import Settings
from live_trader.edge.shelf import copies, record
from live_trader.edge.shelf.record import Record, Slot
from live_trader.edge.stamp import Stamp, stamp
from live_trader.errors import BadBot, BadBundle, BadData, Refused
from live_trader.experts.bundle import (
    Bundle,
    Draft,
    Manifest,
    atomic,
    check,
    checked_version,
    glance,
    load,
    write,
)
from live_trader.experts.bundle.manifest import AGAIN

_log = logging.getLogger(__name__)
_DEPLOYED = "deployed"


class _Seen(NamedTuple):
    """A record by its path, which file it was, and what it said is served."""

    path: Path
    file: Stamp | None
    folders: tuple[str, ...]


class Shelf:
    """Bundles by ticker and version under `models`, and what of them is deployed under `work`.

    Every change is whole or not made at all, at whatever moment the process dies; two processes that change
    the same ticker wait for one another.
    """

    def __init__(self, models: Path, work: Path) -> None:
        self.models = models
        self.work = work
        self._seen: dict[Ticker, _Seen] = {}

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The shelf of the folders these settings name."""
        return cls(Path(settings.farm.models_path), Path(settings.farm.work_path))

    def folder(self, ticker: Ticker) -> Path:
        """Where the bundles of this ticker stand."""
        return self.models / ticker.symbol / ticker.timeframe.name

    def shelved(self) -> list[Ticker]:
        """Every ticker that has a bundle on the shelf."""
        return [ticker for ticker in _tickers(self.models, "*") if self.versions(ticker)]

    def versions(self, ticker: Ticker) -> list[str]:
        """The versions of this ticker on the shelf, oldest first."""
        return sorted(each.name for each in self.folder(ticker).glob("*") if _is_version(each.name))

    def save(self, draft: Draft, created: datetime) -> Path:
        """Put a new bundle on the shelf; the same training a second time is the bundle already there."""
        return write(self.folder(draft.ticker), draft, created)

    def bundle(self, ticker: Ticker, version: str | None = None) -> Path:
        """The folder of this version on the shelf, or of the newest."""
        versions = self.versions(ticker)
        wanted = checked_version(version) if version else (versions or [""])[-1]
        if wanted not in versions:
            raise BadBundle(
                f"there is no bundle {wanted} of {ticker} in {self.models}".replace("  ", " "),
                f"There are {', '.join(versions)}" if versions else self._meant(ticker),
            )
        return self.folder(ticker) / wanted

    def _meant(self, ticker: Ticker) -> str:
        near = get_close_matches(str(ticker), map(str, self.shelved()), 1, 0.85)
        return f"Did you mean {near[0]}?" if near else f"Train one: instant-trader train, for {ticker}"

    def tickers(self) -> list[Ticker]:
        """Every ticker that has a deployed bundle."""
        return _tickers(self.work, f"{_DEPLOYED}/{record.NAME}")

    def record(self, ticker: Ticker) -> Record | None:
        """What is deployed for this ticker and how it came so, or None."""
        return record.read(self._deployed(ticker))

    def deployed(self, ticker: Ticker) -> Path | None:
        """The folder of the bundle that is served, or None; a different path is a different deployment."""
        now = self.record(ticker)
        return self._deployed(ticker) / now.champion.folder if now else None

    def shadow(self, ticker: Ticker) -> Path | None:
        """The folder of the bundle that is served beside the champion and never traded, or None."""
        now = self.record(ticker)
        return self._deployed(ticker) / now.shadow.folder if now and now.shadow else None

    def deployed_version(self, ticker: Ticker) -> str | None:
        """The version that is served; one small file is read, so that it can be asked often."""
        now = self.record(ticker)
        return now.champion.version if now else None

    def serving(self, ticker: Ticker) -> tuple[str, ...]:
        """The deployed copies by name, the champion's and then a shadow's: other names, another deployment.

        Cheap enough for every bar: the record is read when it is another file than before. Empty also when
        it cannot be read; `load` says why.
        """
        seen = self._seen.get(ticker)
        path = seen.path if seen else self._deployed(ticker) / record.NAME
        try:
            file = stamp(path)
        except OSError:
            file = None
        if seen is None or file is None or file != seen.file:
            seen = self._seen[ticker] = _Seen(path, file, self._served(ticker))
        return seen.folders

    def _served(self, ticker: Ticker) -> tuple[str, ...]:
        try:
            now = self.record(ticker)
        except BadBundle:
            return ()
        return tuple(each.folder for each in (now.champion, now.shadow) if each) if now else ()

    def load(self, ticker: Ticker) -> tuple[Bundle, ...]:
        """The deployed champion, and the shadow where there is one, loaded and found true."""
        while True:
            now = self.record(ticker)
            if now is None:
                raise BadBundle(
                    f"no bundle of {ticker} is deployed in {self.work}",
                    f"Run: instant-trader deploy {ticker}",
                )
            try:
                champion = self._open(ticker, now.champion)
                break
            except BadBundle:
                if self.serving(ticker)[:1] == (now.champion.folder,):
                    raise
                # Somebody deployed while it was being read: the new one is wanted.
        if now.shadow is None:
            return (champion,)
        try:
            return champion, self._open(ticker, now.shadow)
        except BadBot as fault:
            # A challenger must not silence the champion.
            _log.error("leaves the shadow out", extra={"cause": str(fault)})
            return (champion,)

    def _open(self, ticker: Ticker, slot: Slot) -> Bundle:
        bundle = load(self._deployed(ticker) / slot.folder)
        _belongs(bundle.manifest, ticker, slot.version)
        return bundle

    def rivals(self, ticker: Ticker) -> tuple[Manifest, Manifest]:
        """What the deployed champion and its shadow say of themselves."""
        now, folder = self._deployed_record(ticker), self._deployed(ticker)
        return glance(folder / now.champion.folder), glance(folder / now.challenger.folder)

    def deploy(
        self,
        ticker: Ticker,
        version: str | None = None,
        *,
        at: datetime,
        force: bool = False,
        shadow: bool = False,
    ) -> Record:
        """Serve this version (the newest by default) from now on, or beside the champion as its shadow."""
        source = self.bundle(ticker, version)
        manifest = check(source)
        _belongs(manifest, ticker, source.name)
        forced = _allowed(manifest, force)
        with self._changing(ticker) as folder:
            now = _known(folder, shadow)
            held = now and (now.shadow if shadow else now.champion)
            if now and held and held.version == source.name and copies.intact(folder / held.folder):
                return now
            slot = Slot(source.name, copies.add(folder, source, manifest), forced)
            if now is None:
                return record.save(folder, Record(champion=slot), "deploy", slot, at)
            after = now.beside(slot) if shadow else now.crowned(slot)
            return record.save(folder, after, "shadow" if shadow else "deploy", slot, at)

    def rollback(self, ticker: Ticker, *, at: datetime) -> Record:
        """Serve the bundle that was served before; doing it twice changes nothing in the end."""
        with self._changing(ticker) as folder:
            after = self._deployed_record(ticker).rolled_back()
            load(folder / after.champion.folder)
            return record.save(folder, after, "rollback", after.champion, at)

    def promote(self, ticker: Ticker, *, at: datetime) -> Record:
        """Serve the shadow as the champion from now on."""
        with self._changing(ticker) as folder:
            after = self._deployed_record(ticker).promoted()
            load(folder / after.champion.folder)
            return record.save(folder, after, "promote", after.champion, at)

    def withdraw(self, ticker: Ticker, *, at: datetime) -> Record:
        """Serve no shadow any more."""
        with self._changing(ticker) as folder:
            now = self._deployed_record(ticker)
            return record.save(folder, now.withdrawn(), "withdraw", now.challenger, at)

    def _deployed(self, ticker: Ticker) -> Path:
        return self.work / ticker.symbol / ticker.timeframe.name / _DEPLOYED

    def _deployed_record(self, ticker: Ticker) -> Record:
        now = self.record(ticker)
        if now is None:
            raise BadBot(f"no bundle of {ticker} is deployed", f"Run: instant-trader deploy {ticker}")
        return now

    @contextmanager
    def _changing(self, ticker: Ticker) -> Iterator[Path]:
        folder = self._deployed(ticker)
        with atomic.alone(folder):
            yield folder
            now = record.read(folder)
            copies.sweep(folder, now.folders if now else frozenset())


def _tickers(root: Path, below: str) -> list[Ticker]:
    found = set()
    for path in root.glob(f"*/*/{below}"):
        symbol, timeframe = path.relative_to(root).parts[:2]
        try:
            found.add(Ticker(symbol, Timeframe.parse(timeframe)))
        except BadData:
            continue  # a folder of somebody else's
    return sorted(found, key=str)


def _is_version(name: str) -> bool:
    try:
        return bool(checked_version(name))
    except BadData:
        return False


def _belongs(manifest: Manifest, ticker: Ticker, version: str) -> None:
    if manifest.ticker != ticker:
        raise BadBundle(f"this is a bundle of {manifest.ticker}, in the place of one of {ticker}", AGAIN)
    if manifest.version != version:
        raise BadBundle(f"this is version {manifest.version} of {ticker}, in the place of {version}", AGAIN)


def _allowed(manifest: Manifest, force: bool) -> tuple[str, ...]:
    """The judge's reasons that are overruled; none when there are none."""
    verdict = manifest.verdict
    if verdict.decision == "deployable":
        return ()
    reasons = verdict.reasons or (f"it is {verdict.decision}",)
    if not force:
        raise Refused(
            f"bundle {manifest.version} of {manifest.ticker} is {verdict.decision}: {'; '.join(reasons)}",
            "Deploy another version, train again, or say --force to serve it all the same",
        )
    return reasons


def _known(folder: Path, shadow: bool) -> Record | None:
    try:
        now = record.read(folder)
    except BadBundle:
        if shadow:
            raise
        (folder / record.NAME).replace(folder / f"{record.NAME}.damaged")
        return None
    if shadow and now is None:
        raise BadBot("there is no champion a shadow could stand beside", "Deploy one without --shadow first")
    return now
