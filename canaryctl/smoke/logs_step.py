"""A step that waits for a line in the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from canaryctl.core.errors import HostError
from canaryctl.smoke.excerpt import of_text, of_value
from canaryctl.smoke.log_line import Fields, agrees, event_fields, lacking, value_of
from canaryctl.smoke.problem import Problem
from canaryctl.smoke.saved import in_json
from canaryctl.smoke.suite import LoggedEvent
from canaryctl.smoke.target import LogSource, NotThereYetError

if TYPE_CHECKING:
    from canaryctl.ports import Clock

_LOOK_AGAIN = 0.25
_SHOWN = 100
NO_SOURCE = (
    "name it: --container NAME or --log-file FILE (in canary.yaml: deploy; in the suite: "
    "containers); --skip-logs leaves these steps out"
)


def wait_for(
    logged: LoggedEvent, source: LogSource, saved: Mapping[str, Any], clock: Clock
) -> tuple[list[Problem], str]:
    """Wait until the event is logged; give what is wrong when time is up, and the line.

    Raises:
        UnfitError: a saved value cannot stand in ``values``.
    """
    wanted = {name: in_json(value, saved) for name, value in logged.values.items()}
    until = clock.now() + logged.within
    while True:
        try:
            problems, line = _looked(source.lines(), logged, wanted, source)
        except NotThereYetError as error:
            problems, line = [unreadable(source, error)], ""
        except HostError as error:
            return [unreadable(source, error)], ""
        left = until - clock.now()
        if not problems or left <= 0:
            return problems, line
        clock.sleep(min(_LOOK_AGAIN, left))


def unreadable(source: LogSource, error: HostError) -> Problem:
    """Say that there is no log to look into."""
    where = f"log of {source.describe()}"
    return Problem(where, "to be readable", str(error), error.next_step or NO_SOURCE)


def _looked(
    lines: Sequence[str], logged: LoggedEvent, wanted: Mapping[str, Any], source: LogSource
) -> tuple[list[Problem], str]:
    where = f"log of {source.describe()}"
    within = f"within {logged.within:g} s"
    closest: list[Problem] | None = None
    seen = 0
    for line in reversed(lines):
        fields = event_fields(line, logged.event)
        if fields is None:
            continue
        seen += 1
        problems = _wrong(fields, logged, wanted, line)
        if not problems:
            return [], of_text(line, _SHOWN)
        if closest is None or len(problems) < len(closest):
            closest = problems
    if closest is None:
        came = f"none among {len(lines)} new lines" if lines else "no new line at all"
        return [Problem(where, f"a line {logged.event} {within}", came)], ""
    if seen > 1:
        one = f"{closest[0].came} (the closest of {seen} lines)"
        closest[0] = Problem(closest[0].where, closest[0].expected, one)
    return closest, ""


def _wrong(
    fields: Fields, logged: LoggedEvent, wanted: Mapping[str, Any], line: str
) -> list[Problem]:
    names = tuple(dict.fromkeys((*logged.fields, *wanted)))
    missing = lacking(fields, tuple(name for name in names if wanted.get(name, "") is not None))
    problems = []
    if missing:
        said = f"field {', '.join(missing)}"
        problems.append(
            Problem(f"{logged.event} in the log", said, f"a line without: {of_text(line)}")
        )
    for name, value in wanted.items():
        if name not in missing and not agrees(value_of(fields, name), value):
            came = of_value(value_of(fields, name))
            problems.append(Problem(f"{logged.event}.{name} in the log", of_value(value), came))
    return problems
