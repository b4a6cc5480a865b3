"""The manifest of a release: the file, or what git has of it where the tag is checked out.

It is committed after the tag, so the tag's own files lack it. A commit that has it counts when its
manifest is the one that the tag names.
"""

from __future__ import annotations

from dataclasses import dataclass

from canaryctl.checking.scene import Scene
from canaryctl.core import manifest
from canaryctl.drivers.git import GitError, short
from canaryctl.drivers.tree import AbsentError, FileProblem


@dataclass(frozen=True, slots=True)
class Held:
    """A manifest's text.

    Attributes:
        text: as it was found.
        commit: the full id of the commit that it was found in; empty: it is a file here.
    """

    text: str
    commit: str = ""

    @property
    def where(self) -> str:
        """Words that follow on its path; empty for a file."""
        return f" (of commit {short(self.commit)})" if self.commit else ""


def held(scene: Scene, path: str) -> Held:
    """Find the manifest of the scene's version.

    Args:
        scene: where it is looked for.
        path: of the manifest, relative to the folder of canary.yaml.

    Raises:
        FileProblem: it is neither a file that can be read nor in a commit.
    """
    try:
        return Held(scene.tree.text(path, manifest.LARGEST))
    except FileProblem as error:
        if not isinstance(error, AbsentError):
            raise
        return _committed(scene, path, error)


def _committed(scene: Scene, path: str, missing: FileProblem) -> Held:
    git = scene.git
    try:
        git.prefix()
        tag = git.tag(scene.version)
        pin = manifest.pinned(tag.message) if tag is not None and tag.annotated else None
        if pin is None:
            raise missing
        for commit in git.commits_with(path):
            text = git.content(commit, path, manifest.LARGEST)
            if text is not None and manifest.fingerprint(text) == pin:
                return Held(text, commit)
    except GitError:
        raise missing from None
    fetch = "`git fetch origin '+refs/heads/*:refs/remotes/origin/*'`"
    raise AbsentError(str(missing), f"{fetch}, where it was committed after the tag")
