"""How long one evaluation takes the judge, and whether it takes longer as a rollout goes on."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from statistics import median

from benchmarks.figure import Figure, Settings, took
from canaryctl.core.sequential.batch import Attempts, Counts, Evaluation, Seen
from canaryctl.core.sequential.terms import Terms, for_errors, for_latency
from canaryctl.core.sequential.trial import Trial

GATES = 20
LOOKS = 180
"""A stage of 15 min, looked at every 5 s."""
STAGES = (0.01, 0.05, 0.25, 1.0)
PROMISED_MS = 1.0


def run(settings: Settings) -> Iterator[Figure]:
    """Time whole rollouts of twenty gates, evaluation by evaluation, beside one of one gate."""
    many, growth, milliseconds = [], [], []
    for seed in range(settings.repeats(9, 2)):
        twenty, one = _rollout(GATES, seed), _rollout(1, seed)
        per_look = median(twenty)
        milliseconds.append(per_look * 1000)
        many.append(per_look / median(one))
        growth.append(median(twenty[-LOOKS:]) / median(twenty[LOOKS : 2 * LOOKS]))
    note = f"{median(milliseconds):.2f} ms an evaluation ({min(milliseconds):.2f} at best)"
    yield Figure("evaluation", f"{GATES} gates ÷ one gate", tuple(many), note=note)
    yield Figure(
        "evaluation",
        f"{GATES} gates ÷ {PROMISED_MS:g} ms",
        tuple(value / PROMISED_MS for value in milliseconds),
        at_most=1.0,
        note="the only one that is no ratio of two times: it is what was promised",
    )
    yield Figure("evaluation", "the last stage ÷ the second", tuple(growth), at_most=1.5)


def _rollout(gates: int, seed: int) -> list[float]:
    rng = Random(seed)  # noqa: S311  traffic, no secret
    terms = [
        for_errors(f"errors {index}", 0.005) if index % 2 else for_latency(f"p95 {index}", 0.95)
        for index in range(gates)
    ]
    trial = Trial(terms)
    times = []
    at = 0.0
    for number, weight in enumerate(STAGES):
        since = at
        after = STAGES[number + 1] if number + 1 < len(STAGES) else None
        trial.enter(since, 900.0, after)
        for _ in range(LOOKS):
            at += 5.0
            seen = _look(terms, at, since, weight, rng)
            times.append(took(lambda seen=seen: trial.weigh(seen)))  # type: ignore[misc]
    return times


def _look(terms: list[Terms], at: float, since: float, weight: float, rng: Random) -> Evaluation:
    ours, theirs = 1000 * weight, 1000 * (1 - weight)

    def counts(total: float, one: Terms) -> Counts:
        rate = 0.001 if one.limit < 0.01 else 0.04  # noqa: PLR2004  errors, or a latency's tail
        bad = sum(rng.random() < rate for _ in range(int(total)))
        return Counts(total, bad, bad // 2 if rate > 0.01 else bad)  # noqa: PLR2004  see above

    gates = {one.name: Seen(counts(ours, one), counts(theirs, one)) for one in terms}
    return Evaluation(at, weight, since, gates, Attempts(ours, 0, theirs, 0))
