"""Reading canary.yaml: where it is, what is in it, and errors that name the key and the line."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from canaryctl.core.errors import ConfigError
from canaryctl.core.redaction import SECRETS

_VARIABLE = re.compile(r"\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
DEFAULT = "canary.yaml"
_Given = dict[tuple[str | int, ...], list[tuple[str, str]]]
_LONGEST = 500
"""Characters of one message about one key, which may quote what stands there."""


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
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    return loads(text, str(path), os.environ if environment is None else environment)


def loads(text: str, name: str = DEFAULT, environment: Mapping[str, str] | None = None) -> Any:
    """Check a text; see ``load``."""
    from pydantic import ValidationError  # noqa: PLC0415  84 ms

    from canaryctl.config.model import Config  # noqa: PLC0415
    from canaryctl.config.secrets import learn  # noqa: PLC0415
    from canaryctl.config.yaml_text import read  # noqa: PLC0415  only when one is read

    parsed, lines = read(text, name)
    given: _Given = {}
    filled = _filled(parsed, {} if environment is None else environment, (), lines, name, given)
    learn(filled, given)
    try:
        return Config.model_validate(filled)
    except ValidationError as error:
        # What pydantic says quotes what it read, also in its traceback.
        raise ConfigError(_explained(error, lines, name)) from None


def _filled(
    value: Any,
    environment: Mapping[str, str],
    path: tuple[str | int, ...],
    lines: Mapping[tuple[str | int, ...], int],
    name: str,
    noted: _Given,
) -> Any:
    """Put the environment's values in: ``${VAR}``, ``${VAR:-default}``, ``$$`` for a dollar.

    What came from the environment, and where, is ``noted``.
    """
    if isinstance(value, dict):
        return {
            str(k): _filled(v, environment, (*path, str(k)), lines, name, noted)
            for k, v in value.items()
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
                f"{name}:{_line(path, lines)}: {_dotted(path)}: ${{{variable}}} is not set",
                next_step=f"export {variable}=…, or write ${{{variable}:-default}}",
            )
        if not given.isascii() and given.encode(errors="replace").decode() != given:
            raise ConfigError(
                f"{name}:{_line(path, lines)}: {_dotted(path)}: ${{{variable}}} is not UTF-8"
            )
        return given

    return _VARIABLE.sub(replaced, value)


def _explained(error: Any, lines: Mapping[tuple[str | int, ...], int], name: str) -> str:
    said = []
    for problem in error.errors(include_url=False, include_context=True):
        path = _known(problem["loc"], lines, absent=problem["type"] == "missing")
        where = f"{name}:{_line(path, lines)}: {_dotted(path) or 'file'}"
        said.append(f"{where}: {_bounded(SECRETS.hide(_words(problem)))}{_suggested(problem)}")
    return "\n".join(dict.fromkeys(said))


def _known(
    loc: tuple[str | int, ...], lines: Mapping[tuple[str | int, ...], int], *, absent: bool
) -> tuple[str | int, ...]:
    """Drop what pydantic adds to a path (the chosen kind of gate) and the file does not have."""
    path: tuple[str | int, ...] = ()
    for part in loc:
        if (*path, part) in lines:
            path = (*path, part)
    return (*path, loc[-1]) if absent else path


def _line(path: tuple[str | int, ...], lines: Mapping[tuple[str | int, ...], int]) -> int:
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def _dotted(path: tuple[str | int, ...]) -> str:
    return "".join(f"[{p}]" if isinstance(p, int) else f".{_key(p)}" for p in path)[path != () :]


def _key(name: str) -> str:
    """Write a key that somebody made up so that it stays one line, whatever is in it."""
    return _bounded(name if name.isprintable() else repr(name))


def _bounded(words: str) -> str:
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST]}…"


def _words(problem: Mapping[str, Any]) -> str:
    kind, context = problem["type"], problem.get("ctx") or {}
    match kind:
        case "extra_forbidden":
            return "unknown key"
        case "missing":
            return "missing"
        case "union_tag_invalid":
            return f"{context['tag']!r} is none of {context['expected_tags']}"
        case "union_tag_not_found":
            return f"missing: {context['discriminator']}"
        case "string_pattern_mismatch":
            return f"{problem['input']!r} is not of the form {context['pattern']}"
    return str(problem["msg"]).removeprefix("Value error, ")


def _suggested(problem: Mapping[str, Any]) -> str:
    if problem["type"] == "extra_forbidden":
        known = _keys()
        near = difflib.get_close_matches(str(problem["loc"][-1]), known, n=1)
        return f" (did you mean {near[0]!r}?)" if near else ""
    if problem["type"] == "union_tag_invalid":
        context = problem["ctx"]
        tags = re.findall(r"'([^']+)'", context["expected_tags"])
        near = difflib.get_close_matches(str(context["tag"]), tags, n=1)
        return f" (did you mean {near[0]!r}?)" if near else ""
    return ""


def _keys() -> list[str]:
    """Every key that canary.yaml knows."""
    from canaryctl.config.model import Config  # noqa: PLC0415

    schema = Config.model_json_schema()
    names = set(schema.get("properties", {}))
    for definition in schema.get("$defs", {}).values():
        names |= set(definition.get("properties", {}))
    return sorted(names)
