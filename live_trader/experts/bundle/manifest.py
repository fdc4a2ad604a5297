"""What `bundle.json` says: everything a bundle is, with digests that notice any change of it."""

from __future__ import annotations

import hashlib
import json
import math
import platform
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from typing import Any, Literal

import msgspec

from live_trader.core.bars import Ticker, Timeframe
from live_trader.errors import BadBundle, BadData

Side = Literal["long", "short"]
SIDES: tuple[Side, ...] = ("long", "short")

FORMAT = 1
NAME = "bundle.json"
BARS, GOLDEN, PIPELINE, SERVED = "bars.json", "golden.json", "pipeline.pkl", "served.bin"
LIMIT = 16 * 2**20  # a manifest is read whole: beyond this it is not one

_VERSION = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}", re.ASCII)
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+~-]{0,79}", re.ASCII)
_FILE = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9_.+~-]{0,79}/){0,3}[A-Za-z0-9][A-Za-z0-9_.+~-]{0,79}", re.ASCII)

# These two say when, not what: the same training a second time differs in them alone.
_WHEN = frozenset({"created", "version"})

_LIBRARIES = (
    "numpy",
    "TA-Lib",
    "scikit-learn",
    "scipy",
    "pandas",
    "pycaret",
    "imbalanced-learn",
    "lightgbm",
    "xgboost",
    "xgboost-cpu",
    "catboost",
)


class Period(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A stretch of bars, by the openings of its first and last, that taught the models or judged them."""

    purpose: Literal["train", "test"]
    first: datetime
    last: datetime


class Training(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the models come from: enough to train them again."""

    spans: tuple[Period, ...]
    data_hash: str
    seeds: dict[str, int]
    settings: dict[str, Any]


class Verdict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the judge said, why, and on which figures."""

    decision: Literal["deployable", "refused", "unjudged"]
    reasons: tuple[str, ...] = ()
    figures: dict[str, Any] = {}


class Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One model of one side: its threshold, the columns it was fitted on, and how it is served."""

    threshold: float
    columns: tuple[str, ...]
    served: bool
    reason: str = ""
    proof: dict[str, Any] = {}


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The size and sha256 one file of the bundle must have."""

    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything a bundle is; `digests` has one entry per field, and `fingerprint` stands for them all."""

    format: int
    symbol: str
    timeframe: str
    version: str
    created: datetime
    memory: int
    recipes: dict[Side, list[Any]]
    models: dict[Side, dict[str, Model]]
    training: Training
    libraries: dict[str, str]
    verdict: Verdict
    files: dict[str, File]
    digests: dict[str, str] = {}
    fingerprint: str = ""

    @property
    def ticker(self) -> Ticker:
        return Ticker(self.symbol, Timeframe.parse(self.timeframe))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the models, in order."""
        return tuple(self.models.get("long", ()))

    @property
    def thresholds(self) -> dict[Side, dict[str, float]]:
        """What each model's probability must exceed, by side and name."""
        return {side: {name: each.threshold for name, each in self.models[side].items()} for side in SIDES}

    @property
    def heavy(self) -> tuple[str, ...]:
        """The models, as side/name, that only their own pipeline can serve."""
        return tuple(
            f"{side}/{name}" for side in SIDES for name, m in self.models[side].items() if not m.served
        )


def sealed(manifest: Manifest) -> Manifest:
    """The same manifest with its digests, fingerprint and version worked out."""
    digests = _digests(manifest)
    mark = _fingerprint(digests)
    named = msgspec.structs.replace(manifest, version=_version(manifest.created, mark))
    return msgspec.structs.replace(named, digests=_digests(named), fingerprint=mark)


def encode(manifest: Manifest) -> bytes:
    """The one spelling of this manifest as the text of `bundle.json`."""
    plain = msgspec.to_builtins(manifest)
    return (json.dumps(plain, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def decode(raw: bytes) -> Manifest:
    """The manifest that this text is, or what is wrong with it."""
    try:
        plain = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadBundle(f"{NAME} is not JSON: {error}", AGAIN) from None
    number = plain.get("format") if isinstance(plain, dict) else None
    if number != FORMAT:
        raise BadBundle(
            f"{NAME} has format {number!r} where this program reads {FORMAT}",
            "Deploy a bundle of this program, or install the program that wrote this one",
        )
    try:
        manifest = msgspec.convert(plain, Manifest)
    except msgspec.ValidationError as error:
        raise BadBundle(f"{NAME} is not a manifest: {error}", AGAIN) from None
    _examine(manifest)
    if raw != encode(manifest):
        raise BadBundle(f"{NAME} says the same but is not spelled as it was written", AGAIN)
    return manifest


AGAIN = "Deploy this version again from the shelf, or another one"


def _examine(manifest: Manifest) -> None:
    if manifest.fingerprint != _fingerprint(manifest.digests):
        raise BadBundle(f"the fingerprint or a digest in {NAME} has been changed", AGAIN)
    for name, digest in _digests(manifest).items():
        if manifest.digests.get(name) != digest:
            raise BadBundle(f"{name} in {NAME} is not what was written", AGAIN)
    if manifest.version != _version(manifest.created, manifest.fingerprint):
        raise BadBundle(
            f"{NAME} names itself {manifest.version}, which is not its time and fingerprint", AGAIN
        )
    try:
        _sound(manifest)
    except BadData as error:
        raise BadBundle(f"{NAME} cannot be meant: {error.what}", error.remedy or AGAIN) from None


def _sound(manifest: Manifest) -> None:
    """Digests show that nothing changed; this, that even its writer could not lead a reader astray."""
    _ = manifest.ticker
    for name in manifest.files:
        checked_file(name)
    if not manifest.names or any(tuple(manifest.models.get(side, ())) != manifest.names for side in SIDES):
        raise BadData("the two sides do not have the same models")
    for name in manifest.names:
        checked_model(name)
    if manifest.recipes.keys() != set(SIDES):
        raise BadData("a side has no recipe")
    needed = {f"{side}/{GOLDEN}" for side in SIDES}
    for side in SIDES:
        for name, model in manifest.models[side].items():
            needed.add(f"{side}/{name}/{SERVED if model.served else PIPELINE}")
    if missing := needed - manifest.files.keys():
        raise BadData(f"it does not vouch for {min(missing)}")


def _digests(manifest: Manifest) -> dict[str, str]:
    plain: dict[str, Any] = msgspec.to_builtins(manifest)
    fields = {name: value for name, value in plain.items() if name not in ("digests", "fingerprint")}
    return {name: sha256(_canonical(value)) for name, value in fields.items()}


def _version(created: datetime, fingerprint: str) -> str:
    return f"{created:%Y%m%dT%H%M%SZ}-{fingerprint[:8]}"


def _fingerprint(digests: Mapping[str, str]) -> str:
    return sha256(_canonical({name: digest for name, digest in digests.items() if name not in _WHEN}))


def _canonical(value: object) -> bytes:
    # Keys are not sorted: the order of the models is part of what a bundle says.
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()


def sha256(content: bytes) -> str:
    """The sha256 of these bytes, as text."""
    return hashlib.sha256(content).hexdigest()


def checked_version(text: str) -> str:
    """This text if it can name a version (so that it is a safe part of a path), else an error."""
    if not _VERSION.fullmatch(text):
        raise BadData(f"{text!r} is not a version", "A version looks like 20261120T181500Z-0a1b2c3d")
    return text


def checked_model(text: str) -> str:
    """This text if it can name a model, else an error."""
    if not _MODEL.fullmatch(text) or ".." in text:
        raise BadData(f"{text!r} is not a model name", "A model name looks like LGBMClassifier~PC")
    return text


def checked_file(text: str) -> str:
    """This text if it can name a file inside a bundle's folder, and nowhere else, else an error."""
    if not _FILE.fullmatch(text) or ".." in text:
        raise BadData(f"{text!r} is not a file name of a bundle", "Use letters, digits and . _ + ~ - only")
    return text


def libraries() -> dict[str, str]:
    """The processor, the Python and the libraries whose versions may change what a model answers."""
    found = {"processor": platform.machine(), "python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = installed(name)
        except PackageNotFoundError:
            continue
    return found


def plain(value: object) -> Any:
    """This value as JSON can hold it: keys in order, numbers that are not finite as None."""
    return _finite(msgspec.to_builtins(value, str_keys=True, enc_hook=lambda array: array.tolist()))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {_text(key): _finite(value[key]) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return _text(value) if isinstance(value, str) else value


def _text(text: str) -> str:
    # A path of the file system may hold bytes that are not text.
    return text.encode(errors="backslashreplace").decode()


def in_utc(when: datetime) -> datetime:
    """This moment on a whole second of UTC, as a manifest keeps it."""
    return when.astimezone(UTC).replace(microsecond=0)
