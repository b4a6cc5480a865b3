"""A Grafana dashboard is there and has its panels: as a file, or as Grafana itself gives it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from canaryctl.checking.asking import LARGEST, fetched
from canaryctl.checking.finding import Said, failed, passed, some
from canaryctl.checking.scene import Scene
from canaryctl.config.probes import ProbeModel
from canaryctl.drivers.bounded_http import RequestError
from canaryctl.drivers.http_address import Address
from canaryctl.drivers.tree import FileProblem

_OK = 200


def dashboard(scene: Scene, asked: ProbeModel) -> Said:
    """Read it, and look for the panels."""
    where = asked.dashboard or ""
    try:
        shown, text = _read(scene, asked, where)
    except FileProblem as error:
        return failed(f"{where} {error}", f"put the dashboard's JSON at {where}")
    except RequestError as error:
        return failed(str(error), "see that Grafana runs, and what its log says")
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        return failed(f"{shown} is not JSON", "export the dashboard's JSON model from Grafana")
    inner = whole.get("dashboard", whole) if isinstance(whole, dict) else None
    titles = list(panels(inner))
    if not titles:
        return failed(f"{shown} has no panels", "is this the JSON of a dashboard?")
    known = {one.casefold() for one in titles}
    if absent := [one for one in asked.panels if one.casefold() not in known]:
        return failed(f"{shown} lacks the panel {some(absent)}", "add it, or mend the probe")
    return passed(f"{shown} has {len(titles)} panels")


def panels(whole: Any) -> Iterator[str]:
    """Give the titles of all panels that show something, those within rows too."""
    left = [whole]
    while left:
        here = left.pop()
        if not isinstance(here, dict):
            continue
        for key in ("panels", "rows"):
            inside = here.get(key)
            for one in inside if isinstance(inside, list) else ():
                left.append(one)
                is_panel = key == "panels" and isinstance(one, dict) and one.get("type") != "row"
                if is_panel and isinstance(one.get("title"), str):
                    yield one["title"]


def _read(scene: Scene, asked: ProbeModel, where: str) -> tuple[str, str]:
    if not where.startswith(("http://", "https://")):
        return where, scene.tree.text(where, LARGEST)
    address = Address.parse(where, key=f"checks.probes: {asked.name}")
    try:
        answer = fetched(scene, asked, address)
    except RequestError as error:
        raise RequestError(f"{address.display}: {error}") from error
    if answer.status != _OK:
        raise RequestError(f"{address.display} answers {answer.status}")
    return address.display, answer.body.decode(errors="replace")
