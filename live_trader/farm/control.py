"""How one process asks a running farm for something: a line of JSON each way over a loopback socket."""

from __future__ import annotations

import contextlib
import hmac
import json
import logging
import os
import secrets
import socket
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import msgspec

from live_trader.errors import BadSettings, NotRunning, TimedOut, TraderError

_log = logging.getLogger(__name__)
_LINE = 65_536
_FILE = "farm.json"

Verb = Callable[[Mapping[str, Any]], Mapping[str, Any]]


class Door:
    """Listens for requests that carry this farm's secret, and answers them one at a time."""

    def __init__(self, run_path: Path, verbs: Mapping[str, Verb]) -> None:
        self._path = run_path / _FILE
        self._verbs = verbs
        self._secret = secrets.token_urlsafe(32)
        self._socket = socket.create_server(("127.0.0.1", 0))

    def open(self, facts: Mapping[str, Any]) -> None:
        """Say where the door is, in a file only this user can read, and answer from a thread."""
        port = self._socket.getsockname()[1]
        _write(self._path, {"pid": os.getpid(), "port": port, "secret": self._secret, **facts})
        threading.Thread(target=self._listen, name="control", daemon=True).start()

    def close(self) -> None:
        """Take the file away and stop listening."""
        self._path.unlink(missing_ok=True)
        self._socket.close()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                connection.settimeout(5.0)
                connection.sendall(json.dumps(self._reply(connection)).encode() + b"\n")

    def _reply(self, connection: socket.socket) -> Mapping[str, Any]:
        try:
            request = msgspec.json.decode(_line(connection), type=dict[str, Any])
            if not hmac.compare_digest(str(request.pop("secret", "")).encode(), self._secret.encode()):
                return {"error": "the secret is not this farm's", "code": 4}
            verb = self._verbs[request.pop("verb")]
        except (msgspec.MsgspecError, KeyError, OSError):
            return {"error": "that is not a request this farm understands", "code": 2}
        try:
            return verb(request)
        except TraderError as fault:
            return {"error": str(fault), "code": fault.exit_code}


def ask(run_path: Path, verb: str, timeout: float = 15.0, **request: Any) -> dict[str, Any]:
    """The running farm's answer, or an error that says why there is none."""
    facts = where(run_path)
    line = json.dumps({"secret": facts["secret"], "verb": verb, **request}).encode() + b"\n"
    try:
        with socket.create_connection(("127.0.0.1", facts["port"]), timeout=timeout) as connection:
            connection.sendall(line)
            answer: dict[str, Any] = json.loads(_line(connection))
    except TimeoutError:
        raise TimedOut(
            f"the farm did not answer within {timeout:g} s", "Look at its log, or try again"
        ) from None
    except (OSError, ValueError):
        raise _absent(run_path) from None
    if "error" in answer:
        fault = TraderError(str(answer["error"]))
        fault.exit_code = int(answer.get("code", 1))
        raise fault
    return answer


def where(run_path: Path) -> dict[str, Any]:
    """What the running farm wrote about itself."""
    try:
        facts: dict[str, Any] = json.loads((run_path / _FILE).read_text())
    except (OSError, ValueError):
        raise _absent(run_path) from None
    return facts


class Hold:
    """The lock that keeps a second farm out of a work path; it dies with its process."""

    def __init__(self, run_path: Path) -> None:
        try:
            run_path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._descriptor = os.open(run_path / "farm.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as fault:
            raise BadSettings(
                f"the farm cannot write to {run_path}: {fault.strerror}",
                "Give it to this user, or name another --work-path",
            ) from None
        try:
            import fcntl

            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._descriptor)
            raise BadSettings(
                f"a farm already runs for the work path {run_path.parent}",
                "instant-trader status shows it, instant-trader stop ends it; or name another --work-path",
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)


def _line(connection: socket.socket) -> bytes:
    received = b""
    while not received.endswith(b"\n") and len(received) < 64 * _LINE:
        piece = connection.recv(_LINE)
        if not piece:
            break
        received += piece
    return received


def _absent(run_path: Path) -> NotRunning:
    return NotRunning(f"no farm runs for the work path {run_path.parent}", "Start one: instant-trader run")


def _write(path: Path, facts: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(facts, file)
    draft.replace(path)
