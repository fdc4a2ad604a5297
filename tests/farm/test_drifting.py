"""The farm measures the drift of its bundles once a period, and tells when one crosses the limit."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from msgspec.json import decode

from live_trader.core.bars import Tape, epoch, moment
from live_trader.core.drift import FAR, drift, needed, period, typical
from live_trader.edge.bulletin import FILE, Bulletin
from live_trader.edge.client.reader import connect_reader
from live_trader.edge.clock import Clock
from live_trader.edge.server.dashboard import shelved
from live_trader.edge.settings import load
from live_trader.experts.bundle import usual
from live_trader.farm.drifting import Drifting
from live_trader.farm.figures import Figures
from live_trader.farm.herald import Herald
from live_trader.farm.pulse import Beat
from live_trader.farm.supervisor import Spec
from live_trader.farm.view import Row, cells, tally
from tests.edge.test_notices import listening, until
from tests.experts.drafts import CREATED, draft
from tests.farm.test_figures import Seen
from tests.farm.test_hold import AUDUSD, Stage, calm_and_wild, stage  # noqa: F401 - a fixture


def test_a_bundle_that_drifts_is_told_once_and_again_when_it_is_back(
    stage: Stage,  # noqa: F811
) -> None:
    """Measured over the last bars before the period; told on the way out and on the way back, once each."""
    calm, wild = calm_and_wild()
    told: list[tuple[str, str]] = []
    known: dict[str, float] = {}
    watch = Drifting(stage.settings, known, lambda *each: told.append(each))
    step = period(AUDUSD.timeframe)
    with connect_reader(stage.settings, clock=stage.house.hands) as reader:
        stage.store(calm)
        now = float(epoch(calm[-1].opened))
        assert watch.due([AUDUSD], now) == AUDUSD
        watch.measure(AUDUSD, reader, now)
        assert watch.due([AUDUSD], now) is None
        assert told == []
        folder = stage.shelf.deployed(AUDUSD)
        assert folder is not None
        before = [each for each in calm if each.opened < moment(int(now // step * step))]
        sides = usual(folder)
        seen = before[-needed(sides, 400) :]
        assert known == {"AUDUSD M1": typical(drift(sides, Tape.of(AUDUSD, seen), 400))}
        stage.store(wild)
        for later in range(step, 60 * len(wild), step):
            assert watch.due([AUDUSD], now + later) == AUDUSD
            watch.measure(AUDUSD, reader, now + later)
    assert [name for name, _ in told] == ["AUDUSD M1"]
    assert told[0][1].startswith("has drifted: half of its features moved by")
    watch._note("AUDUSD M1", 0.01, 2000)
    assert told[1][1] == "has drifted back: half of its features moved by 0.01 or less (PSI)"


def test_a_held_bot_says_so_in_the_table_and_comes_before_those_that_are_not() -> None:
    facts = dict.fromkeys(Row.__dataclass_fields__)
    plain = Row(
        **facts
        | {"name": "A M1", "state": "RUNNING", "phase": "serving", "reason": "", "restarts": 0, "held": ""}
    )
    held = Row(
        **facts
        | {
            "name": "B M1",
            "state": "RUNNING",
            "phase": "serving",
            "reason": "",
            "restarts": 0,
            "held": "drift: 4",
        }
    )
    assert cells(held, moment(0)).why == "held at 0.5: drift: 4"
    assert sorted([plain, held], key=lambda each: each.trouble) == [held, plain]
    assert tally([plain, held]) == "2 RUNNING"


def test_drift_and_hold_are_told_as_metrics_and_to_the_pages(tmp_path: Path, stage: Stage) -> None:  # noqa: F811
    """Prometheus gets both figures; the list of bundles marks the champion and nobody else."""
    child = Seen(Spec("AUDUSD M1", print, (), tmp_path / "none.pulse"))
    child.shown = Beat(long=0.4, short=0.1, held="drift: 4 of 6")
    figures = Figures(tmp_path, "trader", {"AUDUSD M1": child}, stage.house.hands)
    figures.drift["AUDUSD M1"] = 0.75
    figures.tick()
    text = (tmp_path / "farm.prom").read_text()
    assert 'trader_drift{child="AUDUSD M1"} 0.75' in text
    assert 'trader_held{child="AUDUSD M1"} 1' in text
    told = decode((tmp_path / FILE).read_bytes(), type=Bulletin)
    stage.shelf.save(draft(AUDUSD), CREATED + timedelta(days=1))
    listed = shelved.listed(stage.shelf, told, None)
    assert listed["limit"] == FAR
    assert [(each["deployed"], each["drift"], each["held"]) for each in listed["bundles"]] == [
        ("champion", 0.75, "drift: 4 of 6"),
        ("", None, ""),
    ]


def test_a_person_is_told_of_drift_by_the_usual_events() -> None:
    with listening() as inbox:
        env = {"TRADER__NOTICES__URLS": f"json://127.0.0.1:{inbox.port}/", "TRADER__NOTICES__EVERY_S": "1"}
        with Herald(load(env=env).settings, Clock()) as herald:
            herald.drift("AUDUSD M1", "has drifted: half of its features moved by 0.75 or more (PSI)")
            until(lambda: any("AUDUSD M1 has drifted" in text for text in inbox.texts))
