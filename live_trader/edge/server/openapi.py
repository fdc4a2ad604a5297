"""The description of everything the server can be asked, made from the table that answers it."""

from __future__ import annotations

from collections.abc import Iterable
from inspect import getdoc
from typing import Any, Final

import msgspec

from live_trader.edge.server.calls import Operation, Reply
from live_trader.edge.server.problems import STATUS

_REF: Final = "#/components/schemas/{name}"
_PROBLEM: Final = "application/problem+json"
_ABOUT: Final = """
Bars in, signals out. Times are UTC, as RFC 3339. A bar is known by when it opened.

A signal's key is id, symbol, timeframe, bar_time and shadow. One signal exists per key, for ever: the
same again changes nothing (200), a different one is refused (409) and told in `stored` which one stands.
Whether it was `late` is no part of the comparison. A shadow signal, of a challenger that is only
watched, has a key of its own beside the champion's: it is listed only where `shadow=true` asks for it,
is a `shadow` event of the stream, and is never traded.

A list of signals is judged one by one: `results` tells what became of each, in order, and the status of
the whole is 409 when any is different, else 201 when any is new, else 200. When any is no signal at all,
nothing is stored (422).

Bars of a post that cannot be are refused, each with its reason, and the others stored; 422 when none
could be. A different bar for a stored time is put in force and the one it replaced is kept; `revision`
counts how often, and how often a bar came when a newer one of its ticker was there already: whoever looks
through a window of bars has then to fill it again.
"""


class ProblemBody(msgspec.Struct, frozen=True, kw_only=True):
    """Why a request was not done: a stable code, a sentence, and the id under which the log has it."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    request_id: str


def describe(operations: Iterable[Operation]) -> bytes:
    """The OpenAPI document of these operations."""
    known = list(operations)
    types: list[Any] = [ProblemBody]
    for operation in known:
        types += [kind for kind in (operation.query, operation.body) if kind is not None]
        types += [kind for reply in operation.replies.values() for kind in reply.bodies]
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    found = dict(zip(map(str, types), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for operation in known:
        described = _operation(operation, found, components)
        paths.setdefault(operation.path, {})[operation.method.lower()] = described
    queries = {operation.query.__name__ for operation in known if operation.query is not None}
    document = {
        "openapi": "3.0.3",
        "info": {"title": "Instant Trader", "version": "1", "description": _ABOUT.strip()},
        "paths": paths,
        "components": {
            "schemas": {name: schema for name, schema in components.items() if name not in queries},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }
    return msgspec.json.encode(_older(document))


def _operation(operation: Operation, found: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    about = (getdoc(operation.run) or "").rstrip(".")
    told: dict[str, Any] = {
        "operationId": operation.run.__module__.rpartition(".")[2] + "_" + operation.run.__name__,
        "tags": [operation.tag],
        "summary": about,
        "parameters": _parameters(operation, components),
        "responses": {
            str(status): _response(reply, found) for status, reply in sorted(_replies(operation).items())
        },
    }
    if operation.body is not None:
        body = {"schema": found[str(operation.body)]}
        told["requestBody"] = {"required": True, "content": {"application/json": body}}
    if operation.right is not None:
        told["security"] = [{}, {"token": []}] if operation.local else [{"token": []}]
        told["description"] = f"Needs the scope {operation.right.value}."
    return told


def _replies(operation: Operation) -> dict[int, Reply]:
    """What an operation answers, with the problems that any of its kind can meet."""
    codes = {"invalid"}
    if operation.right is not None:
        codes |= {"unauthorised", "forbidden", "too_many_failures"}
    if operation.tag == "classic":
        codes |= {"forbidden", "too_many_polls"}
    if operation.body is not None:
        codes |= {"too_large", "store_unavailable"}
    if operation.method != "GET" or operation.tag == "classic":
        codes |= {"store_unavailable"}
    problems = {STATUS[code]: code.replace("_", " ").capitalize() + "." for code in sorted(codes)}
    return {status: Reply(about) for status, about in problems.items()} | dict(operation.replies)


def _response(reply: Reply, found: dict[str, Any]) -> dict[str, Any]:
    schemas = [found[str(body)] for body in reply.bodies or (ProblemBody,)]
    schema = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    kind = reply.kind if reply.bodies else _PROBLEM
    request_id = {"description": "the id of this request in the log", "schema": {"type": "string"}}
    return {
        "description": reply.about,
        "headers": {"X-Request-ID": request_id},
        "content": {kind: {"schema": schema}},
    }


def _parameters(operation: Operation, components: dict[str, Any]) -> list[dict[str, Any]]:
    told = []
    if operation.query is not None:
        schema = components[operation.query.__name__]
        for name, field in schema.get("properties", {}).items():
            required = name in schema.get("required", ())
            told.append({"name": name, "in": "query", "required": required, "schema": field})
    for header in operation.headers:
        schema = {"type": "string"}
        told.append({"name": header.name, "in": "header", "description": header.about, "schema": schema})
    return told


def _older(schema: Any) -> Any:
    """The same in the dialect of OpenAPI 3.0, which the offline documentation page understands."""
    if isinstance(schema, list):
        return [_older(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    told = {key: _older(value) for key, value in schema.items() if not (key == "default" and value is None)}
    if {"type": "null"} in told.get("anyOf", ()):
        choices = [choice for choice in told.pop("anyOf") if choice != {"type": "null"}]
        told["nullable"] = True
        told |= choices[0] if len(choices) == 1 and "$ref" not in choices[0] else {"anyOf": choices}
    return told
