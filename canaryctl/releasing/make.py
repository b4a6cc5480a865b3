"""Makes a release that was looked at: each step whole or not at all, the tag at last.

Killed anywhere, what is left is a manifest, perhaps an entry, and no tag; the next run finds them
as it would write them, and goes on. Once the tag is there, everything is.
"""

from __future__ import annotations

from pathlib import Path

from canaryctl.core import manifest
from canaryctl.core.errors import CanaryctlError
from canaryctl.drivers import local_files
from canaryctl.drivers.git import Git, GitError
from canaryctl.drivers.tree import STAGED
from canaryctl.ports import Clock
from canaryctl.releasing.survey import Release, ReleaseRefused


class ReleaseUnfinished(CanaryctlError):
    """A step could not be done. Running it again goes on."""

    exit_code = 4


def make(release: Release, base: Path, clock: Clock) -> None:
    """Do what is left to do.

    Raises:
        ReleaseUnfinished: a file cannot be written, or git makes no tag.
    """
    if release.write_manifest:
        _write(base, release.path, release.text)
    if release.new_changelog is not None:
        _write(base, release.changelog, release.new_changelog)
    if release.message:
        _tag(release, Git(base, clock))


def _tag(release: Release, git: Git) -> None:
    try:
        git.make_tag(release.version, release.commit, release.message)
    except GitError as error:
        # Somebody else may have made the same one at this moment.
        found = git.tag(release.version)
        pin = manifest.pinned(found.message) if found is not None else None
        if found is None:
            again = f"mend it, and run `canaryctl release {release.version}` again"
            raise ReleaseUnfinished(str(error), next_step=again) from error
        if found.commit != release.commit or pin != manifest.fingerprint(release.text):
            said = f"somebody made another tag {release.version} meanwhile"
            raise ReleaseRefused(said, next_step=f"`git show {release.version}`") from error


def _write(base: Path, path: str, text: str) -> None:
    """Put a file in place as a whole. A kill leaves the old one, and perhaps a hidden new one."""
    place = base / path
    staged = place.with_name(f".{place.name}{STAGED}")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        staged.unlink(missing_ok=True)
        local_files.write(str(staged), text)
        local_files.swap(str(staged), str(place))
    except OSError as error:
        raise ReleaseUnfinished(
            f"{path} cannot be written: {error.strerror or error}",
            next_step="mend that, and run it again: it goes on where it was",
        ) from error
