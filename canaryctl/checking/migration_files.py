"""Migrations as files: their order, and whether they form one line.

Alembic's and Django's files say what they come after; of others the name does: a number or a time
at its beginning (``0003_users.sql``, ``V3__users.sql``, ``20250630001307_users.rb``).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

_NUMBER = re.compile(r"[VvRr]?(\d+(?:[._]\d+)*)(?=$|[^0-9A-Za-z])")
_GENERIC = frozenset({"migration", "up", "index", "migrate"})
_UNDO = re.compile(r"(?i)(^|[._-])(down|undo|revert|rollback)$")
_UP = re.compile(r"(?i)[._-]up$")


@dataclass(frozen=True, slots=True)
class Migration:
    """One migration.

    Attributes:
        path: its file.
        ident: what the database calls it.
        number: the number or time at the beginning of its name, without zeros; else empty.
        after: what it says it comes after; None: it says nothing.
        app: the folder of its Django app; None: it is not Django's.
    """

    path: str
    ident: str
    number: str
    after: tuple[str, ...] | None = None
    app: str | None = None

    @property
    def names(self) -> frozenset[str]:
        """Everything that a tool may call it."""
        pure = PurePosixPath(self.path)
        return frozenset({self.ident, pure.name, pure.stem, self.path})


class NotMigrationError(ValueError):
    """The file is no migration; the text follows on its name."""


def migration(path: str, text: str) -> Migration | None:
    """Read a file; give None for one that undoes, or belongs to the folder.

    Raises:
        NotMigrationError: it has no content, or is Python that does not parse.
    """
    pure = PurePosixPath(path)
    stem = pure.stem
    if _UNDO.search(stem) or stem == "__init__":
        return None
    if not text.strip():
        raise NotMigrationError("is empty")
    ident = _UP.sub("", stem)
    if ident.casefold() in _GENERIC and pure.parent.name:
        ident = pure.parent.name
    if pure.suffix == ".py":
        said = _python(path, text)
        if said is not None:
            app = None if said[0] else pure.parent.parent.name
            return Migration(path, said[0] or ident, _number(ident), said[1], app)
    return Migration(path, ident, _number(ident))


def in_order(many: Sequence[Migration]) -> tuple[Migration, ...]:
    """Sort from the oldest to the newest, as far as names and files say; Django's apps in turn."""
    apps = tuple(by_app(many).values())
    if len(apps) > 1:
        return tuple(one for same in apps for one in in_order(same))
    if all(one.after is None for one in many):
        return tuple(sorted(many, key=_key))
    left = {one.ident: one for one in many}
    done: list[Migration] = []
    while left:
        ready = [
            one for one in left.values() if not any(before in left for before in one.after or ())
        ]
        ready = sorted(ready or left.values(), key=_key)
        done += ready
        for one in ready:
            left.pop(one.ident, None)
    return tuple(done)


def by_app(many: Sequence[Migration]) -> dict[str | None, tuple[Migration, ...]]:
    """Tell Django's apps apart: each has a line, and names, of its own."""
    found: dict[str | None, tuple[Migration, ...]] = {}
    for one in sorted(many, key=lambda one: one.app or ""):
        found[one.app] = (*found.get(one.app, ()), one)
    return found


def tangles(many: Sequence[Migration]) -> Iterator[str]:
    """Say where the migrations do not form one line, or one of each of Django's apps."""
    apps = by_app(many)
    if len(apps) > 1:
        for app, own in apps.items():
            yield from (f"{app}: {said}" if app else said for said in tangles(own))
        return
    idents = [one.ident for one in many]
    for one in sorted({ident for ident in idents if idents.count(ident) > 1}):
        yield f"two migrations are called {one}"
    linked = [one for one in many if one.after is not None]
    if linked:
        yield from _graph(linked)
        return
    numbers: dict[str, list[str]] = {}
    for migration_ in many:
        if migration_.number:
            numbers.setdefault(migration_.number, []).append(migration_.ident)
    for number, same in sorted(numbers.items()):
        if len(same) > 1:
            yield f"several heads: {' and '.join(sorted(same))} have the same number {number}"


def _graph(linked: Sequence[Migration]) -> Iterator[str]:
    known = {one.ident for one in linked}
    referred = {before for one in linked for before in one.after or ()}
    for one in linked:
        for before in one.after or ():
            if before not in known:
                yield f"{one.ident} comes after {before}, which has no file"
    heads = sorted(known - referred)
    if len(heads) > 1:
        yield f"several heads: {' and '.join(heads)}"
    elif not heads:
        yield "the migrations go round in a circle: none is the newest"


def _python(path: str, text: str) -> tuple[str, tuple[str, ...]] | None:
    """Read what an Alembic or a Django file says of itself; None: it is neither."""
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise NotMigrationError("is Python that does not parse") from None
    said = {name: value for node in module.body for name, value in _assigned(node)}
    if isinstance(said.get("revision"), str):
        return str(said["revision"]), _texts(said.get("down_revision"))
    for node in module.body:
        if isinstance(node, ast.ClassDef) and node.name == "Migration":
            inside = {name: value for part in node.body for name, value in _assigned(part)}
            app = PurePosixPath(path).parent.parent.name
            said_after = inside.get("dependencies")
            pairs = said_after if isinstance(said_after, list | tuple) else ()
            return "", tuple(
                str(one[1])
                for one in pairs
                if isinstance(one, tuple) and len(one) == 2 and app in ("", one[0])  # noqa: PLR2004
            )
    return None


def _assigned(node: ast.stmt) -> Iterator[tuple[str, object]]:
    target = value = None
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target, value = node.targets[0], node.value
    elif isinstance(node, ast.AnnAssign):
        target, value = node.target, node.value
    if isinstance(target, ast.Name) and value is not None:
        try:
            yield target.id, ast.literal_eval(value)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            # Django's swappable_dependency(…) in a list of others.
            if isinstance(value, ast.List):
                yield target.id, tuple(_literals(value))


def _literals(value: ast.List) -> Iterator[object]:
    for one in value.elts:
        try:
            yield ast.literal_eval(one)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            continue


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(str(one) for one in value) if isinstance(value, tuple | list) else ()


def _number(ident: str) -> str:
    found = _NUMBER.match(ident)
    return (found[1].lstrip("0") or "0") if found else ""


def _key(one: Migration) -> tuple[tuple[int, ...], str]:
    parts = tuple(int(part) for part in re.split(r"[._]", one.number) if part)
    return parts, one.ident
