"""The page of a judgement is whole, sound and self-contained, and says the verdict before all else."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from live_trader.core.bars import Tape
from live_trader.core.features import classic
from live_trader.core.outcome import Equity, Trades
from live_trader.core.performance import measure, months
from live_trader.lab.cases import Standard
from live_trader.lab.course import Course
from live_trader.lab.evidence import SIDES, Evidence, Lesson
from live_trader.lab.judge import Judgement, judge
from live_trader.lab.reports import account, figures, listed, report, spread
from live_trader.lab.reports import months as months_table
from live_trader.lab.reports.page import NONE, lasting, number, percent
from live_trader.lab.spans import Span

Make = Callable[..., Tape]
VOID = {"meta"}


class Reader(HTMLParser):
    """Reads a page and notes what is not closed, and where it would reach outside."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.reaches: list[str] = []
        self.headings: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.reaches += [name for name, _ in attrs if name in {"src", "href", "srcset", "action"}]
        self.reaches += [tag] if tag in {"link", "iframe", "img", "object"} else []

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in {"h1", "h2", "strong"}:
            self.headings.append(data)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture(scope="module")
def seen(market: Make) -> Judgement:
    """A judgement with two models, a placebo and lessons."""
    tape, random = market(1800, 4), np.random.default_rng(4)
    said = {side: {f"M{at}~PC": random.uniform(0, 0.6, len(tape)) for at in range(2)} for side in SIDES}
    spans = (Span(0, 0, 30, 60, 900), Span(1, 100, 870, 900, 1800))
    recipes = (classic(), classic({"mom": (40,)}))
    lessons = tuple(
        Lesson(side, span, recipe, {"M0~PC": {"mom_10": 0.5, "bop": 0.5}}, {})
        for span, recipe in zip(spans, recipes, strict=True)
        for side in SIDES
    )
    thresholds = {side: dict.fromkeys(said[side], 0.3) for side in SIDES}
    given = Evidence(tape, spans, Course().label(tape), said, thresholds, lessons, 2, Course())
    return judge(given, {"shuffled 1": said}, Standard(draws=200))


SECTIONS = [
    "Equity and drawdown",
    "What else would explain it",
    "Month by month",
    "The models beside each other",
    "Predicted points",
    "Calibration",
    "Other thresholds",
    "What weighs",
    "Trades",
    "The other models",
]


def test_the_page_is_sound_and_needs_nothing_from_outside(seen: Judgement) -> None:
    page = report(seen)
    reader = read(page)
    assert reader.reaches == []
    assert not re.search(r"url\(|@import|fetch\(|XMLHttpRequest|import\(", page)
    assert "nan" not in page.lower().replace("finance", "")
    assert [heading for heading in reader.headings if heading in SECTIONS] == SECTIONS


def test_ticker_and_verdict_come_before_all_else(seen: Judgement) -> None:
    headings = read(report(seen)).headings
    assert headings[0] == "WALK H1"
    assert "Refused" in headings[1:3]
    page = report(seen)
    assert page.index("Refused") < page.index("Net profit") < page.index("Equity and drawdown")
    for fault in seen.ranked[0].faults:
        assert fault.replace("'", "&#x27;") in page


def test_the_same_judgement_gives_the_same_bytes(seen: Judgement) -> None:
    assert report(seen) == report(seen)


def test_a_leak_is_told_and_what_is_told_cannot_become_markup(seen: Judgement) -> None:
    page = report(replace(seen, leaks=("<script>alert(1)</script>",)))
    assert "training leaks: &lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert(1)" not in page


def test_a_judgement_without_placebos_lessons_or_trades_still_has_its_page(market: Make) -> None:
    tape = market(700, 4)
    said = {side: {"M~PC": np.full(len(tape), 0.1)} for side in SIDES}
    thresholds = {side: {"M~PC": 0.3} for side in SIDES}
    given = Evidence(
        tape, (Span(0, 0, 30, 60, 700),), Course().label(tape), said, thresholds, (), 1, Course()
    )
    page = report(judge(given, {}, Standard(draws=50)))
    read(page)
    assert "There was no trade." in page
    assert "no placebo was fitted" in page
    assert "The other models" not in page


def test_the_pieces_serve_any_run(seen: Judgement) -> None:
    """A back-test in money makes its page of the same pieces."""

    def money(value: float) -> str:
        return f"{value:,.0f} USD"

    run = seen.ranked[0].run
    equity = Equity(10_000.0, run.equity.times, 10_000.0 * run.equity.values)
    done = measure(run.trades, equity)
    for piece in (
        account(equity, money),
        figures(done, money),
        months_table(months(run.trades, equity)),
        spread(run.trades, money),
        listed(run.trades, money, str),
    ):
        read(piece)
    assert "10,000 USD" in account(equity, money)
    assert listed(Trades.of([]), money, str).count("<tr>") == 1
    assert len(re.findall("<tr>", listed(run.trades, money, str, most=5))) == 6


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (percent(None), NONE),
        (percent(-0.1234), "\N{MINUS SIGN}12.3%"),
        (percent(0.1234, 2, sign=True), "+12.34%"),
        (percent(-0.00001, 1, sign=True), "0.0%"),
        (percent(0.0, 0, sign=True), "0%"),
        (number(None), NONE),
        (number(-1234.5), "\N{MINUS SIGN}1,234.50"),
        (lasting(None), NONE),
        (lasting(90.0), "90 s"),
        (lasting(5400.0), "90 min"),
        (lasting(86_400.0), "24 h"),
        (lasting(10 * 86_400.0), "10 days"),
    ],
)
def test_figures_are_written_as_people_write_them(text: str, wanted: str) -> None:
    assert text == wanted
