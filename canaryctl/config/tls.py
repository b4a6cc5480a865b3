"""Certificates of a connection."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from canaryctl.config.base import Model


class TlsFiles(Model):
    """PEM files, relative to canary.yaml."""

    ca_file: str | None = Field(None, description="the authority to believe, and no other")
    cert_file: str | None = Field(None, description="our certificate, for who asks for one")
    key_file: str | None = Field(None, description="its private key, where not in cert_file")

    @model_validator(mode="after")
    def _pair(self) -> Self:
        if self.key_file is not None and self.cert_file is None:
            raise ValueError("key_file is the key of a certificate: give cert_file too")
        return self
