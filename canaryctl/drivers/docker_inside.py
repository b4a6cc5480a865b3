"""A container as it was found, and commands in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from canaryctl.core.errors import HostError
from canaryctl.drivers.docker_container import name_of
from canaryctl.drivers.docker_exec import COULD_NOT_START, Ended, run_in

if TYPE_CHECKING:
    import docker


@dataclass(frozen=True, slots=True)
class Inside:
    """One container, for as long as one call takes: it may be recreated at any time.

    Attributes:
        client: of the engine.
        found: what the engine says of it (``docker inspect``).
        timeout: seconds for one silence of a command.
    """

    client: docker.DockerClient
    found: Mapping[str, Any]
    timeout: int

    @property
    def name(self) -> str:
        """Its name, for messages."""
        return name_of(self.found)

    def run(self, command: list[str], user: str = "") -> Ended:
        """Run a command in it, as its own user or as another (``user:group``).

        Raises:
            HostError: no answer in time, or there is no ``sh`` where the command is one of it.
        """
        ended = run_in(self.client, self.found["Id"], self.name, command, self.timeout, user)
        if command[0] == "sh" and ended.exit_code in COULD_NOT_START:
            raise self.lacks("sh")
        return ended

    def lacks(self, tool: str, needs: str = "sh, mv and rm") -> HostError:
        """Give the error for a program that is not in it."""
        return HostError(
            f"container {self.name!r} has no {tool!r}",
            next_step=f"NGINX's image needs {needs}: use one that has them, such as nginx:alpine.",
        )
