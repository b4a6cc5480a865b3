"""The environment file has a value for every variable that is needed, and nobody else reads it."""

from __future__ import annotations

import os
import stat
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from canaryctl.checking.finding import Said, failed, some, together, unknown, warned
from canaryctl.checking.placeholder import is_placeholder, is_secret, password_in
from canaryctl.checking.scene import Scene
from canaryctl.checking.secret_git import SecretGit
from canaryctl.config.checks import SecretsCheck
from canaryctl.drivers.dotenv import Environment, parse
from canaryctl.drivers.tree import AbsentError, FileProblem, decoded

LARGEST = 2**20
"""Bytes of an environment file."""
_FINDABLE = 8
"""Characters. A shorter secret is found in every second file."""


@dataclass(frozen=True, slots=True)
class SecretFile:
    """The check called secrets. Names of variables are said, values never.

    Attributes:
        declared: whether canary.yaml has a section for it.
    """

    scene: Scene
    asked: SecretsCheck
    declared: bool
    name: str = "secrets"
    within: float = 60.0

    def look(self) -> Said:
        """Read the file and its example."""
        file, example = self.asked.file, self.asked.example
        path = self.scene.base / file
        problems: list[Said] = []
        try:
            wanted = read(self.scene.base / example)
        except FileProblem as error:
            wanted = None
            if not isinstance(error, AbsentError) or "example" in self.asked.model_fields_set:
                problems.append(failed(f"{example} {error}", f"mend {example}"))
        try:
            given = read(path, os.environ)
        except FileProblem as error:
            missing = isinstance(error, AbsentError)
            if missing and wanted is None and not self.declared:
                said = "declare the variables it needs: checks.secrets.required, or `secrets: off`"
                return unknown(f"there is neither {file} nor {example}", said)
            copy = f"`cp {example} {file}`" if wanted is not None else f"make {file}"
            mend = f"{copy}, and fill in its values" if missing else f"mend {file}"
            return together([failed(f"{file} {error}", mend), *problems], "")
        problems += self._values(given, wanted or Environment())
        # A dollar in a literal may be meant: whoever copies it copies what is written.
        public = self.asked.public
        secrets = [
            one
            for values in (given.values, given.literal)
            for one in secrets_of(values, public).items()
        ]
        problems += [
            *self._readers(path),
            *SecretGit(self.scene, file).problems(secrets),
        ]
        if not (wanted or self.asked.required):
            said = f"write {example}, or declare checks.secrets.required"
            problems.append(unknown(f"nobody says what {file} needs", said))
        count = len(self._names(wanted or Environment()))
        return together(problems, f"{file} has all {count} variables")

    def _names(self, wanted: Environment) -> list[str]:
        names = dict.fromkeys((*wanted.values, *self.asked.required))
        return [one for one in names if one not in self.asked.optional]

    def _called(self, name: str) -> str:
        """Give what a variable's name says of its value: nothing where that is public."""
        return "" if name in self.asked.public else name

    def _values(self, given: Environment, wanted: Environment) -> Iterator[Said]:
        file, example, names = self.asked.file, self.asked.example, self._names(wanted)
        values = given.values
        if given.broken:
            lines = some([str(one) for one in given.broken])
            yield failed(f"{file}: line {lines} is no KEY=value", f"mend {file}: quotes, or a # ")
        if wanted.broken:
            lines = some([str(one) for one in wanted.broken])
            yield failed(f"{example}: line {lines} is no KEY=value", f"mend {example}")
        if missing := [one for one in names if one not in values]:
            yield failed(f"{file} lacks {some(missing)}", f"add {some(missing)} to {file}")
        for one, variable in given.lacking.items():
            said = f"{one} in {file} needs {variable}, which is not set: Compose refuses {file}"
            yield failed(said, f"set {variable} in {file}, in front of {one}, or export it")
        filled = [one for one in names if one not in given.lacking]
        if empty := [one for one in filled if not values.get(one, "-").strip()]:
            yield failed(f"{some(empty)} in {file} is empty", f"give {some(empty)} a value")
        sought = {**values, **dict.fromkeys(self.asked.optional, "")}
        held = [one for one in sought if sought[one].strip()]
        unfilled = [
            one
            for one in held
            if is_placeholder(self._called(one), values[one])
            and (one in names or is_secret(self._called(one)))
        ]
        same = [
            one
            for one in held
            if is_secret(self._called(one), values[one])
            and one not in unfilled
            and one in given.literal
            and wanted.written.get(one) == given.literal[one]
        ]
        if unfilled:
            yield failed(
                f"{some(unfilled)} in {file} has a placeholder for a value",
                f"give {some(unfilled)} its real value",
            )
        if same:
            yield failed(
                f"{some(same)} in {file} has the value that stands in {example}",
                f"give {some(same)} a value of its own, and make {example}'s a placeholder",
            )
        if given.twice:
            said = f"{some(given.twice)} stands in {file} more than once: the last one counts"
            yield warned(said, "remove the others")

    def _readers(self, path: Path) -> Iterator[Said]:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & stat.S_IRWXO:
            file = self.asked.file
            said = f"everybody on this machine can read {file} (mode {mode:o})"
            yield warned(said, f"`chmod 600 {file}`")


def secrets_of(
    values: Mapping[str, str], public: Container[str], shortest: int = _FINDABLE
) -> dict[str, str]:
    """Give what is secret of a file's values, by variable.

    Args:
        values: by variable.
        public: variables that hold no secret, whatever they are called.
        shortest: characters that it has at least.
    """
    found = {}
    for name, value in values.items():
        if name in public:
            continue
        secret = password_in(value) or (value if is_secret(name, value) else "")
        if len(secret) >= shortest and not is_placeholder("SECRET", secret):
            found[name] = secret
    return found


def read(path: Path, environment: Mapping[str, str] | None = None) -> Environment:
    """Read an environment file; it may be a link to where secrets are kept.

    Args:
        path: the file.
        environment: see ``drivers.dotenv.parse``.

    Raises:
        FileProblem: it cannot be read, or is no text of at most 1 MiB.
    """
    try:
        if not path.is_file():
            raise (
                FileProblem("is not a regular file")
                if path.exists()
                else AbsentError("is not there")
            )
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
    except OSError as error:
        raise FileProblem(f"cannot be read: {error.strerror}") from error
    if len(raw) > LARGEST:
        raise FileProblem("is larger than 1 MiB")
    if b"\0" in raw:
        raise FileProblem("is no text: it holds a zero byte")
    return parse(decoded(raw), environment)
