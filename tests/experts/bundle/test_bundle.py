"""A bundle says what was trained, answers as it did, and is written once, whole and private."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from live_trader.core.bars import Window
from live_trader.core.features import Features
from live_trader.core.signals import Coefficients
from live_trader.errors import BadBundle, BadData
from live_trader.experts.bundle import SIDES, Bundle, Draft, Learned, Trained, check, load, write
from live_trader.experts.bundle import reading as reading_room
from live_trader.experts.bundle.manifest import (
    NAME,
    checked_file,
    checked_model,
    checked_version,
    decode,
    encode,
    plain,
)
from live_trader.experts.served import Heavy
from tests.experts.drafts import AUDUSD, CREATED, MODELS, RECIPES, draft, fitted, golden, tape, vouch, written

SUBPROCESS = """
import sys, time
from pathlib import Path
from live_trader.experts.bundle import load
load(Path(sys.argv[1]))
began = time.perf_counter()
bundle = load(Path(sys.argv[1]))
spent = time.perf_counter() - began
heavy = {"pandas", "sklearn", "scipy", "pycaret", "joblib", "lightgbm"} & set(sys.modules)
print(bundle.version, spent < 1.0, sorted(heavy))
"""


def heavy_draft() -> Draft:
    """A draft whose only model nothing but its pipeline can serve."""
    sides = {}
    for side in SIDES:
        rows = golden(AUDUSD, side)
        pipeline = fitted(rows, 1, KNeighborsClassifier(3, metric=_taxi))
        sides[side] = Learned(RECIPES[side], rows, {"KNeighborsClassifier~PC": _of(pipeline, rows)})
    return draft(sides=sides)


def _taxi(one: Any, other: Any) -> float:
    return float(np.abs(one - other).sum())


def _of(pipeline: Any, rows: Any) -> Trained:
    return Trained.of(pipeline, ("a", "b", "c"), rows)


def test_a_loaded_bundle_is_what_was_written(tmp_path: Path) -> None:
    """Ticker, models in order, recipes, thresholds and memory survive the disk."""
    made = draft()
    bundle = load(write(tmp_path, made, CREATED))
    assert (bundle.ticker, bundle.models, bundle.recipes) == (AUDUSD, MODELS, RECIPES)
    assert bundle.thresholds == {side: dict.fromkeys(MODELS, 0.3) for side in SIDES}
    assert bundle.memory == made.memory == max(Features(each).memory for each in RECIPES.values())
    assert bundle.manifest.verdict == made.verdict
    assert bundle.manifest.training == made.training
    assert not bundle.heavy


def test_a_loaded_bundle_answers_as_its_pipelines_did(tmp_path: Path) -> None:
    """Every golden row, every model, both sides."""
    made, bundle = draft(), load(written(tmp_path))
    for side in SIDES:
        for name, trained in made.sides[side].models.items():
            judge = bundle.expert(side).models[name]
            given = [judge.model.probability(row) for row in made.sides[side].golden]
            assert np.abs(given - trained.probabilities).max() <= 1e-9


def test_a_worker_loads_in_under_a_second_and_without_heavy_libraries(tmp_path: Path) -> None:
    """Neither pandas nor scikit-learn nor pycaret is imported by a process that serves a bundle."""
    folder = written(tmp_path)
    ran = subprocess.run(
        [sys.executable, "-c", SUBPROCESS, folder], capture_output=True, text=True, check=True
    )
    assert ran.stdout.split(maxsplit=2) == [folder.name, "True", "[]\n"]


def test_the_same_training_is_the_same_bundle_whenever_it_is_written(tmp_path: Path) -> None:
    """The fingerprint leaves the time out, and a second writing adds nothing to the shelf."""
    first = write(tmp_path / "one", draft(), CREATED)
    again = write(tmp_path / "one", draft(), CREATED + timedelta(days=1))
    elsewhere = write(tmp_path / "two", draft(), CREATED + timedelta(days=1))
    assert again == first
    assert elsewhere.name != first.name
    assert check(elsewhere).fingerprint == check(first).fingerprint
    assert [each.name for each in (tmp_path / "one").iterdir() if each.name[0] != "."] == [first.name]


def test_another_training_is_another_bundle(tmp_path: Path) -> None:
    """Another seed, another threshold or another verdict changes the fingerprint."""
    names = {written(tmp_path, seed=seed).name[-8:] for seed in (0, 1, 2)}
    names.add(written(tmp_path, verdict="refused").name[-8:])
    assert len(names) == 4


def test_versions_sort_by_time(tmp_path: Path) -> None:
    """The newest version is the last by name."""
    days = (0, 400, 30, 1)
    made = {n: write(tmp_path, draft(seed=n), CREATED + timedelta(days=n)).name for n in days}
    assert sorted(made.values()) == [made[n] for n in sorted(days)]


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps other people out by folders")
def test_a_bundle_is_private_to_its_user(tmp_path: Path) -> None:
    """Folders 0700, files 0600, whatever the umask."""
    mask = os.umask(0)
    try:
        folder = written(tmp_path / "models" / "AUDUSD" / "M1")
    finally:
        os.umask(mask)
    for path in (tmp_path / "models", *(tmp_path / "models").rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert folder.is_dir()


def test_a_draft_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """A model that does not answer as its pipeline is not written, nor is half a bundle."""
    made = draft()
    off = {
        name: replace(each, probabilities=each.probabilities + 1e-6)
        for name, each in made.sides["short"].models.items()
    }
    sides = {**made.sides, "short": replace(made.sides["short"], models=off)}
    with pytest.raises(BadBundle, match="its pipeline gave in training"):
        write(tmp_path, replace(made, sides=sides), CREATED)
    assert [each.name for each in tmp_path.iterdir()] == [".lock"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"threshold": 1.0}, "threshold 1.0 of long/LogisticRegression~PC"),
        ({"threshold": float("nan")}, "threshold nan of long/LogisticRegression~PC"),
        ({"columns": ("a",)}, "was fitted on 1 columns"),
    ],
)
def test_a_model_that_cannot_be_is_not_written(change: dict[str, Any], reason: str, tmp_path: Path) -> None:
    """Thresholds outside [0, 1) and columns that are not the rows' are refused at once."""
    made = draft()
    models = {name: replace(each, **change) for name, each in made.sides["long"].models.items()}
    sides = {**made.sides, "long": replace(made.sides["long"], models=models)}
    with pytest.raises(BadData, match=reason):
        write(tmp_path, replace(made, sides=sides), CREATED)


def test_golden_rows_must_be_finite_and_of_the_recipe(tmp_path: Path) -> None:
    """A NaN, an empty table and a table of another width are refused."""
    made = draft()
    rows = made.sides["long"].golden
    for wrong in (np.where(rows == rows[0, 0], np.nan, rows), rows[:0], rows[:, :2]):
        sides = {**made.sides, "long": replace(made.sides["long"], golden=wrong)}
        with pytest.raises(BadData, match="the golden rows of long"):
            write(tmp_path, replace(made, sides=sides), CREATED)


def test_the_sides_must_have_the_same_models(tmp_path: Path) -> None:
    """A model that has an opinion on one side only makes no signal."""
    made = draft()
    first = dict(list(made.sides["long"].models.items())[:1])
    sides = {**made.sides, "long": replace(made.sides["long"], models=first)}
    with pytest.raises(BadData, match="the same models"):
        write(tmp_path, replace(made, sides=sides), CREATED)


def test_figures_that_are_not_finite_are_kept_as_nothing() -> None:
    """JSON has no infinity; numpy's numbers become plain ones, keys stand in order."""
    figures = {
        "b": np.float64(1.5),
        "a": float("inf"),
        "c": [np.int64(3), float("nan")],
        "d": np.array([1.0]),
    }
    assert json.dumps(plain(figures)) == '{"a": null, "b": 1.5, "c": [3, null], "d": [1.0]}'


def test_the_first_model_serves_when_no_portfolio_names_others(tmp_path: Path) -> None:
    """Without coefficients one model decides; with them, those that are named."""
    bundle = load(written(tmp_path))
    window = Window.ending(tape(AUDUSD), bundle.memory, len(tape(AUDUSD)))
    assert tuple(bundle.strategy().decide(window).opinions) == MODELS[:1]
    both = Coefficients({MODELS[1]: 1.0}, {MODELS[0]: 1.0})
    assert set(bundle.strategy(both).decide(window).opinions) == set(MODELS)


def test_a_threshold_can_be_overruled(tmp_path: Path) -> None:
    """Nothing exceeds a threshold of 1, everything exceeds 0."""
    bundle = load(written(tmp_path))
    window = Window.ending(tape(AUDUSD), bundle.memory, len(tape(AUDUSD)))
    for threshold in (0.0, 1.0):
        decision = bundle.strategy(threshold=threshold).decide(window)
        assert decision.direction.value == "neutral"
    assert bundle.expert("long").models[MODELS[0]].threshold == 0.3


def test_a_portfolio_that_names_a_missing_model_is_told_which_there_are(tmp_path: Path) -> None:
    """Never a guess: the ticker does not start."""
    bundle = load(written(tmp_path))
    with pytest.raises(
        BadBundle, match=r"has no model XGBClassifier~PC\. Name some of LogisticRegression~PC"
    ):
        bundle.strategy(Coefficients({"XGBClassifier~PC": 1.0}, {}))
    with pytest.raises(BadBundle, match="has no model to serve"):
        bundle.strategy(Coefficients({}, {}))


@pytest.fixture(scope="module")
def heavy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle on the disk that only its pickle can serve."""
    return write(tmp_path_factory.mktemp("heavy"), heavy_draft(), CREATED)


def test_what_cannot_be_served_exactly_is_served_by_its_pipeline(heavy: Path) -> None:
    """The manifest says which and why, and the answers are the pipeline's."""
    bundle = load(heavy)
    model = bundle.manifest.models["long"]["KNeighborsClassifier~PC"]
    assert bundle.heavy
    assert not model.served
    assert model.reason
    judge = bundle.expert("long").models["KNeighborsClassifier~PC"]
    assert isinstance(judge.model, Heavy)
    rows = heavy_draft().sides["long"]
    given = [judge.model.probability(row) for row in rows.golden]
    assert given == rows.models["KNeighborsClassifier~PC"].probabilities.tolist()


def test_a_pickle_of_another_scikit_learn_says_which_to_install(
    heavy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The version is compared before the pickle is opened."""
    monkeypatch.setattr(reading_room, "libraries", lambda: {"scikit-learn": "1.5.0"})
    monkeypatch.setattr("joblib.load", lambda _: pytest.fail("the pickle was opened"))
    with pytest.raises(BadBundle, match=r"pip install scikit-learn==1\.4\.2"):
        load(heavy)


def test_a_pickle_is_opened_only_when_the_manifest_vouches_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A changed pickle is refused unopened."""
    folder = write(tmp_path, heavy_draft(), CREATED)
    path = folder / "short" / "KNeighborsClassifier~PC" / "pipeline.pkl"
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    monkeypatch.setattr("joblib.load", lambda _: pytest.fail("the pickle was opened"))
    with pytest.raises(BadBundle, match="its sha256 differs"):
        load(folder)


def test_a_pickle_of_what_is_not_installed_says_what_is_missing(tmp_path: Path) -> None:
    """A pipeline that cannot be opened is one sentence."""
    made = heavy_draft()
    absent = b"cnot_installed\nThing\n."
    sides = {
        side: replace(each, models={name: replace(m, pipeline=absent) for name, m in each.models.items()})
        for side, each in made.sides.items()
    }
    folder = write(tmp_path, replace(made, sides=sides), CREATED)
    with pytest.raises(BadBundle, match="cannot be opened: ModuleNotFoundError"):
        load(folder)


def test_a_pickle_that_cannot_be_opened_under_another_python_names_its_own(
    heavy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PyCaret cannot be installed under every Python."""
    here = {**reading_room.libraries(), "python": "3.12.1"}
    monkeypatch.setattr(reading_room, "libraries", lambda: here)
    monkeypatch.setattr("joblib.load", lambda _: (_ for _ in ()).throw(ModuleNotFoundError("pycaret")))
    with pytest.raises(BadBundle, match=r"Serve it under Python 3\.11, with: pip install"):
        load(heavy)


def test_a_pickle_of_a_served_model_is_never_opened(tmp_path: Path) -> None:
    """It is kept for people; a worker does not need it."""
    made = draft()
    sides = {
        side: replace(
            each, models={name: replace(m, pipeline=b"no pickle") for name, m in each.models.items()}
        )
        for side, each in made.sides.items()
    }
    assert isinstance(load(write(tmp_path, replace(made, sides=sides), CREATED)), Bundle)


def test_a_difference_on_another_machine_names_what_differs(tmp_path: Path) -> None:
    """When golden rows differ, the reason names processor and libraries that are not the writer's."""
    folder = written(tmp_path, libraries={"processor": "riscv128", "numpy": "0.1"})
    manifest = check(folder)
    content = (folder / "long" / "golden.json").read_bytes().replace(b"0.", b"0.0", 400)
    vouch(folder, "long/golden.json", content)
    assert manifest.libraries["processor"] == "riscv128"
    with pytest.raises(BadBundle, match=r"instead of riscv128, numpy .* instead of 0\.1"):
        load(folder)


def test_the_manifest_is_spelled_in_one_way(tmp_path: Path) -> None:
    """Decoding and encoding again gives the same bytes."""
    raw = (written(tmp_path) / NAME).read_bytes()
    assert encode(decode(raw)) == raw


def test_files_a_file_manager_leaves_behind_do_no_harm(tmp_path: Path) -> None:
    """Names that begin with a dot are not part of a bundle."""
    folder = written(tmp_path)
    (folder / ".DS_Store").write_bytes(b"x")
    assert load(folder).models == MODELS


def test_a_bundle_without_bars_is_loaded(tmp_path: Path) -> None:
    """What was imported has no bars to prove its indicators on."""
    assert load(write(tmp_path, draft(window=None), CREATED)).models == MODELS


@pytest.mark.parametrize(
    "text",
    [
        "",
        "..",
        "../x",
        "/x",
        "x/../y",
        "a\0b",
        "C:\\x",
        "ﬁle",
        "a/b/c/d/e",
        ".x",
        "a//b",
        "x/",
        "20261120T181500Z-0a1b2c3d\n",
    ],
)
def test_names_that_could_leave_a_folder_are_refused(text: str) -> None:
    """Dots, slashes, NUL, line ends, look-alikes: neither file, nor model, nor version."""
    for check_name in (checked_file, checked_model, checked_version):
        with pytest.raises(BadData):
            check_name(text)


@given(st.text())
def test_a_name_that_is_accepted_stays_inside(text: str) -> None:
    """Whatever passes as a file's name resolves to a path below its folder."""
    try:
        name = checked_file(text)
    except BadData:
        return
    assert Path("/shelf/bundle").joinpath(name).resolve().is_relative_to("/shelf/bundle")


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader_of_manifests(content: bytes) -> None:
    """Garbage is a BadBundle, never another error."""
    with pytest.raises(BadBundle):
        decode(content)


def test_a_proven_pipeline_is_served_as_data() -> None:
    """Trained.of proves the served form on the given rows and says on how many."""
    rows = golden(AUDUSD, "long")
    made = Trained.of(fitted(rows, 3, LogisticRegression(C=0.5)), ("a", "b", "c"), rows, threshold=0.4)
    assert not made.reason
    assert made.proof["rows"] >= len(rows)
    assert made.proof["flips"] == 0
    assert made.threshold == 0.4
