"""A step that reads the version's own metrics page."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from canaryctl.config.mistakes import nearest
from canaryctl.drivers.bounded_http import Answer, RequestError
from canaryctl.drivers.exposition_text import Exposed, UnreadableError, exposed_samples
from canaryctl.smoke.excerpt import of_body, of_text
from canaryctl.smoke.problem import Problem
from canaryctl.smoke.request_step import unanswered
from canaryctl.smoke.saved import UnfitError, in_text, in_url
from canaryctl.smoke.service import Service
from canaryctl.smoke.suite import Family, MetricsStep

if TYPE_CHECKING:
    from canaryctl.ports import Clock

_LOOK_AGAIN = 0.25
_OK = 200
_DECLARED = re.compile(r"^#[ \t]+(?:TYPE|HELP)[ \t]+(\S+)", re.MULTILINE)
# A family's samples may have these names too.
_SUFFIXES = ("_total", "_bucket", "_count", "_sum")


def look(
    step: MetricsStep, service: Service, saved: Mapping[str, Any], timeout: float, clock: Clock
) -> list[Problem]:
    """Read the page until it has every family; give what is wrong when time is up."""
    until = clock.now() + step.metrics.within
    while True:
        problems = _looked(step, service, saved, timeout)
        left = until - clock.now()
        if not problems or left <= 0:
            return problems
        clock.sleep(min(_LOOK_AGAIN, left))


def _looked(
    step: MetricsStep, service: Service, saved: Mapping[str, Any], timeout: float
) -> list[Problem]:
    where = f"GET {of_text(step.metrics.path)}"
    try:
        path = in_url(step.metrics.path, saved)
        where = f"GET {of_text(path)}"
        answer = service.ask("GET", path, timeout=timeout)
        if answer.status != _OK:
            return [Problem("status", str(_OK), f"{answer.status}: {of_body(answer.body)}")]
        samples = exposed_samples(answer.body, answer.content_type)
    except UnfitError as error:
        return [Problem(where, "a request that can be sent", str(error))]
    except RequestError as error:
        return [unanswered(where, error, service)]
    except UnreadableError as error:
        return [Problem(where, "a metrics page", f"{of_text(str(error))}: {of_body(answer.body)}")]
    declared = _declared(answer)
    found = (_absent(family, samples, declared, saved, where) for family in step.metrics.families)
    return [problem for problem in found if problem is not None]


def _declared(answer: Answer) -> set[str]:
    """Give the families that the page names, with samples or without."""
    return set(_DECLARED.findall(answer.body.decode("utf-8", "replace")))


def _absent(
    family: Family,
    samples: Sequence[Exposed],
    declared: set[str],
    saved: Mapping[str, Any],
    where: str,
) -> Problem | None:
    names = {family.name, *(f"{family.name}{suffix}" for suffix in _SUFFIXES)}
    mine = [sample for sample in samples if sample.metric in names]
    # OpenMetrics declares a counter without its _total.
    is_declared = family.name in declared or family.name.removesuffix("_total") in declared
    if not mine and not is_declared:
        known = sorted(declared | {sample.metric for sample in samples})
        came = f"none such among {len(known)}{nearest(family.name, known)}"
        return Problem(where, f"metric {family.name}", came)
    if not family.labels and not family.samples:
        return None
    wanted = {name: in_text(value, saved) for name, value in family.labels.items()}
    if any(wanted.items() <= dict(sample.labels).items() for sample in mine):
        return None
    shown = (
        f"{{{', '.join(f'{name}={value!r}' for name, value in wanted.items())}}}" if wanted else ""
    )
    came = f"{len(mine)} samples, none of them so" if mine else "the family without a sample"
    if mine:
        came += f", such as {of_text(_written(mine[0]))}"
    return Problem(where, f"a sample of {family.name}{shown}", came)


def _written(sample: Exposed) -> str:
    labels = ", ".join(f"{name}={value!r}" for name, value in sample.labels.items())
    return f"{sample.metric}{{{labels}}}"
