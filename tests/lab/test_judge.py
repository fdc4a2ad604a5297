"""Noise does not get past the judge, skill does, and each thing that speaks against a model is said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import msgspec
import numpy as np
import pytest

from live_trader.core.bars import Floats, Tape
from live_trader.errors import BadSettings
from live_trader.lab.cases import BLEND, Standard
from live_trader.lab.course import Course
from live_trader.lab.dealing import Terms
from live_trader.lab.evidence import SIDES, Evidence, Probabilities
from live_trader.lab.judge import Judgement, judge
from live_trader.lab.spans import Span

Make = Callable[..., Tape]
FREE = Standard(terms=Terms(spread=0.0, fee=0.0), draws=1000)
GAP = 24


def said(tape: Tape, skill: float, seed: int, models: int = 1) -> Probabilities:
    """Opinions that know a little of the next change, or nothing, of so many models."""
    random = np.random.default_rng((seed, 77))
    ahead = np.append(np.diff(np.log(tape.close)), 0.0)
    ahead /= ahead.std() or 1.0

    def of(way: float) -> dict[str, Floats]:
        noise = random.normal(0.0, 1.0, (models, len(tape)))
        return {
            f"M{at}~PC": 1.0 / (1.0 + np.exp(2.0 - way * skill * ahead - noise[at])) for at in range(models)
        }

    return {"long": of(1.0), "short": of(-1.0)}


def evidence(tape: Tape, probabilities: Probabilities, trials: int = 1) -> Evidence:
    """These opinions on every bar after the first 40, in two spans."""
    middle = len(tape) // 2
    spans = (Span(0, 0, 40 - GAP, 40, middle), Span(1, 20, middle - GAP, middle, len(tape)))
    return Evidence(
        tape=tape,
        spans=spans,
        labels=Course().label(tape),
        probabilities=probabilities,
        thresholds={side: dict.fromkeys(probabilities[side], 0.3) for side in SIDES},
        lessons=(),
        trials=trials,
        steps=Course(),
    )


def judged(tape: Tape, skill: float, seed: int, models: int = 1, standard: Standard = FREE) -> Judgement:
    """A judgement with two placebos that know nothing."""
    shams = {f"sham {turn}": said(tape, 0.0, 1000 * turn + seed, models) for turn in (1, 2)}
    return judge(evidence(tape, said(tape, skill, seed, models)), shams, standard)


def test_of_random_walks_no_more_pass_than_the_level_allows_even_without_costs(market: Make) -> None:
    passed = [judged(market(2500, seed), 0.0, seed).verdict.decision for seed in range(80)]
    assert passed.count("deployable") <= 8  # 5 % of 80 are 4; more than 8 come once in fifty such runs


def test_several_models_do_not_get_several_chances(market: Make) -> None:
    passed = [judged(market(2500, seed), 0.0, seed, models=4).verdict.decision for seed in range(40)]
    assert passed.count("deployable") <= 5


def test_skill_is_found_and_costs_above_it_are_seen(market: Make) -> None:
    found = [judged(market(2500, seed), 0.35, seed).verdict.decision for seed in range(20)]
    assert found.count("deployable") >= 19
    dear = replace(FREE, terms=Terms(spread=0.01))
    assert judged(market(2500, 1), 0.35, 1, standard=dear).verdict.decision == "refused"


def test_the_same_evidence_gets_the_same_verdict_to_the_last_figure(market: Make) -> None:
    first, second = (judged(market(2500, 3), 0.2, 3, models=2).verdict for _ in range(2))
    assert msgspec.json.encode(first) == msgspec.json.encode(second)


def test_the_models_are_ranked_as_they_should_be_served_and_the_blend_is_not(market: Make) -> None:
    tape = market(2500, 5)
    good, bad = said(tape, 0.5, 5), said(tape, 0.0, 6)
    mixed: dict[str, Mapping[str, Floats]] = {
        side: {"Bad~PC": bad[side]["M0~PC"], "Good~PC": good[side]["M0~PC"]} for side in SIDES
    }
    sham = {"sham": {side: dict.fromkeys(mixed[side], said(tape, 0.0, 7)[side]["M0~PC"]) for side in SIDES}}
    judgement = judge(evidence(tape, mixed), sham, FREE)
    assert [case.name for case in judgement.ranked] == ["Good~PC", "Bad~PC"]
    assert set(judgement.cases) == {"Good~PC", "Bad~PC", BLEND}
    assert judgement.verdict.decision == "deployable"
    assert judgement.verdict.figures["deployable_models"] == ["Good~PC"]
    assert all(reason.startswith("Good~PC: ") for reason in judgement.verdict.reasons)


def constant(tape: Tape, long: float, short: float) -> Probabilities:
    return {"long": {"M0~PC": np.full(len(tape), long)}, "short": {"M0~PC": np.full(len(tape), short)}}


def rising(tape: Tape) -> Tape:
    drift = np.exp(0.0005 * np.arange(len(tape)))
    return replace(
        tape, open=tape.open * drift, high=tape.high * drift, low=tape.low * drift, close=tape.close * drift
    )


def test_always_being_long_where_all_rises_is_no_skill(market: Make) -> None:
    tape = rising(market(2500, 8))
    case = judge(evidence(tape, constant(tape, 0.9, 0.1)), {}, FREE).ranked[0]
    assert case.performance.net_profit > 0.5
    assert "1 trades are too few to tell; 30 are needed" in case.faults
    assert any(fault.startswith("the same positions at another time bring as much") for fault in case.faults)


def test_a_model_is_held_to_its_placebo(market: Make) -> None:
    tape = market(2500, 9)
    skilled = said(tape, 0.4, 9)
    refused = judge(evidence(tape, skilled), {"as good": said(tape, 0.4, 10)}, FREE)
    assert [fault.partition(" bring")[0] for fault in refused.ranked[0].faults] == [
        "models of meaningless labels"
    ]
    without = judge(evidence(tape, skilled), {}, FREE)
    assert without.verdict.reasons == ("M0~PC: no placebo was fitted to compare it with",)


def test_many_tries_make_the_same_result_worth_less(market: Make) -> None:
    tape = market(2500, 11)
    shams = {"sham": said(tape, 0.0, 12)}
    one, many = (
        judge(evidence(tape, said(tape, 0.13, 11), trials), shams, FREE).ranked[0] for trials in (1, 10_000)
    )
    assert one.luck.deflated.probability > many.luck.deflated.probability
    assert any(fault.startswith("after 10000 tries its Sharpe ratio is real") for fault in many.faults)


def test_a_leak_refuses_whatever_the_figures(market: Make) -> None:
    tape = market(2500, 13)
    given = evidence(tape, said(tape, 0.5, 13))
    leaking = judge(given, {"sham": said(tape, 0.0, 14)}, FREE, ["feature of x changes at bar 7"])
    assert leaking.verdict.decision == "refused"
    assert leaking.verdict.reasons == ("training leaks: feature of x changes at bar 7",)


def test_a_model_that_never_speaks_is_refused_with_its_reasons(market: Make) -> None:
    tape = market(1000, 15)
    verdict = judge(evidence(tape, constant(tape, 0.1, 0.1)), {}, FREE).verdict
    assert "M0~PC: 0 trades are too few to tell; 30 are needed" in verdict.reasons
    assert verdict.decision == "refused"


def test_the_manifest_gets_every_figure_that_is_asked_for(market: Make) -> None:
    figures = msgspec.json.decode(msgspec.json.encode(judged(market(2500, 16), 0.3, 16).verdict.figures))
    model = figures["models"]["M0~PC"]
    asked = {"trades", "win_rate", "expectancy", "profit_factor", "sharpe", "sortino", "calmar", "drawdown"}
    assert asked | {"exposure", "turnover"} <= set(model["performance"])
    assert {"precision", "recall", "auc", "brier", "calibration"} <= set(model["accuracy"]["long"])
    assert sum(month["trades"] for month in model["months"]) == model["performance"]["trades"]
    assert {"nothing", "another_time", "placebo"} <= set(model["luck"])
    assert model["luck"]["deflated"]["trials"] == 1
    assert set(figures["placebos"]) == {"sham 1", "sham 2"}


@pytest.mark.parametrize("wrong", [{"level": 0.0}, {"level": 1.0}, {"trades": 0}, {"draws": 10}])
def test_a_standard_that_is_none_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(BadSettings, match="are no standard"):
        Standard(**wrong)


@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.6])
def test_the_sweep_says_what_the_threshold_in_use_gave(market: Make, threshold: float) -> None:
    tape = market(2500, 17)
    given = evidence(tape, said(tape, 0.2, 17))
    used = replace(given, thresholds={side: {"M0~PC": threshold} for side in SIDES})
    judgement = judge(used, {}, FREE)
    swept = next(each for each in judgement.sweeps["M0~PC"] if each.threshold == threshold)
    done = judgement.ranked[0].performance
    assert (swept.trades, swept.net_profit, swept.sharpe) == (done.trades, done.net_profit, done.sharpe)
