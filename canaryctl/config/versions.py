"""``versions``: where both answer, and how they prove who they are."""

from __future__ import annotations

from pydantic import Field, model_validator

from canaryctl.config.base import Model
from canaryctl.config.fields import (
    Addresses,
    Url,
)


class IdentityModel(Model):
    """How each server of a version proves which one it is."""

    path: str = Field(pattern=r"^/[^\x00-\x20]*$", description="asked before each stage")
    json_field: str = Field(
        "",
        alias="json",
        pattern=r"^[A-Za-z0-9_.-]*$",
        description="field of the JSON answer, such as build.version; left out: the whole answer",
    )
    equals: str = Field(
        "{release}", min_length=1, description="what it must be; {release}: what is rolled out"
    )


class VersionModel(Model):
    """Where one version answers."""

    address: Addresses
    identity: IdentityModel | None = Field(
        None, description="how its servers prove their version; left out: they are not asked"
    )
    url: Url | None = Field(
        None, description="where it answers from here, past NGINX; left out: http://address"
    )

    def reached_at(self) -> str:
        """Give the URL that this version answers at from here, without a slash at its end.

        Empty where only ``url`` could tell: behind a Unix socket.
        """
        if self.url:
            return self.url.rstrip("/")
        return "" if self.address[0].startswith("unix:") else f"http://{self.address[0]}"


class Versions(Model):
    """Both sides."""

    stable: VersionModel
    canary: VersionModel

    @model_validator(mode="after")
    def _stable_is_another(self) -> Versions:
        identity = self.stable.identity
        if identity is not None and "{release}" in identity.equals:
            raise ValueError(
                "stable.identity.equals: what stable says of itself, such as v0.1.0; {release} is "
                "what the canary is"
            )
        return self

    @model_validator(mode="after")
    def _apart(self) -> Versions:
        both = set(self.stable.address) & set(self.canary.address)
        if both:
            raise ValueError(f"stable and canary share {', '.join(sorted(both))}")
        return self
