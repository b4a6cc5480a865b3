"""The release's tag is there and is what is checked out; its checkpoints have content."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from canaryctl.checking.finding import Said, failed, some, together, warned
from canaryctl.checking.held_manifest import held
from canaryctl.checking.scene import Scene
from canaryctl.config.checks import ArtifactsCheck, ReleaseCheck
from canaryctl.core import manifest
from canaryctl.drivers.artifact_files import refuse_pointer
from canaryctl.drivers.git import NoRepository, Tag, short
from canaryctl.drivers.tree import FileProblem


@dataclass(frozen=True, slots=True)
class ReleaseTag:
    """The check of that name."""

    scene: Scene
    asked: ReleaseCheck
    artifacts: ArtifactsCheck
    name: str = "release"
    within: float = 120.0

    def look(self) -> Said:
        """Judge the tag, then the checkpoints."""
        try:
            prefix = self.scene.git.prefix()
        except NoRepository:
            return failed(
                f"{self.scene.base} is in no git repository, so there is no tag",
                "run it in a checkout with its .git folder, or say `release: off` under checks",
            )
        version = self.scene.version
        tag = self.scene.git.tag(version)
        problems = list(self._no_tag() if tag is None else self._of_tag(tag, prefix))
        count = 0
        for one in self._checkpoints():
            if isinstance(one, Said):
                problems.append(one)
            else:
                count += one
        there = f"tag {version} is on {short(tag.commit)}" if tag and tag.commit else ""
        held = f", {count} checkpoint{'s' * (count != 1)}" if self.asked.checkpoints else ""
        return together(problems, there + held)

    def _no_tag(self) -> Iterator[Said]:
        version = self.scene.version
        also = self.scene.git.branches(version)
        said = f"; there is a branch {some(also)}, which is none" if also else ""
        yield failed(
            f"there is no tag {version} here{said}",
            f"`git fetch --tags` when somebody made it; else `canaryctl release {version}`",
        )

    def _of_tag(self, tag: Tag, prefix: str) -> Iterator[Said]:
        git, version = self.scene.git, self.scene.version
        if tag.commit is None:
            yield failed(
                f"tag {version} leads to no commit",
                f"`git tag --delete {version}`, then `canaryctl release {version}`",
            )
            return
        if not tag.annotated:
            yield failed(
                f"tag {version} is a lightweight one: nobody can tell who made it, and when",
                f"`git tag --delete {version}`, then `canaryctl release {version}` at "
                f"{short(tag.commit)}",
            )
        path = self.artifacts.manifest.replace("{version}", version)
        own = frozenset(prefix + one for one in (path, self.asked.changelog))
        head = git.head() or ""
        if tag.commit != head:
            yield from self._not_head(tag.commit, head, own)
        if dirty := sorted(git.uncommitted() - own):
            yield warned(
                f"uncommitted changes in {some(dirty)}: what is here is not what {version} is",
                "`git stash`, or commit them and make another release",
            )
        yield from self._of_manifest(path, tag.commit)

    def _not_head(self, commit: str, head: str, own: frozenset[str]) -> Iterator[Said]:
        git, version = self.scene.git, self.scene.version
        if not git.is_in_head(commit):
            yield failed(
                f"tag {version} is on {short(commit)}, and what is checked out "
                f"({short(head)}) does not contain that: it was made on another branch, or later",
                f"`git checkout {version}`; or `git fetch --unshallow` where history was cut off",
            )
        elif changed := sorted(git.changed_since(commit) - own):
            yield warned(
                f"what is checked out ({short(head)}) is newer than tag {version} "
                f"({short(commit)}): {some(changed)} differ",
                f"`git checkout {version}`, and check that",
            )

    def _of_manifest(self, path: str, commit: str) -> Iterator[Said]:
        """Compare the tag with the manifest; whether that is there, the check of it tells."""
        try:
            found = manifest.parse(held(self.scene, path).text)
        except (FileProblem, manifest.NotManifestError):
            return
        if found.version == self.scene.version and found.commit != commit:
            yield failed(
                f"tag {self.scene.version} is on {short(commit)}, and {path} is of commit "
                f"{short(found.commit)}",
                "one of them was moved or is of another checkout: find out which, and put it back",
            )

    def _checkpoints(self) -> Iterator[Said | int]:
        """Give problems, and how many are as they should be."""
        for pattern in self.asked.checkpoints:
            try:
                paths = self.scene.tree.matched(pattern)
            except FileProblem as error:
                yield failed(f"checkpoints {pattern}: {error}", "make it readable from here")
                continue
            if not paths:
                yield failed(
                    f"no checkpoint matches {pattern}",
                    "put it there, or mend checks.release.checkpoints",
                )
            for path in paths:
                problem = self._checkpoint(path)
                yield problem if problem is not None else 1

    def _checkpoint(self, path: str) -> Said | None:
        try:
            if self.scene.tree.size(path) == 0:
                return failed(f"checkpoint {path} is empty (0 bytes)", f"copy {path} anew")
            refuse_pointer(self.scene.tree, path)
        except FileProblem as error:
            mend = error.mend or f"put the file itself at {path}"
            return failed(f"checkpoint {path} {error}", mend)
        return None
