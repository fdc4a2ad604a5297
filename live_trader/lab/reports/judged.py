"""The report of a judgement: the verdict on top, and under it everything the judge saw."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from live_trader.core.bars import moment
from live_trader.lab import lessons
from live_trader.lab.cases import BLEND, Case
from live_trader.lab.evidence import SIDES
from live_trader.lab.judge import Judgement
from live_trader.lab.reports import views
from live_trader.lab.reports.drawing import tag
from live_trader.lab.reports.page import cards, number, page, percent, section, table, tone
from live_trader.lab.reports.pieces import account, figures, listed, months, spread

SURE, UNSURE = "\N{CHECK MARK}", "\N{MULTIPLICATION SIGN}"


def report(judgement: Judgement) -> str:
    """The whole page; the model that is shown in full is the first in the order in which to serve them."""
    best = judgement.ranked[0]
    ticker = judgement.tape.ticker
    return page(
        f"{ticker}: {judgement.verdict.decision}",
        tag("h1", escape(str(ticker))),
        tag("p", _subject(judgement, best), class_="sub"),
        _verdict(judgement),
        _cards(best),
        _account(judgement, best),
        _luck(judgement, best),
        section("Month by month", months(best.months), says="Change of the account in each calendar month."),
        _models(judgement),
        views.points(judgement, best),
        views.calibrated(judgement, best),
        views.swept(judgement, best),
        _weights(judgement),
        _trades(best),
        _others(judgement, best),
        tag("footer", *_notes(judgement)),
    )


def _subject(judgement: Judgement, best: Case) -> str:
    first, last = (moment(int(judgement.tape.times[at])) for at in (0, -1))
    days = f"{first.day} {first:%B %Y} to {last.day} {last:%B %Y}"
    within = f"{first.day} {first:%B %Y, %H:%M} to {last:%H:%M}"
    return (
        f"{escape(best.name)}, judged on {len(judgement.tape):,} bars that its models had not seen: "
        f"{within if first.date() == last.date() else days}, {_many(len(judgement.evidence.spans), 'span')}"
    )


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _verdict(judgement: Judgement) -> str:
    verdict = judgement.verdict
    good = verdict.decision == "deployable"
    leaks = (tag("li", escape(f"training leaks: {leak}")) for leak in judgement.leaks)
    models = (_reasons(case) for case in judgement.ranked)
    reasons = (tag("li", escape(reason)) for reason in verdict.reasons)
    return tag(
        "div",
        tag("strong", tag("span", SURE if good else UNSURE, class_="mark"), verdict.decision.capitalize()),
        tag("ul", *(reasons if good else (*leaks, *models))),
        class_=f"verdict {verdict.decision}",
    )


def _reasons(case: Case) -> str:
    faults = tag("ul", *(tag("li", escape(fault)) for fault in case.faults))
    return tag("li", tag("b", escape(case.name)), faults if case.faults else ": nothing against it")


def _cards(best: Case) -> str:
    done = best.performance
    return cards(
        (
            ("Net profit", percent(done.net_profit, 1, sign=True), tone(done.net_profit)),
            ("Sharpe", number(done.sharpe), tone(done.sharpe)),
            ("Drawdown", percent(-done.drawdown), ""),
            ("Trades", f"{done.trades:,}", ""),
            ("Win rate", percent(done.win_rate), ""),
            ("Profit factor", number(done.profit_factor), tone((done.profit_factor or 1.0) - 1.0)),
            ("A trade brings", percent(done.expectancy, 3, sign=True), tone(done.expectancy)),
            ("In the market", percent(done.exposure, 0), ""),
        )
    )


def _account(judgement: Judgement, best: Case) -> str:
    shams = {name: runs[best.name].equity for name, runs in judgement.placebos.items() if best.name in runs}
    key = tag(
        "p",
        tag("span", tag("i", style="color:var(--accent)"), escape(best.name)),
        tag("span", tag("i", style="color:var(--ghost)"), _many(len(shams), "placebo")) if shams else "",
        tag("span", tag("i", style="color:var(--bad)"), "below its highest"),
        class_="key",
    )
    return section(
        "Equity and drawdown",
        account(best.run.equity, _gained, shams),
        key,
        says="Every trade stakes the same sum, after costs. Placebos learnt from meaningless labels.",
    )


def _gained(value: float) -> str:
    return percent(value - 1.0, 0, sign=True)


def _luck(judgement: Judgement, best: Case) -> str:
    standard, luck = judgement.standard, best.luck
    level = standard.level / len(judgement.ranked)
    demands = (
        (
            "Enough trades",
            f"{best.performance.trades:,}",
            f"at least {standard.trades}",
            best.performance.trades >= standard.trades,
            "a few lucky ones prove nothing",
        ),
        (
            "Profit after costs",
            percent(best.performance.expectancy, 3, sign=True),
            "above 0",
            (best.performance.expectancy or 0.0) > 0.0,
            "what a trade brings on average",
        ),
        _chance("Plain luck", luck.nothing, level, "no skill, and an account as good all the same"),
        _chance("Another time", luck.another_time, level, "the same positions, moved to other bars"),
        _chance("A placebo", luck.placebo, level, "the same training on meaningless labels"),
        (
            "Deflated Sharpe ratio",
            percent(luck.deflated.probability),
            f"at least {percent(1.0 - standard.level, 0)}",
            luck.deflated.probability >= 1.0 - standard.level,
            f"the chance that it is real, {_many(luck.deflated.trials, 'trial')} considered",
        ),
    )
    lines = (
        (
            escape(name),
            found,
            wanted,
            tag("span", SURE if met else UNSURE, class_=f"mark {_tone(met)}"),
            escape(why),
        )
        for name, found, wanted, met, why in demands
    )
    return section(
        "What else would explain it",
        table(("", "found", "demanded", "", ""), lines, class_="tests"),
        says="The chance that something without skill does as well. All demands have to be met."
        + _untaught(judgement),
    )


def _untaught(judgement: Judgement) -> str:
    """How many placebos are missing from the comparison, and why."""
    missing, asked = len(judgement.untaught), len(judgement.untaught) + len(judgement.placebos)
    if not missing:
        return ""
    why = " ".join(f"{name}: {reason.rstrip('.')}." for name, reason in judgement.untaught.items())
    return f" Of {_many(asked, 'placebo')}, {missing} could not be taught. {why}"


def _chance(name: str, found: float | None, level: float, why: str) -> tuple[str, str, str, bool, str]:
    return name, percent(found, 2), f"at most {percent(level, 2)}", found is not None and found <= level, why


def _tone(met: bool) -> str:
    return "good" if met else "bad"


def _models(judgement: Judgement) -> str:
    heads = (
        "Model",
        "Trades",
        "Net",
        "A trade",
        "Sharpe",
        "Drawdown",
        "AUC long",
        "AUC short",
        "Luck",
        "Verdict",
    )
    return section(
        "The models beside each other",
        table(heads, (_model(judgement, each) for each in judgement.cases.values())),
    )


def _model(judgement: Judgement, case: Case) -> tuple[str, ...]:
    done = case.performance
    scores = [judgement.accuracy[side].get(case.name) for side in SIDES]
    faults = len(case.faults)
    return (
        escape(case.name),
        f"{done.trades:,}",
        tag("span", percent(done.net_profit, 1, sign=True), class_=tone(done.net_profit)),
        percent(done.expectancy, 3, sign=True),
        number(done.sharpe),
        percent(-done.drawdown),
        *(number(score.auc if score else None, 3) for score in scores),
        percent(case.luck.nothing, 2),
        tag("span", f"{faults} against it" if faults else "no fault", class_=_tone(not faults)),
    )


def _weights(judgement: Judgement) -> str:
    told = judgement.evidence.lessons
    panels = [tag("div", tag("h3", side), views.bars(lessons.importance(told, side), side)) for side in SIDES]
    steady = {side: lessons.steadiness(told, side) for side in SIDES}
    said = ", ".join(f"{percent(steady[side], 0)} on the {side} side" for side in SIDES)
    chosen = [tag("div", tag("h3", side), views.chosen(lessons.lengths(told, side))) for side in SIDES]
    more = tag(
        "details",
        tag("summary", "Lengths chosen, span after span"),
        tag("p", f"So often an indicator keeps its lengths to the next span: {said}.", class_="lead"),
        tag("div", *chosen, class_="pair"),
    )
    return section(
        "What weighs",
        tag("div", *panels, class_="pair"),
        more,
        says="What each indicator weighs in the models, on average over models and spans.",
    )


def _trades(best: Case) -> str:
    trades = best.run.trades
    halves = (
        tag("div", tag("h3", "Profit of a trade"), spread(trades, _share)),
        tag("div", tag("h3", "Sides"), views.sides(trades)),
    )
    more = tag(
        "details",
        tag("summary", "The newest trades"),
        listed(trades, _share, lambda price: f"{price:,.5f}"),
    )
    return section("Trades", tag("div", *halves, class_="pair"), figures(best.performance, _share), more)


def _share(value: float) -> str:
    return percent(value, 2, sign=True)


def _others(judgement: Judgement, best: Case) -> str:
    others = [each for each in judgement.cases.values() if each.name != best.name]
    if not others:
        return ""
    return section("The other models", *(tag("details", *_other(each)) for each in others), class_="others")


def _other(case: Case) -> Iterator[str]:
    yield tag("summary", escape(case.name))
    yield tag("ul", *(tag("li", escape(fault)) for fault in case.faults))
    yield account(case.run.equity, _gained)
    yield months(case.months)


def _notes(judgement: Judgement) -> Iterator[str]:
    terms, bars = judgement.standard.terms, judgement.standard.terms.delay
    yield tag(
        "p",
        f"A signal is dealt at the open {_many(bars, 'bar')} after its own, at a spread of "
        f"{percent(terms.spread, 3)} and a fee of {percent(terms.fee, 3)} at either end; on a neutral signal "
        f"a position is {'held' if terms.hold else 'closed'}. Shares are of the stake. Sharpe and Sortino "
        "are of daily returns, without a risk-free rate. The chances of luck come from blocks of the account "
        f"drawn again {judgement.standard.draws:,} times, from every shift of the positions round the tape, "
        "and from placebos before costs.",
    )
    if BLEND in judgement.cases:
        yield tag("p", f"The {BLEND} gives each model one vote; the verdict is not about it.")
