"""Pages keep to one way of writing commands, so that none is passed over."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml

from tests.docs.page import KEYS, ROOT, TRANSLATED, Block, blocks, comments, named, pages
from tests.docs.reading import settings
from tests.docs.shape import general, missing
from tests.docs.sizes import NOT_HERE, SMALLER, Smaller, as_run, not_here

# Any other language may be added here, as long as nobody types what stands in it.
LANGUAGES = {"console", "text", "yaml", "json", "nginx", "ini", "python", "mermaid"}
PROGRAMS = "canaryctl|docker|docker-compose|make|curl|sudo|python3?|pip|git|nginx|sh|bash|cd|cp"
OTHER_COMMENTS = {"states"}
MOST_NOT_HERE = 6
PAGES = pytest.mark.parametrize("page", pages(), ids=named)


def commands(page: Path) -> list[str]:
    return [command.text for block in blocks(page) for command in block.commands]


EVERY = [command for page in pages() for command in commands(page)]


@PAGES
def test_every_block_has_a_known_language(page: Path) -> None:
    assert not [b.where for b in blocks(page) if b.language not in LANGUAGES]


@PAGES
def test_commands_stand_in_console_blocks_alone(page: Path) -> None:
    typed = re.compile(rf"^(\$ |(?:\S*/)?(?:{PROGRAMS}) (?!:))")
    stray = [
        f"{block.where}: {line}"
        for block in blocks(page)
        if block.language not in ("console", "yaml", "python")
        for line in block.body.splitlines()
        if typed.match(line)
    ]
    assert not stray


@PAGES
def test_what_a_pipeline_runs_is_run_on_the_page_too(page: Path) -> None:
    """`run:` and `script:` of CI examples: the same verb has to stand in a console block."""
    shown = [
        line
        for block in blocks(page)
        if block.language == "yaml"
        for line in _scripts(yaml.safe_load(block.body))
        if line.startswith("canaryctl ")
    ]
    typed = {_words(one) for one in EVERY if one.startswith("canaryctl ")}
    assert not [line for line in shown if _words(line) not in typed]


def _scripts(part: object) -> list[str]:
    if isinstance(part, dict):
        own = [str(part["run"])] if isinstance(part.get("run"), str) else []
        return [*own, *(line for value in part.values() for line in _scripts(value))]
    return [line for value in part for line in _scripts(value)] if isinstance(part, list) else []


def _words(command: str) -> tuple[str, ...]:
    """Give a command's verb and flags, without their values."""
    words = shlex.split(command)
    return (words[1], *sorted(word for word in words[2:] if word.startswith("--")))


@PAGES
def test_comments_are_understood(page: Path) -> None:
    assert comments(page) <= {*KEYS, *OTHER_COMMENTS}


@PAGES
def test_notes_belong_to_a_block_that_needs_them(page: Path) -> None:
    """A note that is read in no block says nothing: its place is before one."""
    read = sum(len(block.notes) for _, block in settings(page))
    text = page.read_text(encoding="utf-8")
    assert read == len(re.findall(rf"<!-- ({'|'.join(KEYS)}): ", text))


@pytest.mark.parametrize(("page", "original"), TRANSLATED.items())
def test_a_translation_has_the_same_blocks_and_headings(page: str, original: str) -> None:
    here, there = (list(blocks(ROOT / one)) for one in (page, original))
    parts = [(one.language, one.body, one.notes) for one in here]
    assert parts == [(one.language, one.body, one.notes) for one in there]
    assert _levels(ROOT / page) == _levels(ROOT / original)
    assert len(_rows(ROOT / page)) == len(_rows(ROOT / original))


def _levels(page: Path) -> list[str]:
    return re.findall(r"^(#+ (?:\d+\. )?)", page.read_text(encoding="utf-8"), re.MULTILINE)


def _rows(page: Path) -> list[str]:
    return re.findall(r"^(?:\||- |\d\. )", page.read_text(encoding="utf-8"), re.MULTILINE)


# --- the tables ---------------------------------------------------------------------------


@pytest.mark.parametrize("one", SMALLER, ids=lambda one: one.of)
def test_each_size_is_of_a_command_that_there_is(one: Smaller) -> None:
    assert any(one.made(command) for command in EVERY)


def test_a_size_is_all_that_changes() -> None:
    for command in EVERY:
        small = as_run(command)
        before, after = shlex.split(command), shlex.split(small)
        assert after[: len(before)] == before or len(after) == len(before), (command, small)
        changed = [(a, b) for a, b in zip(before, after, strict=False) if a != b]
        same = [re.sub(r"\d+\w*", "", a) == re.sub(r"\d+\w*", "", b) for a, b in changed]
        assert all(same), (command, small)


def test_what_is_not_run_is_little_and_has_a_reason() -> None:
    left = {command: why for command in EVERY if (why := not_here(command))}
    assert len(left) <= MOST_NOT_HERE
    assert all(len(why) > 20 for why in left.values())
    assert not [of for of in NOT_HERE if not any(re.fullmatch(of, one) for one in EVERY)]


# --- reading ------------------------------------------------------------------------------


def test_a_block_is_read_as_it_is_typed() -> None:
    body = "$ one --flag \\\n    --more   # for readers\nsaid\n\n$ two\n"
    first, second = Block("here:1", "console", body, ()).commands
    assert (first.text, first.shows) == ("one --flag --more", ("said", ""))
    assert (second.text, second.shows) == ("two", ())


def test_shapes() -> None:
    printed = "12:01:02  proven at NGINX: generation 12-b88738, 0.34 s\nstable 100 %  canary 5 %\n"
    assert missing(["13:59:59  proven at NGINX: generation 1-2731af, 1.2 s"], printed) is None
    assert missing(["stable 1 % canary 99 %"], printed) is None
    assert missing(["proven at … generation 4-aaaaaa", "canary 0 %"], printed) is None
    assert missing(["canary 0 %", "proven at NGINX"], printed) == "proven at NGINX"
    assert missing(["proven by NGINX"], printed) == "proven by NGINX"
    assert general("p95 +228 ms  from +85 ms up") == "p95 <n> from <n> up"
