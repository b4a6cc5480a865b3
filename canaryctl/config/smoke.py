"""``smoke``: what a version is tested with before it gets traffic."""

from __future__ import annotations

from pydantic import Field, SecretStr

from canaryctl.config.deploy import File
from canaryctl.config.tls import TlsFiles


class SmokeModel(TlsFiles):
    """The smoke test."""

    suite: File | None = Field(
        None, description="the suite's file, relative to canary.yaml; left out: the shipped one"
    )
    headers: dict[str, SecretStr] = Field(
        default_factory=dict, description="sent with every request of it"
    )
