"""The dashboard: pages for people at `/`, from this folder alone, for whoever came by a one-time link."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http.cookies import CookieError, SimpleCookie
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct
from starlette.types import ASGIApp, Receive, Scope, Send

from live_trader.core.bars import Ticker, Timeframe
from live_trader.edge.server import stream
from live_trader.edge.server.calls import Answer, Call, Gone
from live_trader.edge.server.dashboard import account, views
from live_trader.edge.server.dashboard.sessions import SESSION_LASTS, Pass, Sessions, answer_to_forgery
from live_trader.edge.server.dashboard.views import House, Visit
from live_trader.edge.server.gate import send_answer
from live_trader.edge.server.parts import Parts
from live_trader.edge.server.problems import Problem
from live_trader.edge.server.refusals import Failures, Refusals
from live_trader.edge.server.requests import request_id
from live_trader.edge.wire import encode
from live_trader.errors import BadData, TraderError

if TYPE_CHECKING:
    from live_trader.core.drift import Tolerance
    from live_trader.edge.shelf import Shelf

_COOKIE: Final = "trader_session"
_BASE: Final = "/dashboard/"
_ASSETS: Final = {
    ".html": b"text/html",
    ".css": b"text/css",
    ".js": b"text/javascript",
    ".svg": b"image/svg+xml",
}
_POLICY: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_REPORT_POLICY: Final = (
    b"default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
    b"sandbox allow-scripts"
)
_VIEWS: Final[dict[tuple[str, str], Callable[[House, Visit], Awaitable[Answer]]]] = {
    ("GET", "overview"): views.overview,
    ("GET", "chart"): views.chart,
    ("GET", "why"): views.why,
    ("GET", "bundles"): views.bundles,
    ("GET", "bundle"): views.bundle,
    ("GET", "trades"): account.trades,
    ("GET", "parity"): account.parity,
    ("GET", "events"): views.events,
    ("POST", "state"): views.put_state,
}


class _Key(Struct, frozen=True, forbid_unknown_fields=True):
    key: str


class _OfReport(views.OfTicker, frozen=True, kw_only=True, forbid_unknown_fields=True):
    version: str


class Dashboard:
    """Answers what begins with /dashboard, and `/` itself; everything else is given on."""

    def __init__(
        self, parts: Parts, folder: Path, shelf: Shelf | None, tolerance: Tolerance | None, beyond: ASGIApp
    ) -> None:
        self._house = House(parts, folder, shelf, tolerance)
        self._sessions = Sessions(folder, parts.clock)
        self._beyond = beyond
        self._refusals = Refusals(parts)
        self._failures = Failures(parts.settings.limits.failures_per_minute)
        self._assets = _assets()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = str(scope["path"])
        if scope["type"] != "http" or not (path == "/" or path.startswith(_BASE)):
            await self._beyond(scope, receive, send)
            return
        call = Call(scope, receive, request_id(), self._house.parts.settings.limits.body_bytes)
        try:
            name = "index.html" if path == "/" else path.removeprefix(_BASE)
            answer = await self._refusals.answered(call, self._answer(call, name))
            await send_answer(send, call, answer)
        except Gone:
            return
        finally:
            call.close()

    async def _answer(self, call: Call, name: str) -> Answer:
        try:
            method = str(call.scope["method"])
            if name in self._assets and method in ("GET", "HEAD"):
                return self._assets[name]
            if (method, name) == ("POST", "login"):
                return await self._login(call)
            return await self._known(call, method, name)
        except (Problem, BadData):
            raise
        except TraderError as fault:
            raise Problem("invalid", str(fault)) from None

    async def _known(self, call: Call, method: str, name: str) -> Answer:
        """What only somebody who is logged in gets."""
        token = _token(call)
        holder = self._sessions.holder(token) if token else None
        if holder is None:
            raise Problem("unauthorised", "this needs a login: instant-trader dashboard prints a link")
        if method != "GET" and call.header(b"x-not-forged") != answer_to_forgery(token):
            raise Problem("cross_site", "this did not come from the dashboard")
        if (method, name) == ("GET", "me"):
            return self._me(token, holder)
        if (method, name) == ("GET", "stream"):
            return await stream.get_stream(self._house.parts, call)
        if (method, name) == ("GET", "report"):
            return await self._report(call)
        if (method, name) == ("POST", "logout"):
            self._sessions.leave(token)
            return Answer(b"{}", headers=[self._cookie("", 0)])
        view = _VIEWS.get((method, name))
        if view is None:
            raise Problem("not_found", "there is nothing here")
        return await view(self._house, Visit(call, holder))

    async def _login(self, call: Call) -> Answer:
        if not call.header(b"content-type").startswith("application/json"):
            raise Problem("cross_site", "this did not come from the dashboard")
        try:
            key = msgspec.json.decode(await call.body(), type=_Key).key
        except msgspec.MsgspecError:
            raise Problem("invalid", "that is no key") from None
        entered = self._sessions.enter(key)
        if entered is None:
            if self._failures.add(call.address, self._house.parts.clock.monotonic()):
                raise Problem("too_many_failures", "too many wrong links: wait a minute")
            raise Problem("unauthorised", "this link was used already, has expired, or never was one")
        token, holder = entered
        answer = self._me(token, holder)
        answer.headers.append(self._cookie(token, int(SESSION_LASTS.total_seconds())))
        return answer

    def _me(self, token: str, holder: Pass) -> Answer:
        parts = self._house.parts
        facts = {
            "admin": holder.admin,
            "until": holder.until,
            "not_forged": answer_to_forgery(token),
            "now": parts.clock.now(),
            "seq": parts.store.seq,
            "bundles": self._house.shelf is not None,
        }
        return Answer(encode(facts))

    async def _report(self, call: Call) -> Answer:
        import asyncio

        from live_trader.edge.server.dashboard import shelved

        query, shelf = call.query(_OfReport), self._house.shelf
        if shelf is None:
            raise Problem("not_found", "this server was not told where bundles are")
        ticker = Ticker(query.symbol, Timeframe.parse(query.timeframe))
        body = await asyncio.to_thread(shelved.report, shelf, ticker, query.version)
        headers = [(b"content-security-policy", _REPORT_POLICY)]
        return Answer(body, kind=b"text/html; charset=utf-8", headers=headers)

    def _cookie(self, token: str, seconds: int) -> tuple[bytes, bytes]:
        secure = "; Secure" if self._house.parts.settings.tls_cert else ""
        text = f"{_COOKIE}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"
        return b"set-cookie", text.encode()


def _token(call: Call) -> str:
    try:
        found = SimpleCookie(call.header(b"cookie")).get(_COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


def _assets() -> dict[str, Answer]:
    """Every file of the pages, read once; they hold no secret, so anybody may have them."""
    headers = [(b"content-security-policy", _POLICY), (b"cache-control", b"no-cache")]
    found = {}
    for file in files(__package__).joinpath("assets").iterdir():
        kind = _ASSETS.get(Path(file.name).suffix)
        if kind is not None:
            found[file.name] = Answer(file.read_bytes(), kind=kind + b"; charset=utf-8", headers=headers)
    return found
