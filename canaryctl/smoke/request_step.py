"""A step that asks: the request, and what is wrong with its answer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from canaryctl.config.secrets import is_secret
from canaryctl.core.redaction import SECRETS
from canaryctl.drivers.bounded_http import Answer, NoConnectionError, RequestError
from canaryctl.smoke.excerpt import of_body, of_text, of_value
from canaryctl.smoke.json_body import NoJsonError, document_of
from canaryctl.smoke.json_path import Found, JsonPath
from canaryctl.smoke.problem import Problem
from canaryctl.smoke.saved import UnfitError, in_header, in_json, in_text, in_url
from canaryctl.smoke.service import Service
from canaryctl.smoke.suite import RequestStep

if TYPE_CHECKING:
    from canaryctl.ports import Clock

_TYPE = "application/json"
_BEGINNING = 60
_REDIRECTS = range(300, 400)


@dataclass(slots=True)
class Asked:
    """What came of one request.

    Attributes:
        said: for people, when all is well.
        problems: what is not as expected.
        saved: values for later steps, also when something else is wrong.
        answered: an answer with an expected status came.
        connected: somebody took the connection.
    """

    said: str = ""
    problems: list[Problem] = field(default_factory=list)
    saved: dict[str, Any] = field(default_factory=dict)
    answered: bool = False
    connected: bool = True


def ask(
    step: RequestStep, service: Service, saved: Mapping[str, Any], timeout: float, clock: Clock
) -> Asked:
    """Do a step."""
    request, asked = step.request, Asked()
    where = f"{request.method} {of_text(request.path)}"
    try:
        path = in_url(request.path, saved)
        where = f"{request.method} {of_text(path)}"
        headers, content = _head_and_body(step, saved)
        answer = service.ask(
            request.method,
            path,
            timeout=timeout,
            headers=headers,
            content=content,
            follow=request.follow_redirects,
        )
    except UnfitError as error:
        asked.problems.append(Problem(where, "a request that can be sent", str(error)))
        return asked
    except RequestError as error:
        asked.connected = not isinstance(error, NoConnectionError)
        asked.problems.append(unanswered(where, error, service))
        return asked
    asked.said = f"{answer.status} {of_text(answer.reason, _BEGINNING)}".strip()
    if not _fits(answer.status, step.expect.status):
        asked.problems.append(_status(answer, step))
        return asked
    asked.answered = True
    try:
        _read(step, answer, saved, asked, clock)
    except UnfitError as error:
        asked.problems.append(Problem(where, "an expectation that can be made", str(error)))
    return asked


def unanswered(where: str, error: RequestError, service: Service) -> Problem:
    """Say that no answer came, and from where."""
    next_step = ""
    if isinstance(error, NoConnectionError):
        next_step = f"see whether it runs, and listens at {service.shown} as reached from here"
    return Problem(where, "an answer", f"none from {service.shown}: {error}", next_step)


def _head_and_body(
    step: RequestStep, saved: Mapping[str, Any]
) -> tuple[dict[str, str], bytes | None]:
    request = step.request
    headers = {
        name: in_header(value.get_secret_value(), saved) for name, value in request.headers.items()
    }
    if not request.has_body:
        return headers, None
    if "content-type" not in map(str.lower, headers):
        headers["Content-Type"] = _TYPE
    return headers, json.dumps(in_json(request.body, saved)).encode()


def _fits(status: int, wanted: tuple[int | str, ...]) -> bool:
    return any(one in (status, f"{status // 100}xx") for one in wanted)


def _status(answer: Answer, step: RequestStep) -> Problem:
    wanted = " or ".join(map(str, step.expect.status))
    came = f"{answer.status} {of_text(answer.reason, _BEGINNING)}".strip()
    if answer.status in _REDIRECTS and answer.location:
        return Problem(
            "status",
            wanted,
            f"{came} to {of_text(answer.location)}",
            "where that is right, set request.follow_redirects: true",
        )
    return Problem("status", wanted, f"{came}: {of_body(answer.body)}")


def _read(
    step: RequestStep, answer: Answer, saved: Mapping[str, Any], asked: Asked, clock: Clock
) -> None:
    expect = step.expect
    for name, wanted in expect.headers.items():
        asked.problems += _header(answer, name, in_text(wanted, saved))
    if expect.body is not None:
        wanted = in_text(expect.body, saved)
        if wanted not in answer.body.decode("utf-8", "replace"):
            asked.problems.append(Problem("body", of_value(wanted), of_body(answer.body)))
    if not expect.values and not step.save:
        return
    try:
        document = document_of(answer.body)
    except NoJsonError as error:
        kind = of_text(answer.content_type, _BEGINNING) or "no content type"
        came = f"{kind}, {error}" if str(error) else kind
        asked.problems.append(Problem("body", "JSON", f"{came}: {of_text(_text(answer))}"))
        return
    for path, check in expect.values.items():
        looked = JsonPath.parse(path).look(document)
        asked.problems += check.problems(path, looked, saved, clock)
    asked.problems += _save(step, document, asked)


def _text(answer: Answer) -> str:
    return answer.body[:4_000].decode("utf-8", "replace") or "an empty body"


def _header(answer: Answer, name: str, wanted: str) -> Iterator[Problem]:
    came = answer.header(name)
    if came != wanted:
        shown = "nothing" if came is None else of_value(came)
        yield Problem(f"header {name}", of_value(wanted), shown)


def _save(step: RequestStep, document: Any, asked: Asked) -> list[Problem]:
    """Keep values for later steps. An empty one is none: a later request would go elsewhere."""
    said_already = {problem.where for problem in asked.problems}
    problems = []
    for name, path in step.save.items():
        (found,) = JsonPath.parse(path).look(document)
        value = found.value if isinstance(found, Found) else None
        if value is None or (isinstance(value, str) and not value.strip()):
            shown = of_value(value) if isinstance(found, Found) else "nothing"
            if found.path not in said_already:
                problems.append(Problem(found.path, f"a value to save as {name}", shown))
            continue
        asked.saved[name] = value
        if isinstance(value, str) and (is_secret((name,)) or is_secret((path.split(".")[-1],))):
            SECRETS.add([value])
    return problems
