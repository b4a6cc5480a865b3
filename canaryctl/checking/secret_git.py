"""git has neither the environment file nor what is secret in it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from canaryctl.checking.finding import Said, failed, some, warned
from canaryctl.checking.git_doubt import in_doubt
from canaryctl.checking.scene import Scene
from canaryctl.drivers.git import GitError


@dataclass(frozen=True, slots=True)
class SecretGit:
    """One file, and the repository that it may come into.

    Attributes:
        file: as canary.yaml names it; it is there.
    """

    scene: Scene
    file: str

    def problems(self, secrets: Sequence[tuple[str, str]]) -> Iterator[Said]:
        """Look for the file, then for its secrets, in what is tracked.

        Args:
            secrets: each a variable's name and what nobody else should read.
        """
        try:
            place = self._in_work_tree()
            if place is not None and self.scene.git.is_tracked(place):
                yield failed(
                    f"git tracks {place}: whoever has the repository has the secrets",
                    f"`git rm --cached {place}`, add it to .gitignore, and replace its secrets",
                )
                return
            if place is not None:
                yield from self._may_come(place)
            yield from self._copied(secrets)
        except GitError as error:
            what = f"whether git has {self.file}, or a secret that is in it,"
            yield from in_doubt(self.scene.git, error, what)

    def _in_work_tree(self) -> str | None:
        """Give where the file is, from the folder of canary.yaml; None: where nothing commits it.

        Of a link git has only where it leads to.
        """
        here = self.scene.base.resolve()
        above = len(PurePath(self.scene.git.prefix()).parts)
        root = here.parents[above - 1] if above else here
        real = (self.scene.base / self.file).resolve()
        return os.path.relpath(real, here) if real.is_relative_to(root) else None

    def _may_come(self, place: str) -> Iterator[Said]:
        git = self.scene.git
        if commit := git.committed_in(place):
            yield warned(
                f"{place} is in git's history (commit {commit})",
                "replace the secrets that it had then",
            )
        if not git.is_ignored(place):
            said = f"git does not ignore {place}: the next `git add` may commit it"
            yield warned(said, f"add {place} to .gitignore")

    def _copied(self, secrets: Sequence[tuple[str, str]]) -> Iterator[Said]:
        """Find values that are secret in tracked files."""
        lines = [(name, value) for name, value in secrets if "\n" not in value]
        for path in sorted(self.scene.git.holding([one for _, one in lines])) if lines else ():
            try:
                text = (self.scene.base / path).read_text(encoding="utf-8", errors="replace")
            except OSError:
                text = ""
            names = list(dict.fromkeys(name for name, value in lines if value in text))
            yield failed(
                f"the value of {some(names) or 'a secret'} stands in {path}, which git tracks",
                f"take it out of {path}, and replace the secret",
            )
