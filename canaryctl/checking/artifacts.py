"""Every file of the release's manifest is here, byte for byte, and none is missing in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from canaryctl.checking.finding import Said, failed, together, unknown, warned
from canaryctl.checking.git_doubt import in_doubt
from canaryctl.checking.held_manifest import held
from canaryctl.checking.scene import Scene
from canaryctl.config.checks import ArtifactsCheck
from canaryctl.core import manifest
from canaryctl.core.manifest import Manifest
from canaryctl.drivers.artifact_files import difference, released, too_slow
from canaryctl.drivers.git import GitError
from canaryctl.drivers.tree import AbsentError, FileProblem, TooSlowError


@dataclass(frozen=True, slots=True)
class Artifacts:
    """The check of that name.

    Attributes:
        declared: whether canary.yaml has a section for it.
        checkpoints: patterns that the manifest has to cover too.
        changelog: is written after the manifest, and so never in it.
    """

    scene: Scene
    asked: ArtifactsCheck
    declared: bool
    checkpoints: tuple[str, ...] = ()
    changelog: str = ""
    name: str = "artifacts"

    @property
    def within(self) -> float:
        """Seconds."""
        return self.asked.timeout

    def look(self) -> Said:
        """Read the manifest, then every file in it."""
        version = self.scene.version
        path = self.asked.manifest.replace("{version}", version)
        makes = f"`canaryctl release {version}` writes it"
        try:
            there = held(self.scene, path)
        except FileProblem as error:
            missing = isinstance(error, AbsentError)
            makes = f"{error.mend}; else {makes}" if error.mend else makes
            if missing and not self.declared:
                declare = "declare what a release consists of: checks.artifacts.files"
                return unknown(f"there is no manifest {path}", f"{declare}; then {makes}")
            return failed(f"the manifest {path} {error}", makes if missing else f"mend {path}")
        try:
            found = manifest.parse(there.text)
        except manifest.NotManifestError as error:
            return failed(f"{path} is no manifest: {error}", f"take it from the release; {makes}")
        problems = [*self._of_manifest(path, there.text, found), *self._files(found)]
        problems += self._unlisted(path, found)
        many = f"{len(found.artifacts)} file{'s' * (len(found.artifacts) != 1)}"
        return together(problems, f"{path}{there.where}: {many} as released ({found.size})")

    def _of_manifest(self, path: str, text: str, found: Manifest) -> Iterator[Said]:
        version = self.scene.version
        if found.version != version:
            yield failed(
                f"{path} is of {found.version}, not of {version}",
                f"take the manifest of {version} from its release",
            )
        if not found.artifacts:
            yield warned(f"{path} lists no file", "declare checks.artifacts.files")
        git = self.scene.git
        try:
            git.prefix()  # a tag that git refuses to look for is not one that is not there
            tag = git.tag(version)
        except GitError as error:
            yield from in_doubt(git, error, f"whether tag {version} was made with {path}")
            return
        pin = manifest.pinned(tag.message) if tag is not None and tag.annotated else None
        if pin is not None and pin != manifest.fingerprint(text):
            yield failed(
                f"{path} is not the manifest that tag {version} was made with: it was changed",
                f"take the manifest of {version} from its release",
            )

    def _files(self, found: Manifest) -> Iterator[Said]:
        until = self.scene.clock.now() + self.asked.timeout
        for one in found.artifacts:
            if self.scene.stopping.is_set():
                return
            try:
                problem = difference(self.scene.tree, one, self.scene.clock, until)
            except TooSlowError:
                yield failed(*too_slow(one.path, self.asked.timeout))
                return
            if problem:
                again = f"copy it from the release, or build {self.scene.version} again"
                yield failed(problem, again)

    def _unlisted(self, path: str, found: Manifest) -> Iterator[Said]:
        known = {path, self.changelog, *(one.path for one in found.artifacts)}
        for pattern in (*self.asked.files, *self.checkpoints):
            try:
                there = released(self.scene.tree, pattern, self.asked.manifest)
            except FileProblem as error:
                yield failed(f"{pattern}: {error}", "make it readable from here")
                continue
            if not there:
                yield failed(f"no file matches {pattern}", "build it, or mend checks.artifacts")
            for one in there:
                if one not in known:
                    yield failed(
                        f"{one} is not in {path}, so nobody vouches for it",
                        "remove it, or make another release with it",
                    )
