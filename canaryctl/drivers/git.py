"""What git knows about a folder: tags, commits, and what is tracked.

Everything is asked with argument lists. Names stand where git cannot take them for options. How
the user has git write its answers changes none of them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from canaryctl.core.errors import CanaryctlError
from canaryctl.drivers.command import MOST_SAID, CommandError, Ran, run
from canaryctl.ports import Clock

_ENVIRONMENT = {
    # Messages are read, nobody is there to be asked, and looking takes no lock.
    "LC_ALL": "C",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_PAGER": "cat",
}
_SETTINGS = (
    # The user's configuration counts (names, keys, who is trusted), but not where it changes how
    # answers are written: they are read here, not by people.
    "log.showSignature=false",
    "log.follow=false",
    "log.showRoot=true",
    "diff.relative=false",
    "grep.fullName=false",
    "color.ui=false",
    "color.diff=false",
    "color.grep=false",
    "i18n.logOutputEncoding=UTF-8",
)
_PLAIN = tuple(word for one in _SETTINGS for word in ("-c", one))
_SUBJECTS = 50
_COMMITS = 20


class GitError(CanaryctlError):
    """git is not there, or refuses."""

    exit_code = 4


class NoRepository(GitError):
    """The folder is in no git repository."""


class GitMissing(GitError):
    """There is no git to ask."""


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag.

    Attributes:
        commit: the full id of the commit it leads to; None: it leads to something else.
        annotated: whether it has a message, a date and somebody who made it.
        message: as it was written; a lightweight tag's is its commit's.
    """

    commit: str | None
    annotated: bool
    message: str


@dataclass(frozen=True, slots=True)
class Git:
    """One working folder, which may lie below the repository's root.

    Attributes:
        folder: where git is run.
        clock: bounds it.
        within: seconds that one call may take.
        stopped: see ``drivers.command.run``.
    """

    folder: Path
    clock: Clock
    within: float = 30.0
    stopped: Callable[[], object] = lambda: None

    def prefix(self) -> str:
        """Give the folder relative to the repository's root: empty, or with a slash at its end.

        Raises:
            NoRepository: there is none.
            GitError: git does not tell.
        """
        return self._lines("rev-parse", "--show-prefix")[0]

    def is_expected(self) -> bool:
        """Tell without git whether there seems to be a repository: a ``.git`` here or above."""
        here = self.folder.absolute()
        return any(os.path.lexists(one / ".git") for one in (here, *here.parents))

    def head(self) -> str | None:
        """Give the full id of the commit that is checked out, None before the first one."""
        ran = self._run("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        return ran.out.strip() if ran.code == 0 else None

    def tag(self, name: str) -> Tag | None:
        """Look a tag up; a branch of that name is none."""
        ref = f"refs/tags/{name}"
        ran = self._run("cat-file", "-t", ref)
        if ran.code != 0:
            return None
        annotated = ran.out.strip() == "tag"
        peeled = self._run("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
        message = self._run("for-each-ref", "--format=%(contents)", ref).out
        return Tag(peeled.out.strip() if peeled.code == 0 else None, annotated, message)

    def branches(self, name: str) -> tuple[str, ...]:
        """Give the branches of that name, here and at remotes."""
        found = self._run("for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/remotes")
        names = found.out.split() if found.code == 0 else []
        return tuple(one for one in names if one == name or one.partition("/")[2] == name)

    def is_in_head(self, commit: str) -> bool:
        """Tell whether what is checked out contains a commit."""
        return self._run("merge-base", "--is-ancestor", commit, "HEAD").code == 0

    def changed_since(self, commit: str) -> frozenset[str]:
        """Give the files that differ between a commit and what is checked out, from the root."""
        return self._names("diff", "--name-only", "--no-renames", "-z", commit, "HEAD", "--")

    def uncommitted(self) -> frozenset[str]:
        """Give the tracked files that differ from what is checked out, from the root."""
        return self._names("diff", "--name-only", "--no-renames", "-z", "HEAD", "--")

    def untracked(self) -> int:
        """Count the files that git neither tracks nor ignores."""
        return len(self._names("ls-files", "--others", "--exclude-standard", "-z", "--", ":/"))

    def committed_at(self, commit: str) -> float:
        """Give a commit's time, epoch seconds."""
        return float(self._lines("show", "--no-patch", "--format=%ct", commit, "--")[0])

    def subjects(self) -> tuple[str, ...]:
        """Give the first lines of the commits since the last tag, newest first, 50 at most."""
        ran = self._run("describe", "--tags", "--abbrev=0", "HEAD")
        since = f"refs/tags/{ran.out.strip()}..HEAD" if ran.code == 0 else "HEAD"
        asked = ("log", "--no-merges", f"--max-count={_SUBJECTS}", "--format=%s", since, "--")
        return tuple(line for line in self._lines(*asked) if line.strip())

    def is_tracked(self, path: str) -> bool:
        """Tell whether a file of this folder is tracked."""
        return self._run("ls-files", "--error-unmatch", "--", f":(literal){path}").code == 0

    def is_ignored(self, path: str) -> bool:
        """Tell whether git ignores a file of this folder.

        Raises:
            GitError: git cannot tell: the file lies outside, or behind a link to a folder.
        """
        ran = self._run("check-ignore", "--quiet", "--", path)
        if ran.code == 1:  # it has looked, and does not
            return False
        self._must("check-ignore", ran)
        return True

    def committed_in(self, path: str) -> str | None:
        """Give a commit that has, or had, a file of this folder; None: no commit on any branch."""
        asked = ("log", "--all", "--max-count=1", "--format=%h", "--", f":(literal){path}")
        ran = self._run(*asked)
        return ran.out.strip() or None

    def commits_with(self, path: str) -> tuple[str, ...]:
        """Give the full ids of commits, on any branch, that added or changed a file of this folder.

        Newest first, 20 at most.
        """
        asked = ("log", "--all", f"--max-count={_COMMITS}", "--no-renames", "--diff-filter=AM")
        ran = self._run(*asked, "--format=%H", "--", f":(literal){path}")
        return tuple(ran.out.split()) if ran.code == 0 else ()

    def content(self, commit: str, path: str, largest: int) -> str | None:
        """Give a file of this folder as a commit has it; what is not UTF-8 in it is replaced.

        None: the commit has none of at most ``largest`` bytes.
        """
        ran = self._run("cat-file", "blob", f"{commit}:./{path}", most=largest + 1)
        return ran.out if ran.code == 0 and len(ran.out) <= largest else None

    def holding(self, words: Sequence[str]) -> frozenset[str]:
        """Give the tracked text files that hold one of these words, relative to this folder.

        The words reach git on standard input: they may be secrets, and everybody on the machine
        can read the arguments of a program.

        Raises:
            GitError: git did not look.
        """
        given = "\n".join(words).encode()
        ran = self._run(
            *("grep", "-I", "-l", "-z", "--fixed-strings", "-f", "-", "--", ":/"), stdin=given
        )
        if ran.code == 1:  # it has looked, and found nothing
            return frozenset()
        return self._parts("grep", ran)

    def blob(self, path: str) -> str | None:
        """Give the id of a file's content as it is checked out; None: it is not tracked."""
        ran = self._run("rev-parse", "--verify", "--quiet", f"HEAD:./{path}")
        return ran.out.strip() if ran.code == 0 else None

    def blob_of(self, content: bytes, path: str) -> str:
        """Give the id that a content would have if it was committed as that file of this folder."""
        ran = self._run("hash-object", "--stdin", f"--path={path}", stdin=content or b"")
        return ran.out.strip()

    def takes(self, name: str) -> bool:
        """Tell whether a tag may have this name."""
        return self._run("check-ref-format", f"refs/tags/{name}").code == 0

    def knows_who(self) -> bool:
        """Tell whether a tag can be made in somebody's name."""
        return self._run("var", "GIT_COMMITTER_IDENT").code == 0

    def make_tag(self, name: str, commit: str, message: str) -> None:
        """Make an annotated tag. One that is there stays as it is.

        Raises:
            GitError: git refuses.
        """
        said = ("--cleanup=verbatim", "--file=-")
        ran = self._run("tag", "--annotate", *said, "--", name, commit, stdin=message.encode())
        if ran.code != 0:
            raise GitError(f"git makes no tag {name}: {_reason(ran)}")

    def _names(self, *arguments: str) -> frozenset[str]:
        return self._parts(arguments[0], self._run(*arguments))

    def _lines(self, *arguments: str) -> list[str]:
        ran = self._run(*arguments)
        self._must(arguments[0], ran)
        return ran.out.split("\n")

    def _parts(self, verb: str, ran: Ran) -> frozenset[str]:
        self._must(verb, ran)
        return frozenset(one for one in ran.out.split("\0") if one)

    def _must(self, verb: str, ran: Ran) -> None:
        if ran.code == 0:
            return
        words = _reason(ran)
        none = "not a git repository" in words
        mend = f"`git config --global --add safe.directory {self.folder}`, if you trust it"
        raise (NoRepository if none else GitError)(
            f"git {verb}: {words}", next_step=mend if "dubious ownership" in words else ""
        )

    def _run(self, *arguments: str, stdin: bytes = b"", most: int = MOST_SAID) -> Ran:
        argv = ["git", "-C", os.fspath(self.folder), *_PLAIN, *arguments]
        bounds = (self.clock, self.within)
        try:
            ran = run(argv, *bounds, env=_ENVIRONMENT, stdin=stdin, stopped=self.stopped, most=most)
        except CommandError as error:
            raise GitMissing(str(error), next_step="install git") from error
        if ran.code is None:
            raise GitError(f"git {arguments[0]} did not end within {self.within:g} s")
        return ran


def short(commit: str) -> str:
    """Write a commit's id for people."""
    return commit[:10]


def _reason(ran: Ran) -> str:
    """Give what git names as the reason: not always its last line."""
    lines = [one.strip() for one in ran.err.splitlines() if one.strip()]
    named = (one for one in lines if one.startswith(("fatal:", "error:")))
    words = next(named, lines[-1] if lines else f"it ended with {ran.code}")
    return words.partition(": ")[2] if words.startswith(("fatal:", "error:")) else words
