"""The headings of a Markdown page, and what really stands below each.

Code fences and comments have no headings. A section that holds nothing but headings, rules,
comments, empty fences and words such as TODO is an empty one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_LONGEST = 200
"""Characters of a heading that are read."""
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_FENCE = re.compile(r"[ ]{0,3}(`{3,}|~{3,})(.*)")
_ATX = re.compile(r"[ ]{0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*")
_UNDERLINE = re.compile(r"[ ]{0,3}(=+|-+)[ \t]*")
_WORD = re.compile(r"\w+")
_NOTHING = re.compile(
    r"(to ?do|tbd|tba|fix ?me|wip|xxx)\b.*"
    r"|n/?a|none|later|empty|write me|coming soon|placeholder|work in progress|lorem ipsum.*"
    r"|(still )?to be (done|written|added|defined|filled in|decided|determined)",
    re.IGNORECASE,
)
_MARKS = re.compile(r"^[\s>*+\-_~`|#.!:()\[\]0-9]*|[\s*_~`|.!:]+$")


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and its lines.

    Attributes:
        title: the heading's words.
        level: 1 to 6.
        is_filled: whether anything stands below it, also below its sub-headings.
        is_title: whether it is the page's own: the whole page stands below it.
    """

    title: str
    level: int
    is_filled: bool
    is_title: bool = False

    def is_called(self, words: str) -> bool:
        """Tell whether its heading has these words in a row, in whatever case."""
        wanted = "".join(_words(words))
        mine = _words(self.title)
        # "Roll back" and "roll-back" are Rollback.
        return any(
            "".join(mine[begin:end]) == wanted
            for begin in range(len(mine))
            for end in range(begin + 1, len(mine) + 1)
        )


def sections(text: str) -> tuple[Section, ...]:
    """Read a page."""
    headings: list[tuple[int, str, int]] = []
    filled: list[bool] = []
    lines = _COMMENT.sub(lambda found: "\n" * found[0].count("\n"), text).splitlines()
    fence = ""
    for number, line in enumerate(lines):
        mark = _FENCE.fullmatch(line)
        if fence:
            closes = mark and mark[1].startswith(fence) and not mark[2].strip()
            fence = "" if closes else fence
            filled.append(not closes and _is_content(line))
            continue
        if mark:
            fence = mark[1]
            filled.append(False)
            continue
        heading = _ATX.fullmatch(line)
        if heading:
            headings.append((len(heading[1]), heading[2] or "", number))
            filled.append(False)
            continue
        under = _UNDERLINE.fullmatch(line)
        if under and number and filled[number - 1] and lines[number - 1].strip():
            headings.append((1 if under[1][0] == "=" else 2, lines[number - 1], number - 1))
            filled[number - 1] = False
            filled.append(False)
            continue
        filled.append(_is_content(line))
    return tuple(_section(headings, index, filled) for index in range(len(headings)))


def _section(headings: list[tuple[int, str, int]], index: int, filled: list[bool]) -> Section:
    level, title, begin = headings[index]
    after = (headings[one] for one in range(index + 1, len(headings)))
    end = next((line for deeper, _, line in after if deeper <= level), len(filled))
    only = index == 0 and level == 1 and len(headings) > 1 and end == len(filled)
    shown = " ".join(title[:_LONGEST].split())
    return Section(shown, level, any(filled[begin + 1 : end]), only)


def _is_content(line: str) -> bool:
    words = _MARKS.sub("", line).strip()
    return bool(_WORD.search(words)) and not _NOTHING.fullmatch(words)


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold().replace("_", " "))
