"""Who shows a rollout to Prometheus, where canary.yaml has ``export``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from canaryctl.config.model import Config
    from canaryctl.ports import Listener, Mark


def exported(config: Config, mark: Mark, stopped: Callable[[], str | None]) -> list[Listener]:
    """Give the listener that exports the rollout's metrics; none where nothing is exported."""
    if config.export is None or config.export.listen is None:
        return []
    from canaryctl.config.export import split
    from canaryctl.listeners.exporter import Exporter

    return [
        Exporter(
            split(config.export.listen),
            config.service,
            mark,
            linger=config.export.linger,
            stopped=stopped,
            say=lambda text: typer.echo(text, err=True),
        )
    ]
