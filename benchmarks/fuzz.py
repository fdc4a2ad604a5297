"""Lets a coverage-guided fuzzer at the parsers of what strangers send: both protocols, answers, settings.

    .venv/bin/python -m pip install atheris
    .venv/bin/python -m benchmarks.fuzz FOLDER [-max_total_time=600]

The fuzzer, atheris, is none of our dependencies, because its makers build it for few systems and the tests
need none of it: it is installed by hand, and `make check` then says that it is not ours and not looked at.

FOLDER keeps the corpus; it begins with the wire and settings cases of the tests. Any error but the house's
own ends the run and leaves the input in a file in the current folder, which then belongs into tests/cases. Of
what is parsed in C (JSON by msgspec, HTTP by httptools) it sees no branches; of TOML and our own it does.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

try:
    import atheris
except ModuleNotFoundError:
    sys.exit("this needs the fuzzer, which is no dependency of ours: python -m pip install atheris")

with atheris.instrument_imports(include=["live_trader", "tomllib"]):
    import tomllib

    from live_trader.core.bars import Ticker
    from live_trader.edge.client.reply import Reply
    from live_trader.edge.settings import load
    from live_trader.edge.wire import bot_id, classic, owner, v1
    from live_trader.errors import TraderError

_TICKER = Ticker.parse("AUDUSD M1")
_CASES = Path(__file__).resolve().parent.parent / "tests" / "cases"
_SCRATCH = Path(tempfile.mkdtemp())


def _text(read: Callable[[str], Any]) -> Callable[[bytes], Any]:
    return lambda body: read(body.decode("utf-8", "replace"))


def _settings(body: bytes) -> None:
    path = _SCRATCH / "fuzzed.toml"
    path.write_bytes(body)
    load(path, env={})


def _dotenv(body: bytes) -> None:
    path = _SCRATCH / ".env"
    path.write_bytes(body)
    load(None, env={}, dotenv=path)


def _reply(body: bytes) -> None:
    reply = Reply()
    half = len(body) // 2
    if reply.feed(body[:half]) is None:
        reply.feed(body[half:])


READERS: tuple[Callable[[bytes], Any], ...] = (
    lambda body: classic.pushed(body, _TICKER),
    classic.portfolio,
    classic.result,
    lambda body: classic.result(body, zero_is_short=True),
    v1.bars,
    v1.posted,
    v1.stored,
    v1.acknowledged,
    lambda body: v1.conflicting(body, 2),
    owner.portfolio,
    owner.wanted,
    owner.bots,
    owner.positions,
    owner.entries,
    owner.problem,
    _reply,
    _settings,
    _dotenv,
    _text(Ticker.parse),
    _text(bot_id),
)


def one(data: bytes) -> None:
    """One input: its first byte names the parser, the rest is what that parser gets."""
    if data:
        with contextlib.suppress(TraderError):
            READERS[data[0] % len(READERS)](data[1:])


def seed(folder: Path) -> None:
    """Begin the corpus with what the tests know of."""
    folder.mkdir(parents=True, exist_ok=True)
    bodies = [
        case["body"].encode()
        for name in ("classic.toml", "v1.toml")
        for case in tomllib.loads((_CASES / "wire" / name).read_text())["case"]
        if isinstance(case.get("body"), str)
    ]
    bodies += [
        case["toml"].encode()
        for case in tomllib.loads((_CASES / "settings" / "cases.toml").read_text())["case"]
        if isinstance(case.get("toml"), str)
    ]
    bodies.append(b'[farm]\nid = "trader"\ntickers = ["AUDUSD M1"]\n[server]\ntimeout_s = 1\n')
    bodies.append(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
    for index, body in enumerate(bodies):
        for reader in range(len(READERS)):
            (folder / f"seed-{reader:02}-{index:03}").write_bytes(bytes([reader]) + body)


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit("name a folder for the corpus: python -m benchmarks.fuzz FOLDER [-max_total_time=600]")
    seed(Path(sys.argv[1]))
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
