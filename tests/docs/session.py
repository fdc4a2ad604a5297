"""Runs the commands and code of a page, one after the other, in a folder of their own.

A fence is run by its language: `console` lines that begin with `$`, `python`, `toml` as settings, `json`.
The line before it may say more:

    <!-- test: shown, REASON -->    nothing is run
    <!-- test: file NAME -->        the block is kept as this file for what comes after
    <!-- test: exit CODE -->        it ends with this code
    <!-- test: lives -->            it goes on until the page ends

and a page may begin with what it needs, as in `<!-- page: csv AUDUSD H1; classic AUDUSD S1 -->`.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.estate import experts, plant
from benchmarks.farmstead import free_port
from live_trader.core.bars import Tape, Ticker
from live_trader.edge.feeds.simulated import Market
from live_trader.edge.settings import load
from live_trader.edge.tapes import write

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(
    r"(?:^<!-- test: (?P<marker>[^\n]*?) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
_PAGE = re.compile(r"\A<!-- page: (.*?) -->")
_LIVES = re.compile(r"instant-trader (run(?!.*--once)|serve|feed|worker|desk)\b|.* (--watch|-f)$")
_UNTIL = 60.0


@dataclass(frozen=True, slots=True)
class Block:
    """A fence of a page, with what the line before it says."""

    language: str
    text: str
    marker: str

    @property
    def commands(self) -> list[str]:
        """The lines a person types, continued ones in one piece."""
        lines = self.text.replace("\\\n", " ").splitlines()
        return [line[2:].partition("   #")[0].strip() for line in lines if line.startswith("$ ")]


def blocks(page: Path) -> list[Block]:
    """Every fence of a page."""
    found = _FENCE.finditer(page.read_text())
    return [Block(each["language"], each["text"], each["marker"] or "") for each in found]


def needs(page: Path) -> list[str]:
    """What a page says that it needs."""
    found = _PAGE.match(page.read_text())
    return [each.strip() for each in found[1].split(";")] if found else []


@dataclass
class Session:
    """A folder with what a page needs, in which its commands are run."""

    folder: Path
    lives: list[subprocess.Popen[bytes]] = field(default_factory=list)
    replaced: dict[str, str] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)

    def prepare(self, wanted: list[str]) -> None:
        """Make commands, ports, files, bundles and servers that the page takes for granted."""
        port = free_port()
        self.replaced["127.0.0.1:8181"] = f"127.0.0.1:{port}"
        bin_path = self.folder / ".bin"
        bin_path.mkdir()
        for name, words in {"instant-trader": [str(ROOT / "instant_trader.py")], "python": []}.items():
            script = bin_path / name
            script.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, *words])} "$@"\n')
            script.chmod(0o755)
        for door in ("instant_trader.py", "resetter.py", "pycaret_pipeline.py"):
            (self.folder / door).symlink_to(ROOT / door)
        self.env = {
            **os.environ,
            "PATH": f"{bin_path}:{os.environ['PATH']}",
            "TRADER__SERVER__EMBEDDED__PORT": str(port),
        }
        for word, _, name in (each.partition(" ") for each in wanted):
            if word in ("csv", "deployed", "classic"):
                getattr(self, f"_{word}")(Ticker.parse(name))

    def run(self, block: Block) -> None:
        """Do what a block says, and hold it to the exit code that its marker names."""
        word, _, rest = block.marker.partition(" ")
        text = self._here(block.text)
        if word == "file":
            path = self.folder / rest
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        elif word.startswith("shown"):
            return
        elif block.language == "console":
            for command in block.commands:
                self._command(self._here(command), word, rest)
        elif block.language == "python":
            code = f"python -c {shlex.quote(text)}"
            self._begin(code) if word == "lives" else self._command(code, word, rest)
        if block.language == "toml":
            path = self.folder / ".checked.toml"
            path.write_text(text)
            load(path, env={}, dotenv=Path(os.devnull))
        elif block.language == "json":
            json.loads(text)

    def end(self) -> None:
        """Stop whatever still runs."""
        for process in reversed(self.lives):
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _command(self, command: str, word: str, rest: str) -> None:
        if command.startswith("make "):
            assert re.search(rf"^{command[5:]}:", (ROOT / "Makefile").read_text(), re.MULTILINE), command
        elif word == "lives" or _LIVES.match(command):
            self._begin(command)
        else:
            done = subprocess.run(
                ["bash", "-ec", command], cwd=self.folder, env=self.env, capture_output=True, text=True,
                timeout=300, check=False, stdin=subprocess.DEVNULL,
            )  # fmt: skip
            expected = int(rest) if word == "exit" else 0
            assert done.returncode == expected, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"

    def _begin(self, command: str) -> None:
        """Start what goes on; a farm is waited for until its workers serve or wait for bars."""
        process = subprocess.Popen(
            ["bash", "-ec", f"exec {command}"], cwd=self.folder, env=self.env,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        self.lives.append(process)
        if not command.startswith("instant-trader run"):
            time.sleep(3.0)
        elif not any(_settled(each) for each in self._statuses()):
            raise AssertionError(f"{command}: its workers do not come to rest")
        assert process.poll() is None, command

    def _statuses(self) -> Iterator[list[dict[str, str]]]:
        deadline = time.monotonic() + _UNTIL
        while time.monotonic() < deadline:
            asked = subprocess.run(
                ["instant-trader", "status", "--json"], cwd=self.folder, env=self.env, capture_output=True,
                check=False,
            )  # fmt: skip
            if asked.returncode == 0:
                yield json.loads(asked.stdout)["children"]
            time.sleep(0.5)

    def _here(self, text: str) -> str:
        for written, meant in self.replaced.items():
            text = text.replace(written, meant)
        return text

    def _csv(self, ticker: Ticker) -> None:
        """A file as somebody would export it: the last three thousand closed bars of a simulated market."""
        tape = Tape.of(ticker, list(Market(ticker, 1).history(int(time.time()), 3000)))
        write(self.folder / f"{ticker.symbol}_{ticker.timeframe.name}.csv", tape)

    def _deployed(self, ticker: Ticker) -> None:
        """Two bundles on the shelf, the newer of them deployed after the older."""
        for seed in (1, 2):
            made = experts(seed=seed, trees=5)
            plant(self.folder / "work_dir", self.folder / "models", [ticker], made, seed)

    def _classic(self, ticker: Ticker) -> None:
        server = str(ROOT / "tests/edge/classic_server.py")
        words = [sys.executable, server, "--ticker", str(ticker), "--history", "700"]
        market = subprocess.Popen(words, stdout=subprocess.PIPE)
        self.lives.append(market)
        assert market.stdout
        self.replaced["http://127.0.0.1:81/"] = market.stdout.readline().decode().strip()


def _settled(children: list[dict[str, str]]) -> bool:
    return bool(children) and all(
        each["state"] in ("RUNNING", "FATAL") and (each["phase"] == "serving" or each["reason"])
        for each in children
    )
