"""Why a version did not come up."""

from __future__ import annotations

from canaryctl.core.errors import CanaryctlError


class DeployFailed(CanaryctlError):
    """A step of a deployment failed; no traffic was shifted.

    Attributes:
        step: its name.
    """

    exit_code = 4

    def __init__(self, step: str, message: str, *, next_step: str = "") -> None:
        super().__init__(f"{step}: {message}", next_step=next_step)
        self.step = step


class Stopped(DeployFailed):
    """Somebody asked to stop; no traffic was shifted."""

    exit_code = 130

    def __init__(self, by: str) -> None:
        super().__init__("stopped", by)
