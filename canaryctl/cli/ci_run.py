"""What a CI system shows beside the log, where canaryctl runs in one. Nothing anywhere else.

Any verb may use ``annotate`` and ``summarise``: they never raise and never touch stdout.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable

    from canaryctl.listeners.words import Banner
    from canaryctl.ports import Listener

_log = logging.getLogger(__name__)
_SUMMARY = "GITHUB_STEP_SUMMARY"


def in_actions() -> bool:
    """Tell whether this is a step of GitHub Actions (or of what understands its commands)."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def ci_listeners(banner: Banner, rollout: str, stream: TextIO) -> list[Listener]:
    """Give who shows a rollout to the CI system that it runs in.

    Args:
        banner: what is rolled out.
        rollout: its id.
        stream: where the log's lines go; these listeners stand behind whoever writes them.
    """
    if in_actions():
        from canaryctl.listeners.actions import ActionsListener

        return [ActionsListener(banner, stream, _summary(), _report_of(rollout))]
    if os.environ.get("GITLAB_CI") == "true":
        from canaryctl.listeners.gitlab import GitlabListener

        return [GitlabListener(stream)]
    return []


def annotate(title: str, message: str, *, level: str = "error") -> None:
    """Annotate the step: ``level`` is error, warning or notice. Goes to stderr."""
    if not in_actions():
        return
    from canaryctl.listeners.outlet import Outlet
    from canaryctl.listeners.workflow_command import Level, annotation

    Outlet(sys.stderr).write(annotation(Level(level), title, message))


def summarise(written: Callable[[], str]) -> None:
    """Add Markdown to the job's summary; it is only made where there is one."""
    file = _summary() if in_actions() else None
    if file is None:
        return
    try:
        from canaryctl.listeners.actions import write_summary

        write_summary(file, written())
    except Exception as error:  # noqa: BLE001  a summary never changes an exit code
        _log.warning("no summary for this job: %s", error)


def _summary() -> Path | None:
    given = os.environ.get(_SUMMARY)
    return Path(given) if given else None


def _report_of(rollout: str) -> Callable[[], str]:
    def written() -> str:
        from canaryctl.reporting.markdown import markdown
        from canaryctl.reporting.read import report_of

        return markdown(report_of(rollout))

    return written
