"""Requests are told apart, and those for what does not exist leave nothing behind that grows."""

from __future__ import annotations

from live_trader.edge.server.requests import request_id
from tests.edge.server.house import House


def test_no_two_requests_have_one_id() -> None:
    """Sixteen hexadecimal digits each, as they were when each was drawn."""
    made = [request_id() for _ in range(1000)]
    assert len(set(made)) == 1000
    assert {len(each) for each in made} == {16}


def test_paths_that_do_not_exist_share_one_label_however_many_a_stranger_tries(house: House) -> None:
    """They are answered, counted and told like any other problem."""
    for path in (f"/nowhere-{number}" for number in range(20)):
        answer = house.ask("GET", path)
        assert (answer.status, answer.json["code"]) == (404, "not_found")
        assert answer.json["request_id"] == answer.headers["x-request-id"]
    metrics = house.server.parts.metrics
    assert metrics.counted("trader_requests_total", "elsewhere", "404") == 20
    assert metrics.counted("trader_problems_total", "not_found") == 20
    assert "nowhere-" not in house.ask("GET", "/metrics").body.decode()
