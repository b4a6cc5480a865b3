"""Reading canary.yaml: where it is, what is in it, and errors that name the key and the line."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from canaryctl.core.errors import ConfigError

DEFAULT = "canary.yaml"


def find(flag: Path | None, environment: Mapping[str, str]) -> Path:
    """Choose the file: ``--config``, else ``$CANARYCTL_CONFIG``, else ``./canary.yaml``.

    Raises:
        ConfigError: there is none; says how one is made.
    """
    path = flag or Path(environment.get("CANARYCTL_CONFIG") or DEFAULT)
    if not path.is_file():
        variable = path != Path(DEFAULT)
        where = "--config" if flag else "$CANARYCTL_CONFIG" if variable else "the default"
        raise ConfigError(
            f"no configuration: there is no file {path} ({where})",
            next_step="`canaryctl init` writes a canary.yaml; --config FILE names another one",
        )
    return path


def load(path: Path, environment: Mapping[str, str] | None = None) -> Any:
    """Read and check a file.

    Raises:
        ConfigError: unreadable, not YAML, or wrong; names file, line and key.
    """
    from canaryctl.config.document import text_of  # noqa: PLC0415  YAML, only when one is read

    text = text_of(path)
    return loads(text, str(path), os.environ if environment is None else environment)


def loads(text: str, name: str = DEFAULT, environment: Mapping[str, str] | None = None) -> Any:
    """Check a text; see ``load``."""
    from canaryctl.config.document import Document  # noqa: PLC0415  only when one is read
    from canaryctl.config.model import Config  # noqa: PLC0415
    from canaryctl.config.rules import broken  # noqa: PLC0415
    from canaryctl.config.secrets import learn  # noqa: PLC0415

    document = Document(
        Config,
        learn,
        expected="a mapping with service, versions, gateway … is expected",
        next_step="`canaryctl init` writes one to start from",
        rules=broken,
    )
    return document.checked(text, name, {} if environment is None else environment)
