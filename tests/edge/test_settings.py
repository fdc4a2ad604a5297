"""Settings come from four places in one order; what cannot be is one sentence before anything starts."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tomllib
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from live_trader.edge.settings import LEAVES, Address, Loaded, Secret, load
from live_trader.errors import BadSettings

CASES = tomllib.loads((Path(__file__).parents[1] / "cases/settings/cases.toml").read_text())["case"]


def merged(folder: Path, case: dict) -> Loaded:
    """What `load` makes of a case, whose files lie in this folder, which is the current one."""
    for name, part in (("instant_trader.toml", "toml"), (".env", "dotenv")):
        if part in case:
            (folder / name).write_text(case[part])
    return load(env=case.get("env", {}), overrides=case.get("line", {}))


def value_of(loaded: Loaded, key: str) -> object:
    value: object = loaded.settings
    for name in key.split("."):
        value = getattr(value, name)
    return value


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["sentence"])
def test_case(case, tmp_path, monkeypatch):
    """Every case of the table ends as the table says."""
    monkeypatch.chdir(tmp_path)
    if "error" in case:
        with pytest.raises(BadSettings) as caught:
            merged(tmp_path, case)
        assert case["error"] in str(caught.value)
        assert "wolfram" not in str(caught.value)
        assert caught.value.exit_code == 4
    else:
        loaded = merged(tmp_path, case)
        assert {key: str(value_of(loaded, key)) for key in case["gives"]} == case["gives"]
        expected = case.get("from", {})
        assert {key: loaded.sources[key] for key in expected} == expected


def test_the_table_is_long_enough():
    """At least thirty cases."""
    assert len(CASES) >= 30


def test_a_named_file_must_exist(tmp_path):
    """Naming a file that is not there, or is a folder, is an error; having none is not."""
    for wrong in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(BadSettings, match="cannot be read"):
            load(wrong, env={})
        with pytest.raises(BadSettings, match="cannot be read"):
            load(env={}, dotenv=wrong)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"# \xe9"])
def test_a_file_must_be_text(tmp_path, content):
    """Bytes that are not UTF-8 are said to be so."""
    (tmp_path / "a.toml").write_bytes(content)
    with pytest.raises(BadSettings, match="not UTF-8"):
        load(tmp_path / "a.toml", env={})


def test_a_file_must_have_an_end(tmp_path):
    """A file of 2 MB is no settings file."""
    (tmp_path / "a.toml").write_bytes(b"#" * (2 << 20))
    with pytest.raises(BadSettings, match="cannot be a settings file"):
        load(tmp_path / "a.toml", env={})


def test_every_setting_can_be_set_everywhere(tmp_path, monkeypatch):
    """Each key is reached under its name in the environment, and says what it needs."""
    monkeypatch.chdir(tmp_path)
    for key, leaf in LEAVES.items():
        assert leaf.needs
        name = "TRADER__" + key.upper().replace(".", "__")
        with suppress(BadSettings):
            assert load(env={name: str(value_of(load(env={}), key))}).sources[key] == "environment"


def test_secrets_do_not_show():
    """A secret is compared, pickled and revealed, but neither printed nor formatted."""
    secret = Secret("wolfram")
    assert secret == pickle.loads(pickle.dumps(secret))
    assert secret.reveal() == "wolfram"
    assert "wolfram" not in f"{secret} {secret!r} {[secret]} {vars(type(secret))}"
    assert not Secret()


def test_settings_travel_to_other_processes():
    """Spawned workers receive the same settings."""
    settings = load(env={"TRADER__SERVER__TOKEN": "wolfram", "TRADER__FARM__TICKERS": "AUDUSD M1"}).settings
    assert pickle.loads(pickle.dumps(settings)) == settings
    assert "wolfram" not in repr(settings)


def test_reading_settings_imports_nothing_heavy():
    """A verb that only reads settings starts fast: no numpy, pandas, server or client comes along."""
    program = (
        "import sys; from live_trader.edge.settings import load; load(env={});"
        "heavy = {'numpy', 'pandas', 'starlette', 'uvicorn', 'httptools', 'ssl'} & sys.modules.keys();"
        "sys.exit(' '.join(heavy) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd="/"
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("text", "parts", "spelled"),
    [
        ("http://127.0.0.1:81/", (False, "127.0.0.1", 81, "/"), "http://127.0.0.1:81/"),
        ("http://host", (False, "host", 80, "/"), "http://host:80/"),
        (
            "https://Host-1.example.com/a/b",
            (True, "Host-1.example.com", 443, "/a/b/"),
            "https://Host-1.example.com:443/a/b/",
        ),
        ("http://[::1]:8080/", (False, "::1", 8080, "/"), "http://[::1]:8080/"),
    ],
)
def test_addresses(text, parts, spelled):
    """An address is taken apart, and its missing slash is added."""
    address = Address.parse(text)
    assert (address.tls, address.host, address.port, address.prefix) == parts
    assert str(address) == spelled


keys = st.sampled_from([*LEAVES, "farm", "server.adress", "x", "", "."])
values = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.lists(st.text(max_size=5), max_size=3)
)
lines = st.sampled_from(
    ["[farm]", "[server.embedded]", "[[farm]]", "id = ", "threshold = 0.5", "tickers = ['A M1']", "a.b.c = 1"]
)


@given(st.dictionaries(keys, values, max_size=4))
@hypothesis(deadline=None)
def test_no_override_raises_anything_but_bad_settings(given_overrides):
    """Whatever is given on the command line is taken or refused in a sentence."""
    with suppress(BadSettings):
        load(env={}, overrides=given_overrides)


@given(
    st.lists(lines | st.text(max_size=15), max_size=6),
    st.lists(st.text(max_size=20) | st.sampled_from(["my_id=1", "threshold='"]), max_size=5),
)
@hypothesis(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_file_raises_anything_but_bad_settings(tmp_path, toml, dotenv):
    """Whatever stands in the two files is taken or refused in a sentence."""
    (tmp_path / "a.toml").write_text("\n".join(toml), "utf-8", "replace")
    (tmp_path / "env").write_text("\n".join(dotenv), "utf-8", "replace")
    with suppress(BadSettings):
        load(tmp_path / "a.toml", {}, tmp_path / "env")


@given(
    st.dictionaries(
        st.sampled_from(["TRADER__" + key.upper().replace(".", "__") for key in LEAVES]),
        st.text(max_size=12),
        max_size=4,
    )
)
@hypothesis(deadline=None)
def test_no_environment_raises_anything_but_bad_settings(env):
    """Whatever stands in the environment is taken or refused in a sentence."""
    with suppress(BadSettings):
        load(env=env)


def test_the_environment_is_that_of_the_process(monkeypatch, tmp_path):
    """With nothing named, the files of the current folder and the real environment count."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(os.environ, "TRADER__FARM__ID", "from-outside")
    Path(".env").write_text("threshold=0.25")
    loaded = load()
    assert (loaded.settings.farm.id, loaded.settings.farm.threshold) == ("from-outside", 0.25)
    assert loaded.configured
    monkeypatch.delitem(os.environ, "TRADER__FARM__ID")
    Path(".env").unlink()
    assert not load(overrides={"farm.id": "x"}).configured
