"""Tables and descriptions for a person, as text that fits the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from live_trader.edge.shelf.agreement import Agreement
from live_trader.experts.bundle import SIDES, Manifest, Side, Verdict

REPORT = "report.html"
_JUDGED = ("models", "placebos")  # which have a table of their own
_SHOWN = 12  # of what a figure is made of; more is for bundle.json
_WIDE = 200  # columns where no terminal says how many it has


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """These rows under this head; only the last column wraps, for a name that is broken cannot be copied."""
    drawn = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in head:
        drawn.add_column(name, no_wrap=name != head[-1], overflow="fold")
    for row in rows:
        drawn.add_row(*map(Text, row))
    return _text(drawn)


def facts(rows: Iterable[tuple[str, str]]) -> str:
    """Names and what they stand for, one a line."""
    drawn = Table.grid(padding=(0, 2))
    drawn.add_column(no_wrap=True)
    drawn.add_column(overflow="fold")
    for name, value in rows:
        drawn.add_row(Text(name, "bold"), Text(value))
    return _text(drawn)


def described(manifest: Manifest) -> str:
    """Everything a person wants to know of a bundle before it is deployed."""
    verdict, training = manifest.verdict, manifest.training
    head = [
        ("bundle", f"{manifest.ticker}, version {manifest.version}"),
        ("made", f"{manifest.created:%Y-%m-%d %H:%M:%S} UTC"),
        ("verdict", "; ".join((verdict.decision, *verdict.reasons))),
        ("memory", f"{manifest.memory} bars"),
        *(
            ("spans", f"{each.purpose} {each.first:%Y-%m-%d %H:%M} to {each.last:%Y-%m-%d %H:%M}")
            for each in training.spans
        ),
        ("data", training.data_hash or "not known"),
        ("seeds", _pairs(training.seeds)),
        ("made with", ", ".join(f"{name} {each}" for name, each in manifest.libraries.items())),
        ("fingerprint", manifest.fingerprint),
        *((f"{side} recipe", ", ".join(map(_step, manifest.recipes[side]))) for side in SIDES),
        *(
            (f"figure {name}", _short(value))
            for name, value in verdict.figures.items()
            if name not in _JUDGED and value not in ([], {})
        ),
    ]
    rows = [row for side in SIDES for row in _models(manifest, side)]
    parts = [facts(head), table(("SIDE", "MODEL", "THRESHOLD", "SERVED", "PROOF"), rows), *_judged(verdict)]
    if REPORT in manifest.files:
        parts.append(f"{REPORT} in its folder has the figures and curves behind this; so has the dashboard")
    return "\n\n".join(parts)


def _judged(verdict: Verdict) -> Iterable[str]:
    """What each judged model earned on bars it had not seen, beside models taught on meaningless labels."""
    sets = {"": verdict.figures.get("models", {})} | verdict.figures.get("placebos", {})
    rows = [
        (name, taught or "real labels", *_earned(each.get("performance", each)))
        for taught, models in sets.items()
        for name, each in models.items()
    ]
    if rows:
        yield table(("MODEL", "TAUGHT", "TRADES", "WON", "FACTOR", "RETURN", "SHARPE", "DRAWDOWN"), rows)


def _earned(figures: Mapping[str, Any]) -> tuple[str, ...]:
    ways = (
        ("trades", "{:,.0f}"), ("win_rate", "{:.0%}"), ("profit_factor", "{:.2f}"),
        ("total_return", "{:+.2%}"), ("sharpe", "{:.2f}"), ("drawdown", "{:.2%}"),
    )  # fmt: skip
    return tuple("-" if figures.get(name) is None else way.format(figures[name]) for name, way in ways)


def compared(champion: Manifest, shadow: Manifest, found: Agreement | None) -> str:
    """Two bundles side by side, and how far their signals agree where they are known."""
    figures = [each.verdict.figures for each in (champion, shadow)]
    rows = [
        ("version", champion.version, shadow.version),
        ("verdict", champion.verdict.decision, shadow.verdict.decision),
        *(
            (name, *(_short(each.get(name, "")) for each in figures))
            for name in dict.fromkeys((*figures[0], *figures[1]))
            if name not in _JUDGED
        ),
    ]
    earned = [
        f"{rank}\n{told}"
        for rank, each in (("champion", champion), ("shadow", shadow))
        for told in _judged(each.verdict)
    ]
    text = "\n\n".join([table(("", "CHAMPION", "SHADOW"), rows), *earned])
    if found is None or found.share is None:
        return f"{text}\n\nthere are no signals of both to compare yet"
    wishes = sorted(found.counts.items(), key=lambda each: -each[1])
    votes = [(one.value, other.value, str(count)) for (one, other), count in wishes]
    said = f"they agree on {found.same} of {found.bars} bars ({found.share:.1%})"
    said += f"; {found.alone} were answered by one only" if found.alone else ""
    return f"{text}\n\n{said}\n\n{table(('CHAMPION', 'SHADOW', 'BARS'), votes)}"


def _models(manifest: Manifest, side: Side) -> Iterable[tuple[str, ...]]:
    for name, model in manifest.models[side].items():
        proof = model.proof
        proven = f"{proof['rows']} rows, at most {proof['max_difference']:.1e} off" if proof else ""
        how, why = ("exactly", proven) if model.served else ("by its pipeline", model.reason)
        yield side, name, f"{model.threshold:g}", how, why


def _step(step: Sequence[Any]) -> str:
    name, lengths, *output = step
    return "_".join((name, *map(str, lengths), *output))


def _pairs(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} {_short(value)}" for name, value in values.items()) or "none"


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, dict | list) and len(value) > _SHOWN:
        return f"{len(value)} values"
    if isinstance(value, dict):
        return _pairs(value)
    return ", ".join(map(_short, value)) if isinstance(value, list) else str(value)


def _text(drawn: Table) -> str:
    console = Console()
    if not console.is_terminal:
        console.width = _WIDE
    with console.capture() as captured:
        console.print(drawn)
    return "\n".join(line.rstrip() for line in captured.get().rstrip().splitlines())
