"""Ticker folders of the original system: their parameter files and pickles made into bundles."""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from live_trader.core.bars import Floats, Tape, Ticker, Timeframe, Window
from live_trader.core.features import Features, Recipe, classic, table
from live_trader.core.indicators import CLASSIC, find
from live_trader.edge import tapes
from live_trader.edge.feeds.simulated import Market
from live_trader.edge.shelf.shelf import Shelf
from live_trader.errors import BadData, BadRecipe, BadTape, NotServable
from live_trader.experts.bundle import SIDES, Draft, Learned, Period, Side, Trained, Training, Verdict
from live_trader.experts.bundle.reading import UNPICKLABLE

_SWAPPED: dict[Side, Side] = {"long": "short", "short": "long"}
_BUYS: dict[Side, int] = {"long": 1, "short": -1}
_PARAMETERS = "optimized_indicators_params"
_GOLDEN = 64
_SEED = 909
_DAY = 86_400

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of one ticker folder: its bundle, and a sentence for everything that could not be used."""

    folder: Path
    bundle: Path | None
    unused: tuple[str, ...]


@dataclass(slots=True)
class _Side:
    """One side of a ticker folder as it was found."""

    span: str
    recipe: Recipe
    pickles: Mapping[str, Path]


@dataclass(slots=True)
class _Notes:
    """Sentences about what could not be used, in order."""

    sentences: list[str] = field(default_factory=list)

    def __call__(self, sentence: str) -> None:
        self.sentences.append(sentence)


def bring(
    root: Path, shelf: Shelf, *, at: datetime, timeframe: Timeframe | None = None, swap: bool = False
) -> list[Imported]:
    """Put the newest models of every ticker folder under `root`, or of `root` itself, on the shelf.

    Opening their pickles runs the code of whoever wrote them. `long` is what buys and was trained on valleys;
    with `swap` it is what sells, as the original's own code wrote it.
    """
    folders = [each for each in (root, *sorted(root.glob("*"))) if _is_ticker(each)]
    if not folders:
        raise BadData(
            f"{root} holds no ticker folder of the classic layout",
            f"Name a folder that holds SYMBOL/long/{_PARAMETERS} and SYMBOL/long/models",
        )
    return [_bring(each, shelf, at, timeframe, swap) for each in folders]


def _is_ticker(folder: Path) -> bool:
    return any(
        (folder / side / _PARAMETERS).is_dir() or (folder / side / "models").is_dir() for side in SIDES
    )


def _bring(folder: Path, shelf: Shelf, at: datetime, timeframe: Timeframe | None, swap: bool) -> Imported:
    notes = _Notes()
    try:
        ticker = Ticker(folder.resolve().name, timeframe or _timeframe(folder / "ohlcv.csv"))
        places = {side: folder / (_SWAPPED[side] if swap else side) for side in SIDES}
        for side, place in places.items():
            _meant(side, place, notes)
        sides = {side: _side(place, notes) for side, place in places.items()}
        draft = _draft(ticker, sides, _tape(folder / "ohlcv.csv", ticker, sides, notes), notes)
    except (BadData, BadRecipe) as error:
        notes(str(error))
        return Imported(folder, None, tuple(notes.sentences))
    return Imported(folder, shelf.save(draft, at), tuple(notes.sentences))


def _meant(side: Side, place: Path, say: Say) -> None:
    """Refuse a folder whose targets are peaks where they should be valleys, or the other way round."""
    try:
        closes = _column(place.parent / "ohlcv.csv", "close")
        targets = _column(place / "target.csv", "")
    except (OSError, LookupError, ValueError, csv.Error):
        say(f"{place} has no bars and targets to tell peaks from valleys: taken for what is {side}")
        return
    times = sorted(closes)
    bends = [
        closes[before] + closes[after] - 2 * closes[time]
        for before, time, after in zip(times, times[1:], times[2:], strict=False)
        if targets.get(time) == 1.0
    ]
    valleys = sum(bend > 0 for bend in bends) - sum(bend < 0 for bend in bends)
    if valleys * _BUYS[side] < 0:
        found = "valleys, which buy" if valleys > 0 else "peaks, which sell"
        raise BadData(
            f"{place} was trained on {found}, and is taken for {side}", "Use --swap-sides, or do not"
        )


def _column(path: Path, name: str) -> dict[str, float]:
    """A column of a classic file by time; with no name, the last that has a value."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.reader(file, delimiter=";")
        head = next(rows, [])
        at = head.index(name) if name else None
        values = {row[0]: [row[at]] if at else [each for each in row[1:] if each] for row in rows if row}
    return {time: float(each[-1]) for time, each in values.items() if each}


def _side(folder: Path, say: Say) -> _Side:
    spans = sorted(each.name for each in (folder / "models").glob("*") if each.is_dir())
    if not spans:
        raise BadData(f"{folder} has no models")
    span = spans[-1]  # the original served the last in this order
    for older in spans[:-1]:
        say(f"{folder / 'models' / older} is older than {span}")
    parameters = folder / _PARAMETERS / span
    lengths = _lengths(parameters / "1_arg.csv", 1) | _lengths(parameters / "2_arg.csv", 2)
    pickles = {}
    for library in sorted((folder / "models" / span).glob("*")):
        if library.name != "PC":
            say(f"{library} holds models of another library than PyCaret")
            continue
        for path in sorted(library.glob("models/*")):
            if (path / "model.pkl").is_file():
                pickles[f"{path.name}~PC"] = path / "model.pkl"
            else:
                say(f"{path} has no model.pkl")
    # The original gave this one a length and did not use it: the least smoothing is what its models saw.
    lengths["eom"] = (find("eom").lengths[0].least,)
    return _Side(span, classic(lengths), pickles)


def _lengths(path: Path, count: int) -> dict[str, tuple[int, ...]]:
    """The lengths in a parameter file by feature; the order of indicator_number says which is whose."""
    names = [each.name for each in CLASSIC if len(each.lengths) == count]
    columns = ["Best_parameter_value"] if count == 1 else [f"Best_parameter_value_{n}" for n in (1, 2)]
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file, delimiter=";"))
        found = {float(row["indicator_number"]): tuple(_whole(row[name]) for name in columns) for row in rows}
    except OSError as error:
        raise BadData(f"{path} cannot be read: {error.strerror}") from None
    except (KeyError, OverflowError, TypeError, ValueError) as error:
        raise BadData(
            f"{path} is no parameter file: {error!r}", f"It needs {', '.join(columns)} and indicator_number"
        ) from None
    if len(found) != len(names) or len(rows) != len(names):
        raise BadData(f"{path} has {len(rows)} rows where {len(names)} features have {count} lengths")
    return dict(zip(names, (found[number] for number in sorted(found)), strict=True))


def _whole(text: str) -> int:
    number = float(text)
    if number != int(number):
        raise ValueError(f"{text} is not a whole number")
    return int(number)


def _timeframe(path: Path) -> Timeframe:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = csv.DictReader(file, delimiter=";")
            times = [
                datetime.fromisoformat(row["timestamp"]) for row, _ in zip(rows, range(500), strict=False)
            ]
        return Timeframe(int(min((after - before).total_seconds() for before, after in pairwise(times))))
    except (OSError, KeyError, ValueError, TypeError):
        raise BadData(
            f"{path.parent} does not say of which timeframe it is", "Say it with --timeframe, as in H1"
        ) from None


def _tape(path: Path, ticker: Ticker, sides: Mapping[Side, _Side], say: Say) -> Tape:
    """Enough bars to prove the models on: the folder's own where it has them, else simulated ones."""
    needed = max(Features(each.recipe).memory for each in sides.values()) + _GOLDEN
    try:
        tape = tapes.read(path, ticker, zone="UTC", drop=True).tape
        if len(tape) >= needed:
            return tape.cut(len(tape) - needed, len(tape))
        reason = f"{path} has {len(tape)} bars where {needed} are needed"
    except BadTape as error:
        reason = error.what
    say(f"{reason}: the models were proven on simulated bars")
    return Tape.of(ticker, list(Market(ticker, _SEED).history(_DAY * 20_000, needed)))


def _draft(ticker: Ticker, sides: Mapping[Side, _Side], tape: Tape, say: Say) -> Draft:
    common = [name for name in sides["long"].pickles if name in sides["short"].pickles]
    for side in SIDES:
        for name in sides[side].pickles.keys() - set(common):
            say(f"{sides[side].pickles[name]} has no counterpart on the other side")
    golden = {side: table(sides[side].recipe, tape)[-_GOLDEN:] for side in SIDES}
    pairs: dict[str, dict[Side, Trained]] = {}
    for name in common:
        try:
            pairs[name] = {side: _trained(sides[side].pickles[name], golden[side]) for side in SIDES}
        except (BadData, NotServable) as error:
            say(f"{name}: {error}")
    if not pairs:
        raise BadData(f"no model of {ticker} could be used on both sides")
    say("the original rounded features to 10 decimals before it asked its models; here they are not rounded")
    return Draft(
        ticker=ticker,
        sides={
            side: Learned(
                sides[side].recipe, golden[side], {name: pair[side] for name, pair in pairs.items()}
            )
            for side in SIDES
        },
        training=Training(
            spans=tuple(_period(each.span) for each in sides.values()),
            data_hash="",
            seeds={},
            settings={"imported from": "the classic layout"},
        ),
        verdict=Verdict(decision="unjudged", reasons=("it was imported: no judge has seen it",)),
        window=Window.ending(tape, len(tape), len(tape)),
    )


def _period(span: str) -> Period:
    """`2019-01-02 00_00_00 2021-12-31 23_00_00` as the bars that taught."""
    words = span.replace("_", ":").split()
    try:
        first, last = (
            datetime.fromisoformat(" ".join(words[at : at + 2])).replace(tzinfo=UTC) for at in (0, 2)
        )
    except ValueError:
        raise BadData(
            f"{span!r} is not a span", "It looks like 2019-01-02 00_00_00 2021-12-31 23_00_00"
        ) from None
    return Period("train", first, last)


def _trained(path: Path, golden: Floats) -> Trained:
    pipeline = _opened(path)
    columns = [str(name) for name in getattr(pipeline, "feature_names_in_", ())]
    wanted = [str(number) for number in range(golden.shape[1])]
    if columns not in (wanted, [*wanted, "target"]):
        raise BadData(f"{path} was fitted on the columns {', '.join(columns)}, not on 0 to {wanted[-1]}")
    return Trained.of(pipeline, wanted, golden, pickle=path.read_bytes())


def _opened(path: Path) -> Any:
    import joblib
    from sklearn.exceptions import InconsistentVersionWarning

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", InconsistentVersionWarning)
            return joblib.load(io.BytesIO(path.read_bytes()))
    except InconsistentVersionWarning as warning:
        written = warning.original_sklearn_version
        raise BadData(
            f"{path} was written with scikit-learn {written}", f"Run: pip install scikit-learn=={written}"
        ) from None
    except UNPICKLABLE as error:
        raise BadData(f"{path} cannot be opened: {error!r}", "Import it where it was trained") from None
