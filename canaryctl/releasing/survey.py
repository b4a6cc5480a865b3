"""What a release would be, and why it cannot be one. Nothing is changed here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from canaryctl.config.checks import ArtifactsCheck, ChecksModel, ReleaseCheck
from canaryctl.core import manifest
from canaryctl.core.errors import CanaryctlError, ConfigError
from canaryctl.core.manifest import Artifact, Manifest
from canaryctl.drivers.artifact_files import difference, record, released, too_slow
from canaryctl.drivers.git import Git, NoRepository, Tag, short
from canaryctl.drivers.tree import AbsentError, FileProblem, TooSlowError, Tree
from canaryctl.ports import Clock
from canaryctl.releasing import changelog

LARGEST_CHANGELOG = 16 * 2**20
_SHOWN = 5


class ReleaseRefused(CanaryctlError):
    """No release can be made of what is here. Nothing was changed."""

    exit_code = 4


@dataclass(frozen=True, slots=True)
class Release:
    """A release, made or to be made.

    Attributes:
        version: its name.
        commit: what it is made of.
        path: of the manifest, relative to the folder of canary.yaml.
        manifest: what is in it.
        text: the manifest's text.
        write_manifest: whether that is still to be written.
        changelog: the changelog's path.
        new_changelog: its text with the new entry; None: it has one.
        new_entry: that entry; empty likewise.
        message: of the tag that is to be made; empty: it is there.
        untracked: files that git does not know, which are no part of the release.
    """

    version: str
    commit: str
    path: str
    manifest: Manifest
    text: str
    write_manifest: bool
    changelog: str
    new_changelog: str | None
    new_entry: str
    message: str
    untracked: int = 0

    @property
    def is_there(self) -> bool:
        """Whether nothing is left to do."""
        return not self.message and not self.write_manifest and self.new_changelog is None


@dataclass(frozen=True, slots=True)
class Survey:
    """Looks at one folder for one version."""

    base: Path
    version: str
    checks: ChecksModel
    clock: Clock

    @property
    def git(self) -> Git:
        """The repository."""
        return Git(self.base, self.clock)

    def __call__(self) -> Release:
        """Look at everything.

        Raises:
            ReleaseRefused: something stands against it; the message names it.
            ConfigError: canary.yaml does not say what a release consists of.
        """
        git, version = self.git, self.version
        try:
            prefix = git.prefix()
        except NoRepository as error:
            said = f"{self.base} is in no git repository"
            raise ReleaseRefused(said, next_step="run it in a checkout") from error
        if not git.takes(version):
            raise ConfigError(f"git takes no tag that is called {version!r}")
        head, tag = git.head(), git.tag(version)
        if head is None:
            raise ReleaseRefused("there is no commit yet", next_step="commit what is released")
        own = frozenset(prefix + one for one in (self._path, self._release.changelog))
        if tag is None:
            return self._new(head, prefix, own)
        return self._tagged(tag, head, own)

    @property
    def _release(self) -> ReleaseCheck:
        given = self.checks.release
        return given if isinstance(given, ReleaseCheck) else ReleaseCheck()

    @property
    def _artifacts(self) -> ArtifactsCheck:
        given = self.checks.artifacts
        return given if isinstance(given, ArtifactsCheck) else ArtifactsCheck()

    @property
    def _path(self) -> str:
        return self._artifacts.manifest.replace("{version}", self.version)

    def _new(self, head: str, prefix: str, own: frozenset[str]) -> Release:
        if not self.git.knows_who():
            raise ReleaseRefused(
                "git does not know in whose name to make the tag",
                next_step="`git config user.name …` and `git config user.email …`",
            )
        before = self._read(self._release.changelog, LARGEST_CHANGELOG) or ""
        entry = self._entry(head)
        dirty = self.git.uncommitted() - {prefix + self._path}
        if prefix + self._release.changelog in dirty and self._is_ours(before, entry):
            dirty -= own
        if dirty:
            raise ReleaseRefused(
                f"not committed: {_some(sorted(dirty))}: {self.version} would not be what is here",
                next_step="commit them, or `git stash`",
            )
        made = self._made(head)
        needs = not changelog.has_entry(before, self.version)
        return Release(
            version=self.version,
            commit=head,
            path=self._path,
            manifest=made,
            text=made.text(),
            write_manifest=self._read(self._path, manifest.LARGEST) != made.text(),
            changelog=self._release.changelog,
            new_changelog=changelog.with_entry(before, entry) if needs else None,
            new_entry=entry if needs else "",
            message=manifest.tag_message(self.version, made.text()),
            untracked=self.git.untracked(),
        )

    def _tagged(self, tag: Tag, head: str, own: frozenset[str]) -> Release:
        """The tag is there: everything else has to fit it."""
        version = self.version
        again = f"give the release another number; or, if {version} is a mistake that nobody has, "
        again += f"`git tag --delete {version}`"
        if tag.commit is None or not tag.annotated:
            kind = "leads to no commit" if tag.commit is None else "is a lightweight one"
            raise ReleaseRefused(f"tag {version} is there, and {kind}", next_step=again)
        if tag.commit != head and (
            not self.git.is_in_head(tag.commit) or self.git.changed_since(tag.commit) - own
        ):
            raise ReleaseRefused(
                f"tag {version} is there, on another commit: {short(tag.commit)}, and "
                f"{short(head)} is checked out",
                next_step=f"`git checkout {version}` to look at it; else {again}",
            )
        text = self._read(self._path, manifest.LARGEST)
        found = self._made(tag.commit) if text is None else self._parsed(text)
        shown = found.text() if text is None else text
        pin = manifest.pinned(tag.message)
        if (found.version, found.commit) != (version, tag.commit):
            raise ReleaseRefused(
                f"{self._path} is of {found.version} at {short(found.commit)}, and tag {version} "
                f"is on {short(tag.commit)}",
                next_step=f"take {self._path} from the release, or remove it and run this again",
            )
        if pin is not None and pin != manifest.fingerprint(shown):
            what = (
                "the files here are not those" if text is None else f"{self._path} is not the one"
            )
            raise ReleaseRefused(
                f"{what} that {version} was made with: the tag names another SHA-256",
                next_step="take them from where the release was made",
            )
        if text is not None:
            self._verify(found)
        return Release(
            version=version,
            commit=tag.commit,
            path=self._path,
            manifest=found,
            text=shown,
            write_manifest=text is None,
            changelog=self._release.changelog,
            new_changelog=None,
            new_entry="",
            message="",
        )

    def _entry(self, commit: str) -> str:
        day = self._moment(commit).partition("T")[0]
        return changelog.entry(self.version, day, self.git.subjects())

    def _is_ours(self, text: str, entry: str) -> bool:
        """Tell whether an unfinished run has changed the changelog, and nobody else."""
        path, before = self._release.changelog, changelog.without_entry(text, entry)
        return before != text and self.git.blob_of(before.encode(), path) == self.git.blob(path)

    def _moment(self, commit: str) -> str:
        at = datetime.fromtimestamp(self.git.committed_at(commit), UTC)
        return f"{at:%Y-%m-%dT%H:%M:%SZ}"

    def _made(self, commit: str) -> Manifest:
        """Hash everything that the release consists of."""
        checkpoints = self._release.checkpoints
        patterns = (*self._artifacts.files, *checkpoints)
        if not patterns:
            raise ConfigError(
                "canary.yaml does not say which files a release consists of",
                next_step='declare them: checks: {artifacts: {files: ["dist/*"]}}',
            )
        tree, until = Tree(self.base), self.clock.now() + self._artifacts.timeout
        found: dict[str, Artifact] = {}
        for pattern in patterns:
            try:
                paths = released(tree, pattern, self._artifacts.manifest)
            except FileProblem as error:
                raise ReleaseRefused(f"{pattern}: {error}") from error
            if not paths:
                said = f"no file matches {pattern}"
                raise ReleaseRefused(said, next_step="build it, or mend it in canary.yaml")
            for path in paths:
                found.setdefault(path, self._recorded(tree, path, until))
                if pattern in checkpoints and found[path].size == 0:
                    raise ReleaseRefused(
                        f"checkpoint {path} is empty (0 bytes)", next_step=f"copy {path} anew"
                    )
        # Both are written after this: whatever was recorded of them would be wrong by then.
        for own in (self._path, self._release.changelog):
            found.pop(own, None)
        rows = tuple(sorted(found.values(), key=lambda one: one.path))
        return Manifest(self.version, commit, self._moment(commit), rows)

    def _recorded(self, tree: Tree, path: str, until: float) -> Artifact:
        try:
            return record(tree, path, self.clock, until)
        except TooSlowError as error:
            said, mend = too_slow(path, self._artifacts.timeout)
            raise ReleaseRefused(said, next_step=mend) from error
        except FileProblem as error:
            said = f"{path} {error}"
            mend = error.mend or f"put the file itself at {path}"
            raise ReleaseRefused(said, next_step=mend) from error

    def _read(self, path: str, largest: int) -> str | None:
        try:
            return Tree(self.base).text(path, largest)
        except FileProblem as error:
            if isinstance(error, AbsentError):
                return None
            raise ReleaseRefused(
                f"{path} {error}", next_step=f"mend {path}, or remove it"
            ) from error

    def _parsed(self, text: str) -> Manifest:
        try:
            return manifest.parse(text)
        except manifest.NotManifestError as error:
            said = f"{self._path} is no manifest: {error}"
            raise ReleaseRefused(said, next_step="remove it, and run this again") from error

    def _verify(self, found: Manifest) -> None:
        tree, until = Tree(self.base), self.clock.now() + self._artifacts.timeout
        wrong = [self._difference(tree, one, until) for one in found.artifacts]
        if said := [one for one in wrong if one]:
            raise ReleaseRefused(
                f"{self.version} is released, and its files are not as they were: {_some(said)}",
                next_step="copy them from where the release was made",
            )

    def _difference(self, tree: Tree, one: Artifact, until: float) -> str:
        try:
            return difference(tree, one, self.clock, until)
        except TooSlowError as error:
            said, mend = too_slow(one.path, self._artifacts.timeout)
            raise ReleaseRefused(said, next_step=mend) from error


def _some(words: list[str]) -> str:
    rest = len(words) - _SHOWN
    return ", ".join(words[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")
