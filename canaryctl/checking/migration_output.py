"""What a migration tool prints, compared with the files: is everything applied, and no more?

Read is one migration a line, however the tool decorates it (``[X] 0003_users``, ``up 2025…``,
``abc123 (head)``, a row of a table), or one line with the newest version alone (``3``). A line
that could mean two things is a shortfall too: it is said, and nothing is taken for applied.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from canaryctl.checking.finding import some
from canaryctl.checking.migration_files import Migration, by_app
from canaryctl.checking.migration_names import Names
from canaryctl.checking.migration_rows import Mark, Row, rows
from canaryctl.checking.migration_sections import LOOSE, sections
from canaryctl.checking.words import line_of

_Apps = Mapping[str | None, Sequence[Migration]]


def shortfalls(files: Sequence[Migration], said: str) -> Iterator[str]:
    """Say what of the files is not applied, and what is applied that has no file.

    Args:
        files: from the oldest to the newest of each app; at least one.
        said: what the tool printed.
    """
    apps = by_app(files)
    below = sections(said) if any(app is not None for app in apps) else {}
    if below:
        yield from _below(apps, below)
    elif len(apps) == 1:
        yield from _compared(Names(files), said)
    else:
        yield from _of_several(apps, said)


def _below(apps: _Apps, below: Mapping[str, str]) -> Iterator[str]:
    """Compare each app with what stands below its name."""
    loose = below.get(LOOSE, "")
    if stray := [one for one in rows(loose, lambda _: False) if one.mark is not Mark.DONE]:
        yield f"{line_of(stray[0].text)!r} stands below no app's name, and is not understood"
        return
    for app, files in apps.items():
        text = below.get(app) if app else None
        if text is None:
            there = some(sorted(one for one in below if one))
            yield f"what it prints has no section {app or files[0].path}; it has {there}"
            continue
        many = f"{app}: " if len(apps) > 1 else ""
        yield from (f"{many}{one}" for one in _compared(Names(files), text))


def _of_several(apps: _Apps, said: str) -> Iterator[str]:
    """Compare several apps with lines that name them."""
    every = Names([one for files in apps.values() for one in files])
    for row in rows(said, every.known):
        if every.found(row) is not None and not every.app_of(row):
            these = some([*map(str, apps)])
            yield f"{line_of(row.text)!r} does not say of which app it is: {these}"
            return
    for app, files in apps.items():
        yield from (f"{app}: {one}" for one in _compared(Names(files), said))


def _compared(names: Names, said: str) -> Iterator[str]:
    """Compare files that form one line."""
    found = [one for one in rows(said, names.known) if _is_ours(names, one)]
    if not found:
        yield f"nothing is applied, not even {names.files[0].ident}"
    elif broken := _broken(found) or _strangers(names, found):
        yield broken
    else:
        yield from _missing(names, found)


def _broken(found: Sequence[Row]) -> str:
    """Say which line ends all comparing; empty: none."""
    for row in found:
        if row.mark is Mark.FAILED:
            return f"a migration has failed half way: {line_of(row.text)!r}"
        if row.mark is Mark.UNCLEAR:
            return f"{line_of(row.text)!r} is not understood: print the headings, or versions alone"
    return ""


def _strangers(names: Names, found: Sequence[Row]) -> str:
    """Say what is applied that has no file; empty: nothing is."""
    done = [row for row in found if row.mark is Mark.DONE]
    said = dict.fromkeys(names.stranger(row, names.found(row)) for row in done)
    words = [line_of(one) for one in said if one]
    are, them = ("is", "it") if len(words) == 1 else ("are", "them")
    return f"{some(words)} {are} applied, and there is no file of {them} here" if words else ""


def _missing(names: Names, found: Sequence[Row]) -> Iterator[str]:
    """Say which files are not applied. What is said to be pending is, whatever else is said."""
    files = names.files
    waiting = [row for row in found if row.mark is Mark.PENDING]
    named = {one for row in waiting if (one := names.found(row)) is not None}
    told = (names.found(row) for row in found if row.mark is Mark.DONE)
    applied = [one for one in told if one is not None and one not in named]
    if waiting and not named:
        yield f"some are not applied: {line_of(waiting[0].text)!r}"
    elif not applied and not named:
        yield f"what it prints names none of the files: {line_of(found[-1].text)!r}"
    elif len(applied) == 1 and not named:
        # The newest version alone.
        if applied[0] != files[-1]:
            yield _not_applied(files[files.index(applied[0]) + 1 :], applied[0])
    elif rest := [one for one in files if one not in applied]:
        yield _not_applied(rest, applied[-1] if applied else None)


def _is_ours(names: Names, row: Row) -> bool:
    """Tell whether a line is not about another one of Django's apps."""
    app = names.app_of(row)
    return not app or app in names.apps


def _not_applied(rest: Sequence[Migration], last: Migration | None) -> str:
    words = rest[0].ident if len(rest) == 1 else f"{rest[0].ident} to {rest[-1].ident}"
    many = "" if len(rest) == 1 else f" ({len(rest)})"
    after = f"; the last one applied is {last.ident}" if last is not None else ""
    return f"not applied: {words}{many}{after}"
