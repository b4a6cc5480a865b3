"""Which engine Compose acts on: the one that ``docker_connect.connect`` reaches, and no other."""

from __future__ import annotations

import os


def engine_environment(
    docker_host: str | None = None, docker_context: str | None = None, tls_dir: str | None = None
) -> dict[str, str]:
    """Give what Compose's environment has to say, besides this process' own.

    ``docker`` lets ``DOCKER_HOST`` go before ``DOCKER_CONTEXT``: what is configured makes the other
    one empty, which counts as not set.

    Args:
        docker_host: of the configuration, as in ``docker_connect.connect``; and so are
        docker_context: this,
        tls_dir: and this.
    """
    chosen: dict[str, str] = {}
    if docker_host:
        chosen = {"DOCKER_HOST": docker_host, "DOCKER_CONTEXT": ""}
    elif docker_context:
        return {"DOCKER_HOST": "", "DOCKER_CONTEXT": docker_context}  # it has keys of its own
    url = docker_host or os.environ.get("DOCKER_HOST", "")
    if tls_dir and url.startswith(("tcp://", "https://")):
        chosen |= {"DOCKER_CERT_PATH": tls_dir, "DOCKER_TLS_VERIFY": "1"}
    return chosen
