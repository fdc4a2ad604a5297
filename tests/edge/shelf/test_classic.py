"""A folder of the original system becomes a bundle, and everything that could not be used is said."""

from __future__ import annotations

import csv
import functools
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from live_trader.core.bars import Tape, Ticker, Timeframe, moment
from live_trader.core.features import classic as classic_recipe
from live_trader.core.features import table
from live_trader.core.indicators import CLASSIC, find
from live_trader.edge.feeds.simulated import Market
from live_trader.edge.shelf import Shelf, classic
from live_trader.errors import BadData, Refused
from live_trader.experts.bundle import SIDES, Side, load
from tests.experts.drafts import CREATED

EURUSD = Ticker.parse("EURUSD H1")
SPAN = "2019-01-02 00_00_00 2021-12-31 23_00_00"
OLDER = "2018-01-02 00_00_00 2020-12-31 23_00_00"
ONE = [each.name for each in CLASSIC if len(each.lengths) == 1]
TWO = [each.name for each in CLASSIC if len(each.lengths) == 2]
LENGTHS: dict[Side, dict[str, tuple[int, ...]]] = {
    side: {name: (2 + 10 * ((rank + at) % 6),) for at, name in enumerate(ONE)}
    | dict.fromkeys(TWO, (13 + 5 * rank, 8))
    for rank, side in enumerate(SIDES)
}
MODELS = {
    "LogisticRegression": LogisticRegression,
    "DecisionTreeClassifier": lambda: DecisionTreeClassifier(max_depth=3, random_state=0),
}


@functools.cache
def tape() -> Tape:
    """Bars of an hour, enough for every length."""
    return Tape.of(EURUSD, list(Market(EURUSD, 3).history(1_640_000_000, 700)))


def expected(side: Side) -> Any:
    """The recipe these lengths mean; the original never used the length of `eom`."""
    return classic_recipe(LENGTHS[side] | {"eom": (find("eom").lengths[0].least,)})


@functools.cache
def fitted(side: Side, name: str) -> Any:
    """A pipeline as the original saved it, on columns named by number."""
    rows = table(expected(side), tape())[-200:]
    labels = points(side)[-200:]
    pipeline = make_pipeline(QuantileTransformer(n_quantiles=50), StandardScaler(), MODELS[name]())
    return pipeline.fit(pd.DataFrame(rows, columns=[str(n) for n in range(28)]), labels)


def points(side: Side) -> Any:
    """Valleys for long, peaks for short."""
    bends = np.diff(tape().close, 2, prepend=0.0, append=0.0)
    return ((bends > 0) if side == "long" else (bends < 0)).astype(int)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole ticker folder as the original left it."""
    folder = tmp_path_factory.mktemp("classic") / "EURUSD"
    for side in SIDES:
        parameters = folder / side / "optimized_indicators_params" / SPAN
        parameters.mkdir(parents=True)
        for count, names in ((1, ONE), (2, TWO)):
            write_lengths(parameters / f"{count}_arg.csv", count, [LENGTHS[side][name] for name in names])
        for name in MODELS:
            pickle = folder / side / "models" / SPAN / "PC" / "models" / name / "model.pkl"
            pickle.parent.mkdir(parents=True)
            joblib.dump(fitted(side, name), pickle)
        write_column(folder / side / "target.csv", ["target"], [[each] for each in points(side)])
    bars = zip(tape().open, tape().high, tape().low, tape().close, tape().volume, strict=True)
    write_column(folder / "ohlcv.csv", ["open", "high", "low", "close", "volume"], list(bars))
    return folder


def write_lengths(path: Path, count: int, lengths: list[tuple[int, ...]]) -> None:
    """A parameter file; its rows stand in the order of their correlation, as the original left them."""
    names = ["Best_parameter_value"] if count == 1 else ["Best_parameter_value_1", "Best_parameter_value_2"]
    rows = [
        ["2019-01-02 - 2021-12-31", *map(float, each), 0.01 * at, at, count]
        for at, each in enumerate(lengths)
    ]
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, delimiter=";")
        out.writerow(["", *names, "Best_corr_with_target_value", "indicator_number", "number_of_arguments"])
        out.writerows(reversed(rows))


def write_column(path: Path, names: list[str], rows: list[Any]) -> None:
    """Columns by time."""
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, delimiter=";")
        out.writerow(["timestamp", *names])
        out.writerows(
            [f"{moment(int(time)):%Y-%m-%d %H:%M:%S}", *row]
            for time, row in zip(tape().times, rows, strict=True)
        )


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(made, tmp_path / "old" / "EURUSD"))


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "models", tmp_path / "work")


def bring(folder: Path, shelf: Shelf, **options: Any) -> classic.Imported:
    """The one ticker of a folder."""
    (only,) = classic.bring(folder, shelf, at=CREATED, **options)
    return only


def test_a_classic_folder_becomes_a_bundle_that_answers_as_its_pickles(folder: Path, shelf: Shelf) -> None:
    """Lengths by indicator_number, models of both sides, the timeframe of the bars, exact served forms."""
    found = bring(folder, shelf)
    assert found.bundle is not None
    bundle = load(found.bundle)
    assert bundle.ticker == EURUSD
    assert bundle.models == ("DecisionTreeClassifier~PC", "LogisticRegression~PC")
    assert bundle.recipes == {side: expected(side) for side in SIDES}
    assert not bundle.heavy
    assert {(each.first, each.last) for each in bundle.manifest.training.spans} == {
        (datetime(2019, 1, 2, tzinfo=UTC), datetime(2021, 12, 31, 23, tzinfo=UTC))
    }
    for side in SIDES:
        rows = table(expected(side), tape())[-20:]
        frame = pd.DataFrame(rows, columns=[str(n) for n in range(28)])
        for name in MODELS:
            model = bundle.expert(side).models[f"{name}~PC"].model
            given = [model.probability(row) for row in rows]
            assert np.abs(given - fitted(side, name).predict_proba(frame)[:, 1]).max() <= 1e-9
    assert found.unused == (
        "the original rounded features to 10 decimals before it asked its models; here they are not rounded",
    )


def test_every_ticker_below_a_folder_is_imported(folder: Path, shelf: Shelf) -> None:
    """A folder of ticker folders, of which one is broken."""
    shutil.copytree(folder, folder.parent / "AUDUSD")
    shutil.rmtree(folder / "short" / "models")
    (folder.parent / "notes.txt").touch()
    found = classic.bring(folder.parent, shelf, at=CREATED)
    assert [(each.folder.name, each.bundle is not None) for each in found] == [
        ("AUDUSD", True),
        ("EURUSD", False),
    ]
    assert any("short has no models" in each for each in found[1].unused)


def test_what_was_imported_is_not_deployed_without_force(folder: Path, shelf: Shelf) -> None:
    """No judge has seen it."""
    bring(folder, shelf)
    with pytest.raises(Refused, match="is unjudged: it was imported"):
        shelf.deploy(EURUSD, at=CREATED)
    shelf.deploy(EURUSD, at=CREATED, force=True)
    assert shelf.load(EURUSD)[0].ticker == EURUSD


def test_sides_written_by_the_original_code_are_swapped_on_demand(folder: Path, shelf: Shelf) -> None:
    """Its long was trained on peaks: taken as it stands it is refused, with --swap-sides it is right."""
    (folder / "long").rename(folder / "away")
    (folder / "short").rename(folder / "long")
    (folder / "away").rename(folder / "short")
    found = bring(folder, shelf)
    assert found.bundle is None
    assert "trained on peaks, which sell, and is taken for long. Use --swap-sides" in found.unused[0]
    swapped = bring(folder, shelf, swap=True)
    assert swapped.bundle is not None
    assert load(swapped.bundle).recipes == {side: expected(side) for side in SIDES}


def test_sides_that_cannot_be_checked_are_said(folder: Path, shelf: Shelf) -> None:
    """Without targets the documented meaning holds."""
    (folder / "long" / "target.csv").unlink()
    found = bring(folder, shelf)
    assert found.bundle is not None
    assert "no bars and targets to tell peaks from valleys: taken for what is long" in found.unused[0]


def test_only_the_last_span_is_used(folder: Path, shelf: Shelf) -> None:
    """The original served the last in order; the others are named."""
    for side in SIDES:
        (folder / side / "models" / OLDER).mkdir()
    found = bring(folder, shelf)
    assert found.bundle is not None
    assert sum("is older than" in each for each in found.unused) == 2


def test_without_bars_the_timeframe_must_be_said(folder: Path, shelf: Shelf) -> None:
    """And the models are proven on simulated ones, which is said."""
    (folder / "ohlcv.csv").unlink()
    assert "does not say of which timeframe it is. Say it with --timeframe" in bring(folder, shelf).unused[-1]
    found = bring(folder, shelf, timeframe=Timeframe.M5)
    assert found.bundle is not None
    assert load(found.bundle).ticker == Ticker.parse("EURUSD M5")
    assert any("proven on simulated bars" in each for each in found.unused)


def test_too_few_bars_are_said(folder: Path, shelf: Shelf) -> None:
    """A window needs its memory."""
    lines = (folder / "ohlcv.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "ohlcv.csv").write_text("".join(lines[:50]), encoding="utf-8")
    found = bring(folder, shelf)
    assert found.bundle is not None
    assert any("has 49 bars where" in each for each in found.unused)


def test_models_that_cannot_be_used_are_named_and_the_others_are(folder: Path, shelf: Shelf) -> None:
    """Another library, no pickle, a broken one, one side only, no probabilities, other columns."""
    models = folder / "long" / "models" / SPAN
    (models / "AG").mkdir()
    (models / "PC" / "models" / "Empty").mkdir()
    place(folder, "Broken", b"no pickle")
    place(folder, "Absent", b"cnot_installed\nThing\n.")
    rows = pd.DataFrame(np.random.default_rng(0).normal(size=(50, 28)), columns=[str(n) for n in range(28)])
    labels = np.arange(50) % 2
    place(folder, "RidgeClassifier", make_pipeline(RidgeClassifier()).fit(rows, labels))
    place(folder, "Other", make_pipeline(LogisticRegression()).fit(rows.iloc[:, :5], labels))
    (models / "PC" / "models" / "Lonely").mkdir()
    (models / "PC" / "models" / "Lonely" / "model.pkl").write_bytes(b"")
    found = bring(folder, shelf)
    assert found.bundle is not None
    assert load(found.bundle).models == ("DecisionTreeClassifier~PC", "LogisticRegression~PC")
    for reason in (
        "AG holds models of another library than PyCaret",
        "Empty has no model.pkl",
        "Broken~PC: ",
        "ModuleNotFoundError",
        "RidgeClassifier~PC: ",
        "was fitted on the columns 0, 1, 2, 3, 4",
        "Lonely/model.pkl has no counterpart on the other side",
    ):
        assert any(reason in each for each in found.unused), reason


def place(folder: Path, name: str, model: Any) -> None:
    """Put a model on both sides."""
    for side in SIDES:
        path = folder / side / "models" / SPAN / "PC" / "models" / name / "model.pkl"
        path.parent.mkdir()
        if isinstance(model, bytes):
            path.write_bytes(model)
        else:
            joblib.dump(model, path)


def test_a_model_without_a_served_form_stays_a_pickle(folder: Path, shelf: Shelf) -> None:
    """It is imported all the same, and served by its pipeline."""
    rows = pd.DataFrame(np.random.default_rng(0).normal(size=(50, 28)), columns=[str(n) for n in range(28)])
    model = KNeighborsClassifier(3, metric="braycurtis").fit(rows, np.arange(50) % 2)
    place(folder, "KNeighborsClassifier", make_pipeline(model))
    found = bring(folder, shelf)
    assert found.bundle is not None
    assert load(found.bundle).manifest.heavy == (
        "long/KNeighborsClassifier~PC",
        "short/KNeighborsClassifier~PC",
    )


def test_a_pickle_of_another_scikit_learn_says_which_to_install(folder: Path, shelf: Shelf) -> None:
    """Its numbers could be others."""
    for path in folder.glob("long/models/*/PC/models/*/model.pkl"):
        path.write_bytes(path.read_bytes().replace(b"1.4.2", b"1.3.0"))
    found = bring(folder, shelf)
    assert found.bundle is None
    assert any("pip install scikit-learn==1.3.0" in each for each in found.unused)
    assert "no model of EURUSD H1 could be used on both sides" in found.unused[-1]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "has 0 rows where 1 features have 2 lengths"),
        ("a;b\n1;2\n", "is no parameter file: KeyError"),
        (
            "Best_parameter_value_1;Best_parameter_value_2;indicator_number\n1.5;2;0\n",
            "1.5 is not a whole number",
        ),
        ("Best_parameter_value_1;Best_parameter_value_2;indicator_number\nx;2;0\n", "is no parameter file"),
        ("Best_parameter_value_1;Best_parameter_value_2;indicator_number\ninf;2;0\n", "is no parameter file"),
        ("Best_parameter_value_1;Best_parameter_value_2;indicator_number\n9;2;0\n9;2;0\n", "has 2 rows"),
        ("Best_parameter_value_1;Best_parameter_value_2;indicator_number\n-9;2;0\n", "cannot have fastk -9"),
        (None, "2_arg.csv cannot be read: No such file"),
    ],
)
def test_a_parameter_file_that_cannot_be_is_said(
    text: str | None, reason: str, folder: Path, shelf: Shelf
) -> None:
    """Nothing is guessed: the ticker is left out."""
    path = folder / "short" / "optimized_indicators_params" / SPAN / "2_arg.csv"
    path.unlink()
    if text is not None:
        path.write_text(text, encoding="utf-8")
    found = bring(folder, shelf)
    assert found.bundle is None
    assert reason in found.unused[-1]


def test_a_span_that_is_none_is_said(folder: Path, shelf: Shelf) -> None:
    """The name of the folder is its dates."""
    for side in SIDES:
        for kind in ("models", "optimized_indicators_params"):
            (folder / side / kind / SPAN).rename(folder / side / kind / "latest")
    assert "'latest' is not a span" in bring(folder, shelf).unused[-1]


def test_a_folder_of_something_else_is_said(tmp_path: Path, shelf: Shelf) -> None:
    """With what it should hold."""
    with pytest.raises(BadData, match="holds no ticker folder of the classic layout"):
        classic.bring(tmp_path, shelf, at=CREATED)
