"""The files of a release on disk: recorded once, compared ever after."""

from __future__ import annotations

from canaryctl.core.manifest import Artifact
from canaryctl.drivers.tree import FileProblem, Tree
from canaryctl.ports import Clock

_LFS = b"version https://git-lfs.github.com/spec/"


def record(tree: Tree, path: str, clock: Clock, until: float) -> Artifact:
    """Hash one file for a manifest.

    Raises:
        FileProblem: it cannot be read, or stands for another one.
    """
    refuse_pointer(tree, path)
    found = tree.digest(path, clock, until)
    return Artifact(path, found.size, found.sha256)


def difference(tree: Tree, one: Artifact, clock: Clock, until: float) -> str:
    """Say how a file differs from the manifest; empty: it does not.

    Sizes are compared first: a large file that was cut off is found without reading it.
    """
    try:
        size = tree.size(one.path)
        if size != one.size:
            word = "shrank" if size < one.size else "grew"
            return f"{one.path} {word}: {size} bytes, {one.size} in the manifest"
        found = tree.digest(one.path, clock, until)
    except FileProblem as error:
        return f"{one.path} {error}"
    if found.sha256 == one.sha256:
        return ""
    return (
        f"{one.path} was changed: SHA-256 {found.sha256[:12]}…, {one.sha256[:12]}… in the manifest"
    )


def refuse_pointer(tree: Tree, path: str) -> None:
    """See that a file is not what git-lfs leaves in its place.

    Raises:
        FileProblem: it is, or it cannot be read.
    """
    if tree.head(path, len(_LFS)) == _LFS:
        raise FileProblem("is a pointer of git-lfs, not the file: `git lfs pull`")
