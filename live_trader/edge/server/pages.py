"""Pages for people: the interactive documentation, served from an installed package."""

from __future__ import annotations

from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from swagger_ui_bundle import swagger_ui_path

from live_trader.edge.server.problems import Problem
from live_trader.edge.server.requests import request_id

_PAGE: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Instant Trader: interactive documentation</title>
<link rel="stylesheet" href="docs/assets/swagger-ui.css">
<link rel="icon" type="image/png" href="docs/assets/favicon-32x32.png">
</head>
<body>
<div id="page"></div>
<script src="docs/assets/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
_START: Final = """
SwaggerUIBundle({url: "openapi.json", dom_id: "#page", deepLinking: true, validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis]});
"""
_POLICY: Final = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}


def pages(description: bytes) -> Starlette:
    """The pages of a server that is described so."""

    async def openapi(_: Request) -> Response:
        return Response(description, media_type="application/json")

    async def docs(_: Request) -> Response:
        return HTMLResponse(_PAGE, headers=_POLICY)

    async def start(_: Request) -> Response:
        return Response(_START, media_type="text/javascript")

    return Starlette(
        routes=[
            Route("/openapi.json", openapi),
            Route("/docs", docs),
            Route("/docs/start.js", start),
            Mount("/docs/assets", StaticFiles(directory=str(swagger_ui_path))),
        ],
        exception_handlers={HTTPException: _problem},
    )


async def _problem(_: Request, fault: Exception) -> Response:
    assert isinstance(fault, HTTPException)
    code = "wrong_method" if fault.status_code == 405 else "not_found"
    told = request_id()
    headers = {**(fault.headers or {}), "x-request-id": told}
    problem = Problem(
        code, "there is nothing here" if code == "not_found" else "this path knows other methods"
    )
    body = problem.body(told)
    return Response(body, problem.status, headers, media_type="application/problem+json")
