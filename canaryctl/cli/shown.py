"""Who shows a rollout: a live display, plain lines, or JSON."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from canaryctl.cli.context import Output

if TYPE_CHECKING:
    from canaryctl.listeners.words import Banner
    from canaryctl.ports import Listener, Mark
    from canaryctl.wiring import Build


def banner_of(build: Build, mark: Mark, command: str, *, deployed: bool = False) -> Banner:
    """Say what is rolled out, and where.

    ``command`` is how canaryctl was called, up to the verb, for the next steps. ``deployed``: the
    canary goes when the rollout goes back.
    """
    from canaryctl.cli.rules import judged_line
    from canaryctl.listeners.words import Banner

    return Banner(
        service=build.config.service,
        release=mark.release,
        gateway=f"{build.host.describe()}, {build.config.gateway.config}",
        source=build.source,
        command=command,
        judged=judged_line(build.config),
        deployed=deployed,
    )


def shown(banner: Banner, rollout: str, output: Output, *, late: bool = False) -> list[Listener]:
    """Choose the listeners.

    JSON stands alone on stdout, with plain lines for people on stderr. On a terminal the
    display is live; anywhere else plain lines make a log. ``rollout`` is its id. ``late``: more
    is written to stdout after the rollout has ended, before its outcome.
    """
    from canaryctl.cli.ci_run import ci_listeners

    if output is Output.JSON:
        from canaryctl.listeners.ndjson import NdjsonListener
        from canaryctl.listeners.plain import PlainListener

        people = [
            PlainListener(banner, sys.stderr),
            *ci_listeners(banner, rollout, sys.stderr),
        ]
        return [NdjsonListener(banner, sys.stdout, late=late), *people]
    if sys.stdout.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("CI"):
        from canaryctl.listeners.live import LiveListener, Terminal

        return [LiveListener(banner, Terminal())]
    from canaryctl.listeners.plain import PlainListener

    return [PlainListener(banner, sys.stdout), *ci_listeners(banner, rollout, sys.stdout)]
