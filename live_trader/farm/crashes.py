"""The last words of a process that died of something nobody expected."""

from __future__ import annotations

import platform
import sys
import traceback
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from live_trader.core.bars import Window

_LIBRARIES = ("numpy", "TA-Lib", "msgspec", "httptools", "starlette", "uvicorn")
_KEPT = 50


def report(logs: Path, name: str, crash: BaseException) -> str:
    """Write a crash report beside the logs and give its path; values of variables stay out of it."""
    now = datetime.now(UTC)
    path = logs / "crashes" / f"{now:%Y%m%dT%H%M%S.%f}_{name}.txt"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    trace = "".join(traceback.format_exception(crash))
    path.write_text(f"{name} crashed at {now:%Y-%m-%d %H:%M:%S} UTC\n\n{trace}\n{_versions()}\n")
    path.chmod(0o600)
    for old in sorted(path.parent.glob("*.txt"))[:-_KEPT]:
        old.unlink(missing_ok=True)
    return str(path)


def last_bars(window: Window, count: int = 5) -> str:
    """The last bars of a window as lines of a report."""
    tape = window.tape
    bars = tape.cut(max(0, len(tape) - count), len(tape)).bars()
    return "\n".join(
        f"{bar.opened:%Y-%m-%d %H:%M:%S} {bar.open:g} {bar.high:g} {bar.low:g} {bar.close:g} {bar.volume:g}"
        for bar in bars
    )


def _versions() -> str:
    lines = [f"Python {sys.version.split()[0]} on {platform.platform()}"]
    for library in _LIBRARIES:
        try:
            lines.append(f"{library} {version(library)}")
        except PackageNotFoundError:
            lines.append(f"{library} is not installed")
    return "\n".join(lines)
