"""The files of a release on disk: recorded once, compared ever after."""

from __future__ import annotations

import re

from canaryctl.core import manifest
from canaryctl.core.manifest import Artifact
from canaryctl.drivers.tree import FileProblem, TooSlowError, Tree
from canaryctl.ports import Clock

_LFS = b"version https://git-lfs.github.com/spec/"


def released(tree: Tree, pattern: str, manifests: str) -> tuple[str, ...]:
    """Give what a pattern matches and a release can consist of, sorted.

    Manifests are none of that, of whatever version: each release adds one, and earlier releases
    stay what they were.

    Args:
        tree: the files.
        pattern: see ``Tree.matched``.
        manifests: where each version's is, such as ``releases/{version}.json``.

    Raises:
        FileProblem: see ``Tree.matched``.
    """
    named = re.compile(".+".join(map(re.escape, manifests.split("{version}"))))
    return tuple(
        one
        for one in tree.matched(pattern)
        if not (named.fullmatch(one) and _is_manifest(tree, one))
    )


def too_slow(path: str, within: float) -> tuple[str, str]:
    """Say that there was no time for a file, and what to do next.

    Args:
        path: the file that was read when time was up.
        within: seconds, for all files together.
    """
    return (
        f"{path} takes too long to read: {within:g} s are for all artifacts together",
        "give checks.artifacts.timeout more time in canary.yaml",
    )


def record(tree: Tree, path: str, clock: Clock, until: float) -> Artifact:
    """Hash one file for a manifest.

    Raises:
        FileProblem: it cannot be read, or stands for another one.
        TooSlowError: it takes longer than there is time for.
    """
    refuse_pointer(tree, path)
    found = tree.digest(path, clock, until)
    return Artifact(path, found.size, found.sha256)


def difference(tree: Tree, one: Artifact, clock: Clock, until: float) -> str:
    """Say how a file differs from the manifest; empty: it does not.

    Sizes are compared first: a large file that was cut off is found without reading it.

    Raises:
        TooSlowError: it takes longer than there is time for.
    """
    try:
        size = tree.size(one.path)
        if size != one.size:
            word = "shrank" if size < one.size else "grew"
            return f"{one.path} {word}: {size} bytes, {one.size} in the manifest"
        found = tree.digest(one.path, clock, until)
    except TooSlowError:
        raise
    except FileProblem as error:
        return f"{one.path} {error}"
    if found.sha256 == one.sha256:
        return ""
    return (
        f"{one.path} was changed: SHA-256 {found.sha256[:12]}…, {one.sha256[:12]}… in the manifest"
    )


def _is_manifest(tree: Tree, path: str) -> bool:
    try:
        manifest.parse(tree.text(path, manifest.LARGEST))
    except (FileProblem, manifest.NotManifestError):
        return False
    return True


def refuse_pointer(tree: Tree, path: str) -> None:
    """See that a file is not what git-lfs leaves in its place.

    Raises:
        FileProblem: it is, or it cannot be read.
    """
    if tree.head(path, len(_LFS)) == _LFS:
        raise FileProblem("is a pointer of git-lfs, not the file: `git lfs pull`")
