"""Whether NGINX would take some weights, and how it will treat them; nothing is in force by it."""

from __future__ import annotations

from collections.abc import Sequence

from canaryctl.core.weight import Weight
from canaryctl.drivers.nginx_change import refuse
from canaryctl.drivers.nginx_files import routed
from canaryctl.drivers.nginx_stage import Stage, failed
from canaryctl.drivers.nginx_survey import Surveyed
from canaryctl.ports import Host, Step


def tested(host: Host, place: Stage, texts: Sequence[tuple[Weight, str]]) -> None:
    """Have NGINX test each text, in one go with the host, and leave nothing behind.

    Args:
        host: where NGINX is.
        place: where the texts are put meanwhile.
        texts: each with the weight that it is for.

    Raises:
        ConfigError: NGINX refuses one.
        ConfigurationRefused: it does so for a name that does not resolve.
        HostError: they could not be written.
    """
    steps: list[Step] = []
    asked: list[Weight] = []
    for weight, text in texts:
        more = place.written(text)
        steps += more
        asked += [weight] * len(more)
    done = host.perform([*steps, *place.cleaned()])
    if (step := failed(steps, done)) is not None:
        host.perform(place.cleaned())
        refuse(step, place, asked[done.completed], done.output)


def notes_on(seen: Surveyed, upstream: str, live: str) -> tuple[str, ...]:
    """Say what somebody should know of this NGINX before traffic is shifted.

    Args:
        seen: what is around the live file.
        upstream: the name that its locations pass requests to.
        live: absolute path of canaryctl's file there.
    """
    notes = [f"NGINX {seen.version}"]
    if not seen.version.keeps_idle_connections:
        notes.append(
            "before 1.27.4 a reload closes idle keep-alive connections: a client that does "
            "not retry may lose a request"
        )
    if not routed(seen.files, upstream, besides=live):
        notes.append(
            f"no location was found that passes requests to {upstream} (or to "
            "$canaryctl_upstream): without one the weights reach no client"
        )
    return tuple(notes)
