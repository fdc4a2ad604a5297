"""Sentences for people: one line per fact, as key=value after the sentence, in files that rotate."""

from __future__ import annotations

import logging
import logging.handlers
import sys
import time
from pathlib import Path

_BYTES, _KEPT = 5_000_000, 3
_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class _Line(logging.Formatter):
    """`2026-11-20T18:13:00Z WARNING worker: refused a bar cause="..."`."""

    def format(self, record: logging.LogRecord) -> str:
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created))
        facts = {key: value for key, value in vars(record).items() if key not in _USUAL}
        told = "".join(f" {key}={_quoted(str(value))}" for key, value in facts.items())
        room = record.name.rpartition(".")[2]
        line = f"{when} {record.levelname} {room}: {record.getMessage()}{told}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class _File(logging.handlers.RotatingFileHandler):
    """A log that rotates, and that says in one sentence, once, when it cannot be written."""

    _told = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        fault = sys.exc_info()[1]
        if not isinstance(fault, OSError):
            super().handleError(record)
        elif not self._told:
            self._told = True
            sys.stderr.write(f"{self.baseFilename} cannot be written: {fault.strerror}\n")


def log_to(path: Path | None, *, verbose: bool = False) -> None:
    """Send this process's log to a rotating file, or to standard error when there is none."""
    handler: logging.Handler
    if path is None:
        handler = logging.StreamHandler(sys.stderr)
    else:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handler = _File(path, maxBytes=_BYTES, backupCount=_KEPT, delay=True)
    handler.setFormatter(_Line())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.DEBUG if verbose else logging.INFO)


def _quoted(text: str) -> str:
    plain = text.replace("\n", " ")
    return plain if plain and " " not in plain and '"' not in plain else '"' + plain.replace('"', "'") + '"'
