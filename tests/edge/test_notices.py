"""Notices arrive by the real apprise at real sockets, grouped, not too often, and not lost in between."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from live_trader.edge.clock import Clock
from live_trader.edge.notices import Notice, Notices, message, sender
from live_trader.edge.settings import Secret
from live_trader.errors import BadSettings

AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


class Inbox:
    """What a server that takes JSON was sent, and whether it says yes."""

    def __init__(self) -> None:
        self.port = 0
        self.got: list[tuple[str, dict[str, Any]]] = []
        self.refuses = 0

    @property
    def texts(self) -> list[str]:
        return [body.get("message") or body["text"] for _, body in self.got]


@contextmanager
def listening() -> Iterator[Inbox]:
    """A server of JSON on this machine; what it answers is what Telegram does."""
    inbox = Inbox()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            refused, inbox.refuses = inbox.refuses > 0, inbox.refuses - 1
            if not refused:
                inbox.got.append((self.path, body))
            answer = b'{"ok": true, "result": {"message_id": 1}}'
            self.send_response(500 if refused else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    inbox.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield inbox
    server.shutdown()
    server.server_close()


def until(reached: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait for something to hold."""
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def opened(inbox: Inbox, *wanted: str, every: float = 1.0) -> Notices:
    """Notices that go to this inbox."""
    send = sender(Secret(f"json://127.0.0.1:{inbox.port}/"))
    return Notices("trader on here", wanted or ("fatal", "farm"), every, send, Clock())


def test_what_happens_together_is_one_message_and_what_is_not_wanted_is_none() -> None:
    with listening() as inbox:
        notices = opened(inbox)
        for number in range(200):
            notices.tell("fatal", f"TICK{number:03} M1", "cannot run: no bundle is deployed")
        notices.tell("crash", "AUDUSD M1", "died")
        notices.tell("farm", "the farm", "has started")
        until(lambda: inbox.got)
        notices.close()
    assert len(inbox.got) == 1
    assert inbox.got[0][1]["title"] == "trader on here: fatal, farm (201)"
    first, second = inbox.texts[0].splitlines()
    assert "TICK000 M1, TICK001 M1" in first
    assert "and 192 more cannot run: no bundle is deployed" in first
    assert "the farm has started" in second


def test_messages_keep_their_distance_and_the_end_does_not_wait() -> None:
    """With one message a minute, what follows the first is told at the end."""
    with listening() as inbox:
        notices = opened(inbox, every=60.0)
        notices.tell("farm", "the farm", "has started")
        until(lambda: inbox.got)
        notices.tell("fatal", "AUDUSD M1", "cannot run")
        time.sleep(1.5)
        assert len(inbox.got) == 1
        begun = time.monotonic()
        notices.tell("farm", "the farm", "has stopped")
        notices.close()
        assert time.monotonic() - begun < 4
    assert "AUDUSD M1 cannot run" in inbox.texts[1]
    assert "has stopped" in inbox.texts[1]


def test_what_could_not_be_sent_is_sent_later_with_its_own_time() -> None:
    with listening() as inbox:
        inbox.refuses = 1
        notices = opened(inbox)
        notices.tell("fatal", "AUDUSD M1", "cannot run")
        until(lambda: inbox.got)
        notices.close()
    assert len(inbox.got) == 1
    assert "AUDUSD M1 cannot run" in inbox.texts[0]


def test_nobody_waits_for_a_server_that_hangs() -> None:
    """Telling costs microseconds whatever becomes of it, and closing ends in time."""
    hanging = threading.Event()

    def send(_title: str, _body: str) -> bool:
        return hanging.wait(20)

    notices = Notices("here", ("farm",), 1.0, send, Clock())
    notices.tell("farm", "the farm", "has started")
    time.sleep(1.3)
    begun = time.monotonic()
    for _ in range(3000):
        notices.tell("farm", "the farm", "goes on")
    assert time.monotonic() - begun < 1.0
    notices.close(0.2)
    assert time.monotonic() - begun < 2.0
    hanging.set()


def test_telegram_gets_what_telegram_wants(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real plugin speaks to a server on this machine that has Telegram's shape."""
    from apprise.plugins.telegram import NotifyTelegram

    with listening() as inbox:
        monkeypatch.setattr(NotifyTelegram, "notify_url", f"http://127.0.0.1:{inbox.port}/bot")
        send = sender(Secret("tgram://123456789:abcdefg_hijklmnop/12315544/"))
        assert send("trader on here: fatal", "AUDUSD M1 cannot run")
    path, body = inbox.got[-1]
    assert path == "/bot123456789:abcdefg_hijklmnop/sendMessage"
    assert str(body["chat_id"]) == "12315544"
    assert "AUDUSD M1 cannot run" in body["text"]


def test_an_address_that_apprise_does_not_know_is_refused_without_showing_it() -> None:
    with pytest.raises(BadSettings, match="number 2 of the 2") as caught:
        sender(Secret("json://127.0.0.1/ wolfram://hides/here"))
    assert "wolfram" not in str(caught.value)


def test_without_apprise_the_remedy_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(BadSettings, match="notices"):
        sender(Secret("json://127.0.0.1/"))


def test_a_message_is_short_whatever_happened() -> None:
    """Twenty lines at most; equal things of one ticker are counted."""
    batch = [Notice(AT, "crash", "AUDUSD M1", f"died {number}") for number in range(50)]
    title, text = message("here", batch)
    assert title == "here: crash (50)"
    assert len(text.splitlines()) == 21
    assert text.endswith("and 30 more: instant-trader status shows them")
    assert message("here", [Notice(AT, "crash", "A M1", "died")] * 3) == (
        "here: crash (3)",
        "2026-11-20 12:00:00 UTC A M1 died (3 times)",
    )
