"""What drivers quote of others is hidden before it is cut: half a secret is none that is known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pytest

from canaryctl.core.errors import HostError
from canaryctl.core.redaction import SECRETS
from canaryctl.drivers.docker_exec import Ended
from canaryctl.drivers.docker_files import text_of
from canaryctl.drivers.docker_ssh import _Socket
from canaryctl.drivers.exposition_text import UnreadableError, exposed_samples

SECRET = "hunter2-of-the-shop"  # noqa: S105  looked for where it may not be


@pytest.fixture(autouse=True)
def _known() -> Iterator[None]:
    SECRETS.know([SECRET])
    yield
    SECRETS.know(())


class Refusing:
    """A container whose files lie in memory; every command says a secret at the cut, and fails."""

    name = "nginx"
    found: ClassVar[dict[str, object]] = {"Mounts": [], "HostConfig": {"Tmpfs": {"/etc": ""}}}

    def run(self, _command: list[str], user: str = "") -> Ended:  # noqa: ARG002  as Inside has it
        return Ended(1, f"{'x' * 290}{SECRET}".encode())


def test_what_a_command_in_a_container_says() -> None:
    with pytest.raises(HostError) as refused:
        text_of(Refusing(), "/etc/it")  # type: ignore[arg-type]
    assert "xxx" in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_what_ssh_says() -> None:
    ssh = _Socket.to(["sh", "-c", f"printf '%0290d {SECRET}' 0 >&2"])
    ssh.close()
    assert ssh.said.startswith("000")
    assert "hunter2" not in ssh.said


def test_what_a_metrics_page_says() -> None:
    with pytest.raises(UnreadableError) as refused:
        exposed_samples(f"a {'0' * 150}{SECRET}".encode(), "text/plain")
    assert "000" in str(refused.value)
    assert "hunter2" not in str(refused.value)
