"""A YAML file read against its model: what canary.yaml and the suites of a smoke test share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from canaryctl.config.environment import Given, filled
from canaryctl.config.mistakes import Place, explained, placed
from canaryctl.config.yaml_text import read
from canaryctl.core.errors import ConfigError

if TYPE_CHECKING:
    from pydantic import BaseModel

M = TypeVar("M", bound="BaseModel")


def text_of(path: Path) -> str:
    """Read a file.

    Raises:
        ConfigError: it cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:  # ValueError: not UTF-8, or a NUL in the name
        raise ConfigError(f"{path} cannot be read: {error}") from error


@dataclass(frozen=True, slots=True)
class Document(Generic[M]):
    """A kind of file.

    Attributes:
        model: what it has to be.
        learn: told the parsed file and what of it came from the environment, before anything
            is checked, so that messages about the file show no secret of it.
        expected: what its top level is, for whoever wrote something else.
        next_step: what to do then.
        rules: what spans several places: gives each mistake with its place.
    """

    model: type[M]
    learn: Callable[[Mapping[str, Any], Given], None]
    expected: str
    next_step: str
    rules: Callable[[M], Iterator[tuple[Place, str]]] = lambda _: iter(())

    def checked(self, text: str, name: str, environment: Mapping[str, str]) -> M:
        """Check a text.

        Args:
            text: YAML.
            name: the file's, for messages.
            environment: for ``${VAR}``.

        Raises:
            ConfigError: not YAML, or wrong; names file, line and key.
        """
        from pydantic import ValidationError  # noqa: PLC0415  84 ms

        parsed, lines = read(text, name, self.expected, self.next_step)
        whole, given = filled(parsed, environment, lines, name)
        self.learn(whole, given)
        try:
            found = self.model.model_validate(whole)
        except ValidationError as error:
            # What pydantic says quotes what it read, also in its traceback.
            raise ConfigError(explained(error, self.model, lines, name)) from None
        broken = [f"{placed(path, lines, name)}: {words}" for path, words in self.rules(found)]
        if broken:
            raise ConfigError("\n".join(dict.fromkeys(broken)))
        return found
