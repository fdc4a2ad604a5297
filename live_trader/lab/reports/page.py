"""The page itself: one file that needs nothing else, in light and dark, on a screen and on paper."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files

from live_trader.lab.reports.drawing import Text, tag

NONE = "\N{EN DASH}"


def page(title: str, *inside: str) -> str:
    """A whole page with this title; the same contents always give the same bytes."""
    here = files(__package__)
    style, script = (here.joinpath(name).read_text("utf-8") for name in ("style.css", "hover.js"))
    head = (
        '<meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="color-scheme" content="light dark"><title>{escape(title)}</title><style>{style}</style>'
    )
    body = tag("main", *inside) + f"<script>{script}</script>"
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{body}</body></html>\n'


def percent(value: float | None, digits: int = 1, sign: bool = False) -> str:
    """A share as per cent; a dash where it has no meaning."""
    if value is None:
        return NONE
    text = f"{value:.{digits}%}"
    if not text.strip("-0.%"):
        return f"{0:.{digits}%}"
    return (f"+{text}" if sign and value > 0.0 else text).replace("-", "\N{MINUS SIGN}")


def fine(share: float) -> int:
    """How many decimals tell a share of this size apart from none, as per cent."""
    return next((digits for digits, least in enumerate((0.1, 0.01, 0.001)) if share > least), 3)


def number(value: float | None, digits: int = 2) -> str:
    """A number with so many decimals; a dash where it has no meaning."""
    return NONE if value is None else f"{value:,.{digits}f}".replace("-", "\N{MINUS SIGN}")


def lasting(seconds: float | None) -> str:
    """A length of time in its largest sensible unit."""
    if seconds is None:
        return NONE
    units = (("days", 86_400.0), ("h", 3_600.0), ("min", 60.0), ("s", 1.0))
    name, size = next((unit for unit in units if seconds >= 2.0 * unit[1]), units[-1])
    return f"{seconds / size:.0f} {name}"


def tone(value: float | None) -> str:
    """Whether a figure is good news, bad news or none."""
    return "" if not value else "good" if value > 0.0 else "bad"


def section(title: str, *inside: str, says: str = "", class_: str = "") -> str:
    """A titled part of a page, with a sentence on how to read it."""
    lead = tag("p", escape(says), class_="lead") if says else ""
    return tag("section", tag("h2", escape(title)), lead, *inside, class_=class_)


def cards(figures: Iterable[tuple[str, str, str]]) -> str:
    """Large figures side by side: each a name, a text and a tone."""
    return tag(
        "div",
        *(
            tag("div", tag("span", escape(name)), tag("strong", escape(text), class_=feel), class_="card")
            for name, text, feel in figures
        ),
        class_="cards",
    )


def table(heads: Sequence[str], lines: Iterable[Sequence[str]], class_: str = "") -> str:
    """A table of texts that are already safe to show; the first column names the row."""
    top = tag("tr", *(tag("th", escape(head)) for head in heads))
    body = (
        tag("tr", *(tag("th" if not at else "td", cell) for at, cell in enumerate(cells))) for cells in lines
    )
    whole = tag("table", tag("thead", top), tag("tbody", *body), class_=class_)
    return tag("div", whole, class_="wide")


def amount(text: Text, value: float | None) -> str:
    """The amount in the account's own words; a dash where it has no meaning."""
    return NONE if value is None else text(value)
