"""Telling people that a rollout was abandoned: the moment at which somebody must know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from canaryctl.core.notice import Channel, Level, Notice, Occasion
from canaryctl.core.redaction import SECRETS
from canaryctl.listeners.line import clean
from canaryctl.wiring import Build, owner

_NEXT = {
    Occasion.ABANDONED: "see what is in force: canaryctl status; what became of it: canaryctl "
    "history; go on with it: canaryctl resume",
    Occasion.UNPROVEN: "look now: canaryctl status; then canaryctl recover, or NGINX itself",
}


def notice(build: Build, occasion: Occasion, said: str) -> Notice:
    """Write it: what a guard found, and what it did."""
    what = "a rollout was abandoned" if occasion is Occasion.ABANDONED else "traffic is NOT PROVEN"
    lines = (
        said,
        f"by        guard {owner()}",
        f"gateway   {build.gateway}",
        f"next      {_NEXT[occasion]}",
    )
    title = clean(f"{build.config.service}: {what}")
    return Notice(occasion, title, "\n".join(map(clean, lines)))


def channels_json(channels: Sequence[Channel]) -> list[dict[str, Any]]:
    """Write channels for a guard's life line. They are secrets: it goes nowhere else."""
    return [
        {
            "name": one.name,
            "to": one.to,
            "events": [event.value for event in one.events],
            "severity": one.severity.value,
        }
        for one in channels
    ]


def channels(given: Sequence[Mapping[str, Any]]) -> tuple[Channel, ...]:
    """Read what ``channels_json`` wrote, and know from now on what is secret in it.

    Raises:
        KeyError, TypeError, ValueError: it wrote something else.
    """
    read = tuple(
        Channel(
            str(one["name"]),
            str(one["to"]),
            frozenset(map(Occasion, one["events"])),
            Level(one["severity"]),
        )
        for one in given
    )
    SECRETS.know([secret for one in read for secret in one.secrets()])
    return read
