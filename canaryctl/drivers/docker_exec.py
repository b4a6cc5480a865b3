"""One command in a container: its exit code and what it printed, bounded in time and size."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from canaryctl.core.errors import HostError
from canaryctl.drivers.docker_connect import engine_errors

if TYPE_CHECKING:
    import docker

_FRAME = struct.Struct(">BxxxL")  # stream, length; docs.docker.com/engine/api, "ContainerAttach"
_MOST_BYTES = 4_000_000
_ASKED_FOR_EXIT = 200  # one question is about 1 ms
COULD_NOT_START = (126, 127)


@dataclass(frozen=True, slots=True)
class Ended:
    """What a command came to."""

    exit_code: int
    output: bytes

    @property
    def text(self) -> str:
        """The output for people; bytes that are no UTF-8 are marked."""
        return self.output.decode(errors="replace").strip()


def run_in(
    client: docker.DockerClient,
    container_id: str,
    name: str,
    command: list[str],
    timeout: int,
    user: str = "",
) -> Ended:
    """Run a command, as the container's user or as another (``user:group``), and wait for its end.

    ``exec_run`` of the SDK waits without limit for a command that hangs, so the answer is
    read here, from the same endpoint, with a limit on every wait.

    Raises:
        HostError: the engine does not answer, or the command is silent for ``timeout`` seconds.
    """
    api = client.api
    with engine_errors(f"cannot run {command[0]!r} in container {name!r}"):
        exec_id = str(api.exec_create(container_id, command, user=user)["Id"])
        response = api.post(
            f"{api.base_url}/v{api.api_version}/exec/{exec_id}/start",
            json={"Detach": False, "Tty": False},
            stream=True,
            timeout=timeout,
        )
        with response:
            if not response.ok:
                # Engines differ in whether a missing program is an answer or an error.
                if "executable file not found" in response.text:
                    return Ended(COULD_NOT_START[1], response.content)
                raise HostError(
                    f"cannot run {command[0]!r} in container {name!r}: {response.text.strip()}"
                )
            raw = bytearray()
            for chunk in response.iter_content(65_536):
                raw += chunk
                if len(raw) > _MOST_BYTES:
                    raise HostError(f"{command[0]!r} in container {name!r} does not stop printing")
        # The stream can end a moment before the engine has noted the exit code.
        for _ in range(_ASKED_FOR_EXIT):
            state = api.exec_inspect(exec_id)
            if state["ExitCode"] is not None and not state["Running"]:
                return Ended(int(state["ExitCode"]), _payload(bytes(raw)))
    raise HostError(f"{command[0]!r} in container {name!r} closed its output and does not end")


def _payload(raw: bytes) -> bytes:
    """Take both streams out of their frames, in the order in which they were written."""
    parts: list[bytes] = []
    at = 0
    while at + _FRAME.size <= len(raw):
        _stream, length = _FRAME.unpack_from(raw, at)
        at += _FRAME.size
        parts.append(raw[at : at + length])
        at += length
    return b"".join(parts)
