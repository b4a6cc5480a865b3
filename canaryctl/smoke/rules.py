"""What spans several steps of a suite: names, and which value is saved where."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from canaryctl.config.mistakes import Place, nearest
from canaryctl.smoke.saved import references
from canaryctl.smoke.suite import AnyStep, Suite


def broken(suite: Suite) -> Iterator[tuple[Place, str]]:
    """Give each mistake with its place."""
    names: list[str] = []
    requests: list[str] = []
    saved: dict[str, str] = {}
    for header, value in suite.headers.items():
        if any(references(value.get_secret_value())):
            yield ("headers", header), "it is sent from the first step on: nothing is saved by then"
    for index, step in enumerate(suite.steps):
        here: Place = ("steps", index)
        if step.name in names:
            yield (*here, "name"), f"the name {step.name!r} is used twice"
        if step.after is not None and step.after not in requests:
            near = nearest(step.after, requests)
            yield (*here, "after"), f"{step.after!r} is no earlier step with a request{near}"
        for place, said in _values(step, saved):
            yield (*here, *place), said
        saved |= dict.fromkeys(getattr(step, "save", ()), step.name)
        names.append(step.name)
        requests += [step.name] * hasattr(step, "request")


def _values(step: AnyStep, saved: dict[str, str]) -> Iterator[tuple[Place, str]]:
    """Find values that are used before they are saved, or saved twice."""
    for place, name in used(step):
        if name not in saved:
            said = f"{{{name}}} is saved by no earlier step{nearest(name, list(saved))}"
            yield place, f"{said}; {{{{{name}}}}} stands for the text itself"
    for name in getattr(step, "save", ()):
        if name in saved:
            yield ("save", name), f"step {saved[name]!r} saves it already"


def used(step: AnyStep) -> Iterator[tuple[Place, str]]:
    """Give the saved values that a step needs, and where."""
    for place, value in _places(step):
        for name in references(value):
            yield place, name


def _places(step: Any) -> Iterator[tuple[Place, Any]]:
    if (request := getattr(step, "request", None)) is not None:
        yield ("request", "path"), request.path
        yield ("request", "json"), request.body
        for name, value in request.headers.items():
            yield ("request", "headers", name), value.get_secret_value()
        for path, check in step.expect.values.items():
            yield ("expect", "json", path), check.equals
        for name, value in step.expect.headers.items():
            yield ("expect", "headers", name), value
        yield ("expect", "body"), step.expect.body
    elif (logs := getattr(step, "logs", None)) is not None:
        for name, value in logs.values.items():
            yield ("logs", "values", name), value
    else:
        yield ("metrics", "path"), step.metrics.path
        for index, family in enumerate(step.metrics.families):
            for name, value in family.labels.items():
                yield ("metrics", "families", index, "labels", name), value
