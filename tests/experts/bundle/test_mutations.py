"""Whatever is changed in a bundle, it is refused, and the reason says what was changed."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from live_trader.errors import BadBundle
from live_trader.experts.bundle import load
from live_trader.experts.bundle.manifest import NAME, Manifest, encode, sealed
from tests.experts.drafts import vouch, written

CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "cases" / "bundles.json").read_text(encoding="utf-8")
)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle nobody touched."""
    return written(tmp_path_factory.mktemp("sound"))


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    """A copy of it to spoil."""
    return Path(shutil.copytree(sound, tmp_path / sound.name))


def test_a_bundle_nobody_touched_is_loaded(folder: Path) -> None:
    """The cases below fail for their own reason, not for another."""
    assert load(folder).models == ("LogisticRegression~PC", "DecisionTreeClassifier~PC")


@pytest.mark.parametrize("case", CASES, ids=[each["case"] for each in CASES])
def test_a_changed_bundle_is_refused_with_its_own_reason(case: dict[str, Any], folder: Path) -> None:
    """Every case of the table: one change, one sentence, exit code 4."""
    spoil(folder, case)
    with pytest.raises(BadBundle) as refusal:
        load(folder)
    assert case["reason"] in str(refusal.value)
    assert refusal.value.remedy
    assert refusal.value.exit_code == 4


def test_the_table_has_a_reason_for_each_kind_of_change() -> None:
    """No reason stands for more than a few changes of the same kind."""
    assert len(CASES) >= 20
    assert len({each["reason"] for each in CASES}) >= 40


@given(where=st.data())
def test_no_byte_of_a_bundle_can_be_changed_unseen(sound: Path, where: st.DataObject) -> None:
    """One byte anywhere, made anything else: refused."""
    path = where.draw(st.sampled_from(sorted(each for each in sound.rglob("*") if each.is_file())))
    before = path.read_bytes()
    at = where.draw(st.integers(0, len(before) - 1))
    other = where.draw(st.integers(0, 255).filter(lambda value: value != before[at]))
    path.write_bytes(before[:at] + bytes([other]) + before[at + 1 :])
    try:
        with pytest.raises(BadBundle):
            load(sound)
    finally:
        path.write_bytes(before)


def spoil(folder: Path, case: dict[str, Any]) -> None:
    """Do to this bundle what the case says."""
    deed = next(name for name in DEEDS if name in case)
    DEEDS[deed](folder, case)


def _text(folder: Path, case: dict[str, Any]) -> None:
    (folder / case["in"]).write_text(case["text"], encoding="utf-8")


def _remove(folder: Path, case: dict[str, Any]) -> None:
    path = folder / case["remove"]
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def _folder(folder: Path, case: dict[str, Any]) -> None:
    (folder / case["folder"]).unlink()
    (folder / case["folder"]).mkdir()


def _cut(folder: Path, case: dict[str, Any]) -> None:
    path = folder / case["cut"]
    os.truncate(path, path.stat().st_size // 2)


def _grow(folder: Path, case: dict[str, Any]) -> None:
    path = folder / case["grow"]
    os.truncate(path, path.stat().st_size + case["by"])


def _flip(folder: Path, case: dict[str, Any]) -> None:
    path = folder / case["flip"]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _link(folder: Path, case: dict[str, Any]) -> None:
    path = folder / case["link"]
    away = Path(shutil.move(path, folder.parent / f"{folder.name}.away"))
    path.symlink_to(away)


def _set(folder: Path, case: dict[str, Any]) -> None:
    plain = json.loads((folder / NAME).read_bytes())
    *above, last = [each.replace("~1", "/") for each in (case.get("set") or case["unset"]).split("/")]
    inner: Any = plain
    for name in above:
        inner = inner[int(name) if isinstance(inner, list) else name]
    if "unset" in case:
        del inner[last]
    else:
        inner[int(last) if isinstance(inner, list) else last] = case["to"]
    _put(folder, plain, reseal=case.get("reseal", False))


def _reverse(folder: Path, case: dict[str, Any]) -> None:
    plain = json.loads((folder / NAME).read_bytes())
    plain["models"]["long"] = dict(reversed(plain["models"]["long"].items()))
    _put(folder, plain, reseal=False)


def _rename(folder: Path, case: dict[str, Any]) -> None:
    plain = json.loads((folder / NAME).read_bytes())
    for models in plain["models"].values():
        models[case["to"]] = models.pop(case["rename"])
    _put(folder, plain, reseal=True)


def _respell(folder: Path, case: dict[str, Any]) -> None:
    path = folder / NAME
    path.write_bytes(path.read_bytes() + b"\n")


def _golden(folder: Path, case: dict[str, Any]) -> None:
    def change(golden: Any) -> Any:
        kind, first = case["golden"], "LogisticRegression~PC"
        if kind == "served":
            golden["served"][first][3] += 1e-11
        elif kind == "pipeline":
            golden["pipeline"][first][3] += 2e-9
        elif kind == "few":
            golden["served"][first].pop()
        elif kind == "narrow":
            golden["rows"][3].pop()
        elif kind == "infinite":
            golden["rows"][3][0] = 1e300
        return {"rows": "none"} if kind == "nothing" else golden

    _rewrite(folder, "long/golden.json", lambda content: json.dumps(change(json.loads(content))).encode())


def _bars(folder: Path, case: dict[str, Any]) -> None:
    def change(kept: Any) -> Any:
        if case["bars"] == "off":
            kept["rows"]["long"][0] += 1e-6
        elif case["bars"] == "few":
            kept["columns"].pop()
        elif case["bars"] == "one side":
            del kept["rows"]["short"]
        return kept if case["bars"] != "nothing" else []

    _rewrite(folder, "bars.json", lambda content: json.dumps(change(json.loads(content))).encode())


def _broken(folder: Path, case: dict[str, Any]) -> None:
    _rewrite(folder, case["broken"], lambda content: content[:-1] + b"x")


def _rewrite(folder: Path, name: str, change: Callable[[bytes], bytes]) -> None:
    """Change a file, and have the manifest vouch for what it now is."""
    vouch(folder, name, change((folder / name).read_bytes()))


def _put(folder: Path, plain: Any, reseal: bool) -> None:
    """Write the manifest as this program spells it, its digests worked out again or left as they were."""
    if reseal:
        (folder / NAME).write_bytes(encode(sealed(msgspec.convert(plain, Manifest))))
    else:
        (folder / NAME).write_text(json.dumps(plain, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


DEEDS: dict[str, Callable[[Path, dict[str, Any]], None]] = {
    "text": _text,
    "remove": _remove,
    "folder": _folder,
    "cut": _cut,
    "grow": _grow,
    "flip": _flip,
    "link": _link,
    "set": _set,
    "unset": _set,
    "reverse": _reverse,
    "rename": _rename,
    "respell": _respell,
    "golden": _golden,
    "bars": _bars,
    "broken": _broken,
}
