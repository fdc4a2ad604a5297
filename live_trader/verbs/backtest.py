"""The verb that runs strategies over the past: one, a grid of them, or many on one account."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from live_trader.verbs import Context, common

if TYPE_CHECKING:
    from live_trader.lab.backtest.combination import Combined
    from live_trader.lab.backtest.grid import Result, Task

_SHOWN = 30


def _split(_: click.Context, _option: click.Parameter, given: str | None) -> tuple[str, ...]:
    return tuple(filter(None, (word.strip() for word in (given or "").split(","))))


@click.command(
    epilog="Example: instant-trader backtest --tape EURUSD_M1.csv --strategy sma_cross --param fast=5,10"
)
@click.option("--tape", "tapes", multiple=True, required=True, help="EURUSD_M1.csv, or 'EURUSD M1=any.csv'.")
@click.option(
    "--strategy",
    "strategies",
    multiple=True,
    default=("sma_cross",),
    help="A name (lab.strategies too), a file of your own, a bundle's folder, or: bundle, the deployed one.",
)
@click.option(
    "--param", "params", multiple=True, help="One of its parameters: fast=5, or fast=5,10,20 to try all."
)
@click.option(
    "--timeframe", "timeframes", callback=_split, help="M5,H1: run on longer bars made of the tape's."
)
@click.option("--from", "since", help="The first day, as 2024-01-31.")
@click.option("--to", "until", help="The day before which to end.")
@click.option(
    "--plan", multiple=True, help="How wishes are traded: stop_atr=2, target_ratio=none, sides=long."
)
@click.option(
    "--limit", multiple=True, help="What the account allows: max_drawdown=0.2, max_daily_loss=none."
)
@click.option(
    "--market", multiple=True, help="What dealing costs: fee_rate=0.0001, slippage=0, fill_at=close."
)
@click.option("--instrument", multiple=True, help="What is traded: lot=1000, tick=0.00001, currency=USD.")
@click.option("--rate", multiple=True, help="What another currency is worth in the account's: JPY=0.0067.")
@click.option("--capital", default="100000", show_default=True, help="What the account begins with.")
@click.option("--currency", default="USD", show_default=True, help="The account's currency.")
@click.option("--shared", is_flag=True, help="All on one account, bar by bar, instead of each on its own.")
@click.option(
    "--weights",
    type=click.Choice(["static", "equal", "winners", "risk-parity"]),
    default="equal",
    show_default=True,
    help="How several runs share one portfolio.",
)
@click.option("--weight", multiple=True, help="A static weight: 'sma_cross EURUSD M1=0.5'.")
@click.option(
    "--rebalance",
    type=click.Choice(["never", "week", "month", "quarter"]),
    default="quarter",
    show_default=True,
    help="How often the weights are thought over.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Write CSV, JSON, report and portfolio here.")
@click.option("--separate", is_flag=True, help="One CSV of trades and equity for each run.")
@click.option("--processes", type=click.IntRange(1), help="At most so many at once; all cores by default.")
@click.option("--zone", help="The time zone of times that name none, as in UTC.")
@click.option("--drop-bad-rows", is_flag=True, help="Leave rows out that cannot be bars.")
@common
def backtest(context: Context, **asked: Any) -> None:
    """Run strategies over tapes through the desk's own book, and tell what came of it."""
    tasks = _tasks(context, asked)
    if asked["shared"]:
        _shared(context, tasks, asked)
        return
    results = _run(tasks, asked["processes"])
    for each in results:
        if each.taught:
            context.say(f"{each.task.name}: {each.taught} of {each.bars} bars are ones it was trained on")
    combined, weights = _combined(results, asked)
    facts = _facts(results, combined, weights)
    if asked["out"]:
        facts["files"] = [str(path) for path in _written(results, combined, weights, facts, asked)]
    context.result(facts, _told(results, combined, weights, facts))


def _tasks(context: Context, asked: Mapping[str, Any]) -> list[Task]:
    from decimal import Decimal, InvalidOperation

    from live_trader.core.bars import Timeframe
    from live_trader.core.sizing import Plan
    from live_trader.edge.homemade import own
    from live_trader.errors import BadSettings
    from live_trader.lab.backtest import asked as words
    from live_trader.lab.backtest.grid import tasks

    sources = words.sources(asked["tapes"], zone=asked["zone"], drop=asked["drop_bad_rows"])
    given = {name: words.pairs(asked[name]) for name in ("limit", "market", "instrument", "rate")}
    try:
        capital = Decimal(asked["capital"])
    except InvalidOperation:
        raise BadSettings(f"the capital {asked['capital']!r} is no number", "Write 100000") from None
    found = tasks(
        sources,
        [Timeframe.parse(name) for name in asked["timeframes"]],
        [_absolute(name) for name in asked["strategies"]],
        words.several(asked["params"]),
        plan=words.typed(Plan, words.pairs(asked["plan"])),
        terms=words.terms(sources, capital, asked["currency"], given),
        since=words.moment_of(asked["since"]),
        until=words.moment_of(asked["until"]),
        cache=_cache(context, asked["out"]),
        tolerance=context.settings.farm.tolerance,
    )
    files = own(context.settings.lab.strategies)
    found = [_resolved(context, task, files) for task in found]
    names = [task.name for task in found]
    doubled = next((name for name in names if names.count(name) > 1), None)
    if doubled:
        raise BadSettings(f"two runs are called {doubled}", "Give each strategy, tape and timeframe once")
    return found


def _absolute(name: str) -> str:
    return str(Path(name).resolve()) if Path(name).exists() or ".py" in name else name


def _cache(context: Context, out: Path | None) -> Path | None:
    return None if out is None else Path(context.settings.farm.work_path).resolve() / "cache"


def _resolved(context: Context, task: Task, files: Mapping[str, str]) -> Task:
    """The task with the file or the bundle that the name of its strategy stands for."""
    from dataclasses import replace

    from live_trader.edge.shelf import Shelf
    from live_trader.errors import BadSettings

    if task.strategy in files:
        return replace(task, strategy=files[task.strategy], called=task.strategy)
    if task.strategy != "bundle":
        return task
    folder = Shelf.of(context.settings).deployed(task.ticker)
    if folder is None:
        raise BadSettings(f"no bundle of {task.ticker} is deployed", "Deploy one, or name a strategy")
    return replace(task, strategy=str(folder.resolve()))


def _run(tasks: Sequence[Task], processes: int | None) -> list[Result]:
    from live_trader.lab.backtest.grid import cores, grid
    from live_trader.lab.progress import Shown

    with Shown(sys.stderr) as shown:
        return grid(tasks, processes or cores(), shown)


def _combined(
    results: Sequence[Result], asked: Mapping[str, Any]
) -> tuple[Combined | None, dict[str, float]]:
    from live_trader.lab.backtest.combination import Schedule, Weighting, combine, newest

    runs = {each.task.name: each.equity for each in results}
    given, how = _given(asked), Weighting(asked["weights"])
    combined = combine(runs, how, Schedule(asked["rebalance"]), given) if len(runs) > 1 else None
    return combined, newest(runs, how, given)


def _given(asked: Mapping[str, Any]) -> dict[str, float]:
    from live_trader.errors import BadSettings

    found = {}
    for word in asked["weight"]:
        name, _, value = word.rpartition("=")
        try:
            found[name.strip()] = float(value)
        except ValueError:
            raise BadSettings(
                f"{word!r} is not a run with a weight", "Write 'sma_cross EURUSD M1=0.5'"
            ) from None
    return found


def _facts(
    results: Sequence[Result], combined: Combined | None, weights: Mapping[str, float]
) -> dict[str, Any]:
    from dataclasses import asdict

    from live_trader.core.outcome import Trades
    from live_trader.core.performance import measure
    from live_trader.lab.backtest import files

    facts: dict[str, Any] = {"runs": [files.facts(each) for each in results], "weights": dict(weights)}
    if combined is not None:
        whole = asdict(measure(Trades.of([]), combined.equity))
        kept = (
            "total_return",
            "annual_return",
            "sharpe",
            "sortino",
            "calmar",
            "drawdown",
            "profitable_months",
        )
        facts["portfolio"] = {name: whole[name] for name in kept}
    return facts


def _written(
    results: Sequence[Result],
    combined: Combined | None,
    weights: Mapping[str, float],
    facts: Mapping[str, Any],
    asked: Mapping[str, Any],
) -> list[Path]:
    from live_trader.lab.backtest import files
    from live_trader.lab.backtest.sheet import sheet

    folder: Path = asked["out"]
    tasks = [each.task for each in results]
    paths = files.save(folder, results, separate=asked["separate"])
    if combined is not None:
        rows = files.equity_rows("portfolio", combined.equity)
        paths.append(files.written(folder / "portfolio-equity.csv", files.EQUITY, rows))
    paths.append(files.portfolio(folder / "portfolio.json", tasks, weights, asked["weights"]))
    paths.append(files.summary(folder / "summary.json", facts))
    report = folder / "report.html"
    report.write_text(sheet(results, combined, weights), encoding="utf-8")
    return [*paths, report]


def _told(
    results: Sequence[Result],
    combined: Combined | None,
    weights: Mapping[str, float],
    facts: Mapping[str, Any],
) -> str:
    from live_trader.verbs.tables import table

    ranked = sorted(results, key=lambda each: -each.performance.net_profit)
    head = ("net profit", "return", "Sharpe", "drawdown", "trades", "won", "weight", "run")
    lines = [table(head, (_row(each, weights) for each in ranked[:_SHOWN]))]
    if len(ranked) > _SHOWN:
        lines.append(f"and {len(ranked) - _SHOWN} more")
    if combined is not None:
        whole = facts["portfolio"]
        sharpe = "-" if whole["sharpe"] is None else f"{whole['sharpe']:.2f}"
        depth = f"drawdown {whole['drawdown']:.2%}"
        lines.append(f"as one portfolio: {whole['total_return']:+.2%}, Sharpe {sharpe}, {depth}")
    lines += [f"wrote {path}" for path in facts.get("files", ())]
    return "\n".join(lines)


def _row(result: Result, weights: Mapping[str, float]) -> tuple[str, ...]:
    done = result.performance
    return (
        f"{done.net_profit:,.2f}",
        f"{done.total_return:+.2%}",
        "-" if done.sharpe is None else f"{done.sharpe:.2f}",
        f"{done.drawdown:.2%}",
        f"{done.trades:,}",
        "-" if done.win_rate is None else f"{done.win_rate:.0%}",
        f"{weights[result.task.name]:.1%}",
        result.task.name,
    )


def _shared(context: Context, tasks: Sequence[Task], asked: Mapping[str, Any]) -> None:
    from dataclasses import asdict

    from live_trader.lab.backtest import files
    from live_trader.lab.backtest.sheet import account_sheet
    from live_trader.lab.backtest.together import together

    given = _given(asked)
    weights = {task.name: given.get(task.name, 0.0 if given else 1.0 / len(tasks)) for task in tasks}
    done = together(tasks, weights)
    facts: dict[str, Any] = {
        "runs": [task.name for task in tasks],
        "weights": weights,
        "performance": asdict(done.performance),
        "refused": dict(done.refused),
        "fingerprint": done.fingerprint,
    }
    if asked["out"]:
        paths = files.shared(asked["out"], done, facts)
        paths.append(files.portfolio(asked["out"] / "portfolio.json", tasks, weights, "shared"))
        report = asked["out"] / "report.html"
        report.write_text(account_sheet(done, tasks, weights), encoding="utf-8")
        facts["files"] = [str(path) for path in (*paths, report)]
    figures = done.performance
    text = f"{len(tasks)} strategies on one account: {figures.net_profit:,.2f} {asked['currency']}"
    context.result(facts, f"{text}, {figures.trades:,} trades, drawdown {figures.drawdown:.2%}")
