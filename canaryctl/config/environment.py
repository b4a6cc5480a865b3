"""The environment's values in a YAML file: ``${VAR}``, ``${VAR:-default}``, ``$$`` for a dollar."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from canaryctl.config.mistakes import Place, placed
from canaryctl.config.yaml_text import Lines
from canaryctl.core.errors import ConfigError

Given = dict[Place, list[tuple[str, str]]]
"""Where values of the environment were filled in: the variables' names and values."""

_VARIABLE = re.compile(r"\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


def filled(
    value: Any, environment: Mapping[str, str], lines: Lines, name: str
) -> tuple[Any, Given]:
    """Give a parsed file with the environment's values in place, and what came from there.

    Raises:
        ConfigError: a variable is not set, or is no text; names file, line and key.
    """
    given: Given = {}
    return _filled(value, environment, (), lines, name, given), given


def _filled(
    value: Any,
    environment: Mapping[str, str],
    path: Place,
    lines: Lines,
    name: str,
    noted: Given,
) -> Any:
    if isinstance(value, dict):
        keys = {key: _name(key, path, lines, name) for key in value}
        return {
            text: _filled(value[key], environment, (*path, text), lines, name, noted)
            for key, text in keys.items()
        }
    if isinstance(value, list):
        return [
            _filled(v, environment, (*path, i), lines, name, noted) for i, v in enumerate(value)
        ]
    if not isinstance(value, str):
        return value

    def replaced(found: re.Match[str]) -> str:
        variable, default = found.group(1), found.group(2)
        if variable is None:
            return "$"
        given = environment.get(variable) or default
        if environment.get(variable):
            noted.setdefault(path, []).append((variable, environment[variable]))
        if given is None:
            raise ConfigError(
                f"{placed(path, lines, name)}: ${{{variable}}} is not set",
                next_step=f"export {variable}=…, or write ${{{variable}:-default}}",
            )
        if not given.isascii() and given.encode(errors="replace").decode() != given:
            raise ConfigError(f"{placed(path, lines, name)}: ${{{variable}}} is not UTF-8")
        return given

    return _VARIABLE.sub(replaced, value)


def _name(key: Any, path: Place, lines: Lines, name: str) -> str:
    """Give a key's text. YAML's switches have none: it would be another word than was written."""
    if key is None or isinstance(key, bool):
        said = "on, off, yes, no, true, false and ~ are no names in YAML: quote the key"
        raise ConfigError(f"{placed(path, lines, name)}: {said}")
    return str(key)
