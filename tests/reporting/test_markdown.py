"""Values stay text in Markdown: rendered by a real parser, and looked at as a forge does."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from canaryctl.listeners.line import clean
from canaryctl.reporting.markdown import markdown
from canaryctl.reporting.markdown_text import block, code, table, text
from canaryctl.reporting.read import report_of
from tests.reporting.hostile import HARM, NAME, written

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
# What GitHub and GitLab look for in the text that they have rendered, outside code.
FIRES = re.compile(
    r"(?<!\w)@[\w-]|(?<![\w&])[#!$~%]\w|\w[#!]\d|\bGH-\d|(?i:\b(?:https?|ftp)://)|\bwww\.\w"
    r"|\w@\w+\.\w"
)


class Rendered(HTMLParser):
    """What is on the page: its tags, and its text outside code."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.code = ""
        self._in_code = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not attrs
        self._in_code += tag in ("code", "pre")

    def handle_endtag(self, tag: str) -> None:
        self._in_code -= tag in ("code", "pre")

    def handle_data(self, data: str) -> None:
        if self._in_code:
            self.code += data
        else:
            self.text += data


@given(st.one_of(st.sampled_from(HARM), st.text(min_size=1)).map(clean))
def test_any_text_stays_that_text(value: str) -> None:
    shown = Rendered(MARKDOWN.render(f"- x {text(value)} y"))
    assert shown.tags == ["ul", "li"]
    assert not FIRES.search(shown.text)
    assert shown.text.replace("\u2060", "").split() == f"x {value} y".replace("\u2060", "").split()


@given(st.one_of(st.sampled_from(HARM), st.text(alphabet="a `|\\@:/w.#<", min_size=1)).map(clean))
def test_code_in_a_cell_is_one_cell(value: str) -> None:
    lines = table(("a", "b"), [(code(value), "end")])
    shown = Rendered(MARKDOWN.render("\n".join(lines)))
    assert [tag for tag in shown.tags if tag != "code"] == [
        *("table", "thead", "tr", "th", "th"),
        *("tbody", "tr", "td", "td"),
    ]
    assert not FIRES.search(shown.text)
    if value.strip():
        seen = (shown.code + shown.text).replace("\u2060", "")
        assert "".join(value.split()) in "".join(seen.split())


@given(st.lists(st.text(alphabet="`~ ab\t", max_size=9).map(clean)))
def test_a_block_holds_its_lines(values: list[str]) -> None:
    shown = Rendered(MARKDOWN.render("\n".join([*block(values), "after"])))
    assert shown.tags == ["pre", "code", "p"]
    assert shown.text.strip() == "after"


@pytest.fixture
def evil(tmp_path: Path) -> str:
    written(tmp_path)
    return markdown(report_of(NAME, tmp_path))


def test_a_whole_report_of_hostile_names(evil: str) -> None:
    shown = Rendered(MARKDOWN.render(evil))
    assert set(shown.tags) <= {
        *("h2", "p", "strong", "table", "thead", "tbody", "tr", "th", "td", "ul", "li", "code"),
        *("pre", "blockquote", "details", "summary"),
    }
    assert not FIRES.search(shown.text)
    assert "\x1b" not in evil
    assert "\u202e" not in evil
