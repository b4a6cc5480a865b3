"""SVG, written by hand: elements with escaped attributes and texts, nothing that acts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

Point = tuple[float, float]


def element(name: str, *inside: Markup | str, **attributes: float | str) -> Markup:
    """Write an element.

    Args:
        name: a constant of the caller.
        inside: markup as it is; a plain string is escaped.
        attributes: ``_`` stands for ``-``; a trailing one is dropped (``class_``).
    """
    written = Markup("").join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), _plain(value))
        for key, value in attributes.items()
    )
    body = Markup("").join(escape(one) for one in inside)
    tag = Markup(name)  # noqa: S704  a constant of the caller
    if not inside:
        return Markup("<{}{}/>").format(tag, written)
    return Markup("<{}{}>{}</{}>").format(tag, written, body, tag)


def picture(
    width: float, height: float, parts: Iterable[Markup], *, name: str, title: str, about: str
) -> Markup:
    """Write a whole picture, with what it shows in words for those who do not see it.

    Args:
        width: of the picture's own units, as ``height``.
        height: see there.
        parts: what is drawn.
        name: of its elements' ids, unique on the page.
        title: what it is.
        about: what it shows.
    """
    return element(
        "svg",
        element("title", title, id=f"{name}-title"),
        element("desc", about, id=f"{name}-about"),
        *parts,
        viewBox=f"0 0 {width:g} {height:g}",
        role="img",
        aria_labelledby=f"{name}-title {name}-about",
    )


def line(points: Sequence[Point | None], kind: str) -> Markup:
    """Draw a line through points; None is a gap, and a point alone becomes a dot."""
    path: list[str] = []
    run: list[Point] = []
    for point in (*points, None):
        if point is not None:
            run.append(point)
        elif run:
            last = run[1:] or [run[0]]
            path.append(_moved("M", run[0]) + "".join(_moved("L", one) for one in last))
            run = []
    if not path:
        return Markup("")
    return element("path", class_=kind, d="".join(path))


def rule(start: Point, end: Point, kind: str) -> Markup:
    """Draw a straight line."""
    return element("line", class_=kind, x1=start[0], y1=start[1], x2=end[0], y2=end[1])


def words(at: Point, text: str, kind: str = "", anchor: str = "start") -> Markup:
    """Write a text; ``anchor`` is start, middle or end."""
    return element("text", text, class_=kind, x=at[0], y=at[1], text_anchor=anchor)


def cross(at: Point, size: float = 3.0) -> Markup:
    """Draw an ×: a failure is told by its form, not by a colour."""
    x, y = at
    d = (
        f"{_moved('M', (x - size, y - size))}{_moved('L', (x + size, y + size))}"
        f"{_moved('M', (x - size, y + size))}{_moved('L', (x + size, y - size))}"
    )
    return element("path", class_="cross", d=d)


def _moved(letter: str, point: Point) -> str:
    return f"{letter}{_plain(point[0])} {_plain(point[1])}"


def _plain(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.1f}".removesuffix(".0")
