"""The description tells the truth: whatever is sent, no 5xx and no answer that is not described."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.specs.openapi.checks import ignored_auth, negative_data_rejection, unsupported_method

from live_trader.edge.server.openapi import describe
from live_trader.edge.server.operations import operations
from live_trader.edge.server.options import Limits
from tests.edge.server.house import House, signal, started

CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance,
    response_schema_conformance, ignored_auth, negative_data_rejection, unsupported_method,
]  # fmt: skip
ENDLESS = "/v1/stream"


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A server with something of everything in it, that lets one fail as often as a fuzzer does."""
    house = started(tmp_path_factory.mktemp("server"), limits=Limits(failures_per_minute=10**6))
    house.feed(0, 1)
    house.ask("POST", "/v1/signals", signal(0), "bot-trader")
    yield house
    house.stop()


DESCRIBED = json.loads(describe(operations(with_classic=True)))
schema = schemathesis.openapi.from_dict(DESCRIBED)


@schema.exclude(path=ENDLESS).parametrize()
@settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
def test_every_operation_answers_as_described(case: Any, lived_in: House) -> None:
    if isinstance(case.query, dict):
        case.query.pop("wait", None)
    headers = {"Authorization": f"Bearer {lived_in.tokens['admin']}"}
    case.call_and_validate(
        base_url=f"http://127.0.0.1:{lived_in.port}", headers=headers, checks=CHECKS, timeout=10
    )


def test_every_operation_is_described_once() -> None:
    told = {(method.upper(), path) for path, methods in DESCRIBED["paths"].items() for method in methods}
    assert told == {(each.method, each.path) for each in operations(with_classic=True)}
    names = [each["operationId"] for methods in DESCRIBED["paths"].values() for each in methods.values()]
    assert len(set(names)) == len(names)


def test_what_is_limited_is_described() -> None:
    limit = next(
        each for each in DESCRIBED["paths"]["/v1/bars"]["get"]["parameters"] if each["name"] == "limit"
    )
    assert limit["schema"] == {
        "type": "integer", "minimum": 1, "maximum": 10000, "default": 500, "description": "at most so many"
    }  # fmt: skip


def test_without_the_classic_routes_they_are_not_described() -> None:
    assert "/getbars" not in json.loads(describe(operations(with_classic=False)))["paths"]


def test_the_pages_load_nothing_from_elsewhere(lived_in: House) -> None:
    page = lived_in.ask("GET", "/docs")
    assert page.status == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    links = re.findall(r'(?:src|href)="([^"]+)"', page.body.decode())
    assert len(links) == 4
    for link in (*links, "openapi.json", "docs/assets/swagger-ui.css"):
        assert "//" not in link
        assert lived_in.ask("GET", f"/{link}").status == 200


@pytest.mark.parametrize(
    "target", ["/docs/assets/../../options.py", "/docs/assets/%2e%2e/__init__.py", "/docs/x"]
)
def test_the_pages_give_out_no_other_file(lived_in: House, target: str) -> None:
    assert lived_in.ask("GET", target).status == 404
