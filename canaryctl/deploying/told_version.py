"""Which version a container runs, as far as its image tells."""

from __future__ import annotations

import re
from dataclasses import dataclass

from canaryctl.drivers.compose_containers import Container

LABEL = "org.opencontainers.image.version"
_VERSION = re.compile(r"v?\d+(\.\d+)+([-+.][0-9A-Za-z.+-]*)?")


@dataclass(frozen=True, slots=True)
class Told:
    """What an image says of its version.

    Attributes:
        right: whether it is the wanted one; None: the image does not tell.
        said: in words.
    """

    right: bool | None
    said: str


def told(container: Container, release: str) -> Told:
    """Tell whether a container runs a release, by its image's tag, or the label of its image.

    A label that names another version tells nothing: images take it over from those that they
    are built on.
    """
    names = (release, release.removeprefix("v"))
    if container.tagged is not None and container.tagged != container.image_id:
        said = f"{container.name} runs an older image of {container.image} than the one here"
        return Told(False, said)
    tag = _tag(container.image)
    if tag in names:
        return Told(True, f"{container.name} runs {container.image}")
    if container.labels.get(LABEL) in names:
        return Told(True, f"{container.name} runs {container.image}, labelled {release}")
    if _VERSION.fullmatch(tag):
        return Told(False, f"{container.name} runs {container.image}, not {release}")
    return Told(None, f"{container.name} runs {container.image}, which names no version")


def _tag(image: str) -> str:
    """Give an image's tag: ``registry:5000/shop/app:v1@sha256:…`` has ``v1``."""
    name = image.partition("@")[0].rpartition("/")[2]
    return name.partition(":")[2] or "latest"
