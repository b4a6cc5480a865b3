"""Probes that ask one question: a program, a port, a page, the gateway."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from canaryctl.checking.finding import Said, failed, passed
from canaryctl.checking.scene import Given, Scene
from canaryctl.checking.words import how_it_ended, line_of
from canaryctl.config.probes import ProbeModel
from canaryctl.core.weight import Weight
from canaryctl.drivers.bounded_http import Answer, BoundedHttp, RequestError
from canaryctl.drivers.http_address import Address
from canaryctl.drivers.http_errors import NO_NAME
from canaryctl.quantities import spelled

LARGEST = 8 * 2**20
"""Bytes of an answer."""
_GOOD = range(200, 300)
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Probe:
    """One entry of ``checks.probes``."""

    scene: Scene
    asked: ProbeModel
    ask: Callable[[Scene, ProbeModel], Said]

    @property
    def name(self) -> str:
        """As it was given."""
        return self.asked.name

    @property
    def within(self) -> float:
        """Seconds."""
        return self.asked.timeout

    def look(self) -> Said:
        """Ask."""
        return self.ask(self.scene, self.asked)


def command(scene: Scene, asked: ProbeModel) -> Said:
    """Run a program in the folder of canary.yaml."""
    argv = asked.command or ()
    ran = scene.run(argv, asked.timeout)
    if ran.code == 0:
        return passed(line_of(ran.last_words) or "ended with 0")
    hand = " ".join(argv)
    return failed(f"{argv[0]} {how_it_ended(ran, asked.timeout)}", f"run `{line_of(hand)}` by hand")


def tcp(scene: Scene, asked: ProbeModel) -> Said:  # noqa: ARG001  every probe is asked alike
    """Connect to a port."""
    where = asked.tcp or ""
    host, _, port = where.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=asked.timeout):
            return passed(f"{where} accepts connections")
    except TimeoutError:
        why = f"no answer within {spelled(asked.timeout)}"
    except UnicodeError:
        return failed(f"{where}: {NO_NAME}", f"mend the name in checks.probes: {asked.name}")
    except OSError as error:
        why = error.strerror or str(error)
    return failed(f"{where}: {why}", f"see that it runs, and listens on {where}")


def http(scene: Scene, asked: ProbeModel) -> Said:
    """Ask a page, and hold the answer against what it should be."""
    address = Address.parse(asked.http or "", key=f"checks.probes: {asked.name}")
    try:
        answer = fetched(scene, asked, address)
    except RequestError as error:
        return failed(f"{address.display}: {error}", "see that it runs and is reached from here")
    words = _wrong(answer, asked)
    if not words:
        return passed(f"{address.display} answers {answer.status}")
    said = f"; it says {line_of(answer.body.decode(errors='replace'))!r}"
    return failed(f"{address.display} {words}{said}", f"`curl -i {address.display}`")


def fetched(scene: Scene, asked: ProbeModel, address: Address) -> Answer:
    """Give the answer of a URL.

    Raises:
        RequestError: there is none.
    """
    pool = BoundedHttp(
        scene.clock,
        timeout=asked.timeout,
        limit=LARGEST,
        headers={name: value.get_secret_value() for name, value in asked.headers.items()},
        proxies=not address.is_loopback,
    )
    try:
        return pool.request("GET", address.url, auth=address.credentials)
    finally:
        pool.close()


def weights(given: Given, asked: ProbeModel) -> Said:
    """Ask NGINX for the canary's weight."""
    expected = Weight.parse(asked.weights if asked.weights is not None else 0)
    seen = given.in_force()
    if seen.generation is None or seen.weight is None:
        return failed(
            f"NGINX does not say what is in force: {seen.problem}",
            "`canaryctl status`, and `canaryctl recover` where it says so",
        )
    said = f"canary {seen.weight} % in force (generation {seen.generation})"
    if seen.weight == expected:
        return passed(said)
    set_it = f"`canaryctl weights set {expected}`, unless a rollout runs: `canaryctl status`"
    return failed(f"{said}, not {expected} %", set_it)


def notify(given: Given, asked: ProbeModel) -> Said:  # noqa: ARG001  see tcp
    """Send a test message over every channel."""
    return given.notify()


def _wrong(answer: Answer, asked: ProbeModel) -> str:
    if asked.status is None and answer.status not in _GOOD:
        return f"answers {answer.status}, not 2xx"
    if asked.status is not None and answer.status != asked.status:
        return f"answers {answer.status}, not {asked.status}"
    if asked.contains is not None and asked.contains not in answer.body.decode(errors="replace"):
        return f"answers without {asked.contains!r}"
    return _wrong_json(answer.body, asked.json_fields) if asked.json_fields else ""


def _wrong_json(body: bytes, fields: Mapping[str, Any]) -> str:
    try:
        whole = json.loads(body)
    except (ValueError, RecursionError):
        return "answers no JSON"
    for path, expected in fields.items():
        seen = _field(whole, path)
        if seen is _ABSENT:
            return f"answers without {path}"
        # True is 1 for Python.
        if seen != expected or isinstance(seen, bool) != isinstance(expected, bool):
            return f"answers {path} = {line_of(json.dumps(seen))}, not {json.dumps(expected)}"
    return ""


def _field(whole: Any, path: str) -> Any:
    here = whole
    for part in path.split("."):
        if isinstance(here, dict) and part in here:
            here = here[part]
        elif isinstance(here, list) and part.isascii() and part.isdigit() and int(part) < len(here):
            here = here[int(part)]
        else:
            return _ABSENT
    return here
