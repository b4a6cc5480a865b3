"""The report as Markdown, for a pull request, a ticket or a job's summary."""

from __future__ import annotations

from collections.abc import Iterator

from canaryctl.quantities import spelled
from canaryctl.reporting import words
from canaryctl.reporting.facts import Decision, Facts, GateSeen
from canaryctl.reporting.markdown_text import block, code, table, text
from canaryctl.reporting.shown import clock, percent

MOST_GATES = 60
MOST_DECISIONS = 60
_ICONS = {"good": "✅", "bad": "❌", "warn": "⚠️", "": "•"}


def markdown(facts: Facts) -> str:
    """Write it. Its size is bounded, and nothing in it acts, whatever the journal holds."""
    return "\n".join(
        [
            *_head(facts),
            *_decider(facts),
            *_stages(facts),
            *_gates(facts),
            *_decisions(facts),
            *_asked(facts),
            *_record(facts),
            "",
        ]
    )


def _head(facts: Facts) -> Iterator[str]:
    _, said, tone = words.title(facts)
    yield f"## {_ICONS[tone]} {said}: {text(facts.service)} {text(facts.release)}"
    yield ""
    yield f"**{text(words.because(facts))}**"
    yield ""
    for sentence in facts.lacks:
        yield f"> {text(sentence)}"
        yield ""
    rows = [(label, text(value)) for label, value in words.first_facts(facts)]
    yield from table(("", ""), rows)


def _decider(facts: Facts) -> Iterator[str]:
    one = words.closest(facts)
    if one is None:
        return
    label = "What decided" if facts.deciding else "Closest to its limit"
    numbers = ", ".join(f"{name.lower()} {text(value)}" for name, value in words.figures(one))
    yield f"**{label}:** {code(one.name)}: {numbers}. {text(one.reason)}"
    yield ""


def _stages(facts: Facts) -> Iterator[str]:
    if not facts.stages:
        return
    rows = []
    for one in facts.stages:
        length = "–"
        if one.began is not None and one.ended is not None:
            took = spelled(float(round(one.ended - one.began)))
            length = f"{took} of {spelled(one.observe)}"
        sign = {True: "✅ ", False: "❌ ", None: ""}[one.good]
        rows.append((str(one.number), percent(one.weight), length, f"{sign}{text(one.result)}"))
    yield from table(("stage", "canary", "observed", "result"), rows)


def _gates(facts: Facts) -> Iterator[str]:
    if not facts.gates:
        yield "No gate was evaluated."
        yield ""
        return
    ordered = sorted(facts.gates, key=lambda one: (not one.deciding, one.failures == 0))
    heads = ("gate", "last", "canary", "limit", "stable", "samples", "evidence")
    yield from table(heads, [_gate(one) for one in ordered[:MOST_GATES]])
    if len(ordered) > MOST_GATES:
        yield f"{len(ordered) - MOST_GATES} more are left out here."
        yield ""


def _gate(one: GateSeen) -> tuple[str, ...]:
    _, said, tone = words.status(one)
    return (
        code(one.name),
        f"{_ICONS[tone]} {text(said)}",
        *(text(value) for _, value in words.figures(one)),
    )


def _decisions(facts: Facts) -> Iterator[str]:
    many = facts.decisions
    yield "<details><summary>Decisions (times are UTC)</summary>"
    yield ""
    half = MOST_DECISIONS // 2
    shown = many if len(many) <= MOST_DECISIONS else (*many[:half], *many[-half:])
    for number, one in enumerate(shown):
        if len(many) > MOST_DECISIONS and number == half:
            yield f"- … {len(many) - MOST_DECISIONS} more are left out here"
        yield f"- {_decision(one)}"
    yield ""
    guilty = facts.deciding
    if guilty is not None and guilty.queries:
        yield f"{code(guilty.name)} asked:"
        yield ""
        yield from block(list(guilty.queries))
        yield ""
    yield "</details>"
    yield ""


def _decision(one: Decision) -> str:
    where = "" if one.stage is None else f", stage {one.stage}"
    weight = "" if one.weight is None else f", canary {percent(one.weight)}"
    times = f" ({one.times} times in a row)" if one.times > 1 else ""
    said = "; ".join(one.text)
    found = f" ({text(one.found)})" if one.found else ""
    return f"{clock(one.at)} {text(one.what)}{where}{weight}{times}: {text(said)}{found}"


def _asked(facts: Facts) -> Iterator[str]:
    if not facts.asked:
        return
    yield "**Who asked what**"
    yield ""
    rows = [
        (
            clock(one.at),
            text(f"{one.verb} as {one.role}" if one.role else one.verb),
            code(one.who),
            text(one.why),
            text(one.answer),
        )
        for one in facts.asked[-MOST_DECISIONS:]
    ]
    yield from table(("time (UTC)", "asked", "by", "why", "answer"), rows)


def _record(facts: Facts) -> Iterator[str]:
    yield "<details><summary>Preflight and record</summary>"
    yield ""
    for one in facts.checks[:MOST_DECISIONS]:
        sign = {True: "✓", False: "✗", None: "–"}[one.passed]
        yield f"- {sign} {text(one.name)}: {text(one.detail)}"
    yield ""
    yield from table(("", ""), [(label, code(value)) for label, value in words.more_facts(facts)])
    yield "</details>"
