"""What is counted can be read by Prometheus, and moves with what happens."""

from __future__ import annotations

import re

from live_trader.edge.server.metrics import FAMILIES, Metrics
from tests.edge.server.house import House, signal

LINE = re.compile(r'[a-z_]+(\{[a-z_]+="[^"\n]*"(,[a-z_]+="[^"\n]*")*\})? (\d+(\.\d+)?(e[+-]\d+)?|\+Inf)')


def values(house: House) -> dict[str, float]:
    lines = house.ask("GET", "/metrics").body.decode().splitlines()
    told = [line for line in lines if not line.startswith("#")]
    assert all(LINE.fullmatch(line) for line in told), told
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in told}


def test_facts_and_refusals_are_counted(house: House) -> None:
    house.feed(0, 1)
    house.feed(1, close=1.75)
    for body in (signal(0), signal(0), signal(0, -1)):
        house.ask("POST", "/v1/signals", body, "bot-trader")
    house.ask("GET", "/v1/bots")
    found = values(house)
    assert found['trader_bars_total{result="stored"}'] == 2
    assert found['trader_bars_total{result="revised"}'] == 1
    assert [found[f'trader_signals_total{{result="{each}"}}'] for each in ("new", "known", "different")] == [
        1,
        1,
        1,
    ]
    assert found['trader_problems_total{code="conflict"}'] == 1
    assert found['trader_problems_total{code="unauthorised"}'] == 1
    assert found['trader_requests_total{route="/v1/signals",status="201"}'] == 1
    assert found["trader_commits_total"] <= found["trader_writes_total"]
    assert found["trader_seq"] >= 4


def test_every_family_says_what_it_is(house: House) -> None:
    text = house.ask("GET", "/metrics").body.decode()
    for name, (kind, meaning, _) in FAMILIES.items():
        assert f"# HELP {name} {meaning}\n# TYPE {name} {kind}\n" in text


def test_a_histogram_adds_up() -> None:
    metrics = Metrics()
    for seconds in (0.0001, 0.001, 0.3, 99.0):
        metrics.observe("trader_request_seconds", seconds, "/a")
    text = metrics.text()
    assert 'trader_request_seconds_bucket{route="/a",le="0.0005"} 1' in text
    assert 'trader_request_seconds_bucket{route="/a",le="0.001"} 2' in text
    assert 'trader_request_seconds_bucket{route="/a",le="10"} 3' in text
    assert 'trader_request_seconds_bucket{route="/a",le="+Inf"} 4' in text
    assert 'trader_request_seconds_count{route="/a"} 4' in text


def test_large_counts_keep_every_digit_and_labels_are_escaped() -> None:
    metrics = Metrics()
    metrics.count("trader_bars_total", 'a"b\\c\nd', by=123_456_789)
    assert r'trader_bars_total{result="a\"b\\c\nd"} 123456789' in metrics.text()


def test_waits_are_not_counted_as_work(house: House) -> None:
    house.ask("GET", "/v1/bars?symbol=A&timeframe=M1&wait=0.5", holder="read")
    assert values(house)['trader_request_seconds_sum{route="/v1/bars"}'] < 0.4
