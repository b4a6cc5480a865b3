"""A repository that git does not tell of: what it would have said is not known, and so no pass."""

from __future__ import annotations

from collections.abc import Iterator

from canaryctl.checking.finding import Said, unknown
from canaryctl.drivers.git import Git, GitError, GitMissing, NoRepository


def in_doubt(git: Git, error: GitError, what: str) -> Iterator[Said]:
    """Say what cannot be told; nothing is said where there is no repository.

    Args:
        git: was asked.
        error: what came of it.
        what: cannot be told: ``whether git tracks .env``.
    """
    if isinstance(error, NoRepository):
        return
    if isinstance(error, GitMissing) and not git.is_expected():
        return
    look = f"see what `git -C {git.folder} status` says"
    yield unknown(f"{what} cannot be told: {error}", error.next_step or look)
