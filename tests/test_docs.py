"""What the documentation says is checked against the program: commands, files, keys, links."""

from __future__ import annotations

import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pytest
import typer.main
import yaml
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from canaryctl.cli.app import app
from canaryctl.cli.config_text import duration
from canaryctl.config import fields, loads
from canaryctl.config import gates as gate_models
from canaryctl.config.breaker import BreakerModel
from canaryctl.config.checks import (
    ArtifactsCheck,
    ChecksModel,
    MigrationsCheck,
    ReleaseCheck,
    RunbookCheck,
    SecretsCheck,
)
from canaryctl.config.deploy import DeployModel
from canaryctl.config.export import ExportModel
from canaryctl.config.gateway import DockerGateway, LocalGateway
from canaryctl.config.hooks import HookModel
from canaryctl.config.model import Config
from canaryctl.config.notify import ChannelModel
from canaryctl.config.plan import PlanModel
from canaryctl.config.probes import ProbeModel
from canaryctl.config.promotion import PromotionModel
from canaryctl.config.smoke import SmokeModel
from canaryctl.config.sources import PrometheusSource, ScrapeSource
from canaryctl.config.versions import VersionModel
from canaryctl.core.evidence import beyond_chance
from canaryctl.core.outcome import Cause, Ending, Outcome
from canaryctl.core.rollout import TABLE
from canaryctl.listeners.jsonable import percent

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")])
BASE: dict[str, Any] = yaml.safe_load("""
service: shop
versions:
  stable: {address: "app:8000"}
  canary: {address: "app-canary:8001"}
gateway:
  driver: docker
  container: shop-nginx
  config: /etc/nginx/conf.d/canaryctl-upstream.conf
""")
GLOBAL_OPTIONS = {"--config"}
REGISTRIES = re.compile(
    r"pypi|pythonhosted|docker\.io|ghcr\.io|quay\.io|gcr\.io|hub\.docker|npmjs|crates\.io"
    r"|deb\.debian|artifactory|nexus",
    re.IGNORECASE,
)


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(text: str, *languages: str) -> Iterator[str]:
    for language, body in re.findall(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        if language in languages:
            yield body


# --- commands -----------------------------------------------------------------------------


def commands(text: str) -> Iterator[str]:
    """Give every `canaryctl …` in console blocks and in inline code."""
    for body in blocks(text, "console", "", "sh", "yaml"):
        for line in body.splitlines():
            found = re.match(r"\s*(?:[$-] |- run: )?(?:\S*/)?(canaryctl .*)", line)
            if found and (line.lstrip().startswith(("$", "- run"))):
                yield found.group(1).partition("#")[0].strip()
    without_blocks = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    yield from re.findall(r"`(canaryctl [^`]+)`", without_blocks)


def complaint(command: str) -> str:
    """Say what is wrong with a command line, empty when nothing is."""
    words = shlex.split(command.replace("[ID]", "ID"))[1:]
    here: Any = typer.main.get_command(app)
    taken = 0
    while words:
        word = words.pop(0)
        options = {name: p for p in here.params for name in p.opts}
        name, equals, _ = word.partition("=")
        if word.startswith("-"):
            if name in GLOBAL_OPTIONS:
                words = words if equals else words[1:]
            elif name not in options:
                return f"{here.name} has no option {name}"
            elif not options[name].is_flag and not equals:
                if not words:
                    return f"{name} lacks its value"
                words.pop(0)
        elif hasattr(here, "commands"):
            for one in word.split("|"):
                if one not in here.commands:
                    return f"{here.name} has no verb {one}"
            here = here.commands[word.partition("|")[0]]
        else:
            taken += 1
    arguments = [p for p in here.params if p.param_type_name == "argument"]
    return f"{here.name} takes {len(arguments)} arguments" if taken > len(arguments) else ""


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_command_exists(page: Path) -> None:
    found = list(commands(page.read_text(encoding="utf-8")))
    wrong = {one: said for one in found if (said := complaint(one))}
    assert not wrong


def test_a_wrong_command_would_be_found() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "canaryctl rollout --version v0.2.0 --dry-run" in list(commands(readme))
    assert complaint("canaryctl rollout --relase v1") == "rollout has no option --relase"
    assert complaint("canaryctl weights sett 5") == "weights has no verb sett"
    assert complaint("canaryctl status now") == "status takes 0 arguments"
    assert complaint("canaryctl rollback --reason") == "--reason lacks its value"
    assert not complaint("canaryctl --config a.yaml weights set 0 --reason 'b c'")


def test_every_verb_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    tree: Any = typer.main.get_command(app)
    for verb, command in tree.commands.items():
        for name in (verb, *(f"{verb} {sub}" for sub in getattr(command, "commands", ()))):
            assert f"`canaryctl {name}" in readme, name


# --- canary.yaml --------------------------------------------------------------------------


def configurations() -> Iterator[Any]:
    for page in PAGES:
        for number, body in enumerate(blocks(page.read_text(encoding="utf-8"), "yaml"), 1):
            parsed = yaml.safe_load(body)
            if set(parsed) & set(Config.model_fields):
                yield pytest.param(body, id=f"{named(page)}-{number}")


@pytest.mark.parametrize("body", list(configurations()))
def test_every_canary_yaml_loads(body: str) -> None:
    whole = {**BASE, **yaml.safe_load(body)}
    config = loads(yaml.safe_dump(whole), "the block", {})
    assert config.core_gates()


SECTIONS: dict[str, tuple[type[BaseModel], ...]] = {
    "Top level": (Config,),
    "versions": (VersionModel,),
    "gateway": (DockerGateway, LocalGateway),
    "plan": (PlanModel,),
    "metrics": (PrometheusSource, ScrapeSource),
    "gates": (
        gate_models.Ratio,
        gate_models.Latency,
        gate_models.Zero,
        gate_models.Gauge,
        gate_models.Promql,
    ),
    "breaker": (BreakerModel,),
    "smoke": (SmokeModel,),
    "hooks": (HookModel,),
    "notify": (ChannelModel,),
    "deploy": (DeployModel,),
    "promotion": (PromotionModel,),
    "checks": (
        ChecksModel,
        ReleaseCheck,
        MigrationsCheck,
        SecretsCheck,
        ArtifactsCheck,
        RunbookCheck,
        ProbeModel,
    ),
    "export": (ExportModel,),
}
SAID_OTHERWISE = {
    "risk",  # a percentage
    # Defaults that depend on other keys or are made; the page says them in words.
    *(
        "plan",
        "metrics",
        "gates",
        "breaker",
        "smoke",
        "control",
        "upstream",
        "resolver",
        "template",
    ),
    *("binary", "main", "prefix"),
    *("docker_host", "docker_context", "tls_dir", "select", "targets", "headers"),
    *("stable", "canary", "warm_up", "profiles"),
    *("checks", "release", "secrets", "artifacts", "runbook", "files", "checkpoints", "probes"),
    *("required", "optional", "public", "procedures", "json", "panels"),
    *("hooks", "notify", "events"),
    *("promotion", "approvals", "steps"),
}


def rows(section: str) -> dict[str, str]:
    """Give the default column of every key in a section's tables."""
    text = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    found: dict[str, str] = {}
    body = text.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    head: list[str] = []
    for line in body.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0] == "key":
            head = cells
        elif line.startswith("|") and not cells[0].startswith("---"):
            for key in re.findall(r"`(\w+)`", cells[0]):
                found[key] = cells[head.index("default")].strip("`")
    return found


def default(model: type[BaseModel], name: str) -> set[str]:
    """Give what a key's default may look like on the page."""
    field = model.model_fields[name]
    if field.is_required():
        return {"required"}
    value = field.default
    if value is PydanticUndefined or value is None:
        return {"–"}
    durations = get_args(fields.Duration)[1], get_args(fields.DurationFromZero)[1]
    if any(mark in field.metadata for mark in durations):
        return {str(duration(value))}
    if name == "stages":
        return {", ".join(str(percent(one)) for one in value)}
    return {f"{value:g}" if isinstance(value, float) else str(value)}


@pytest.mark.parametrize("section", SECTIONS)
def test_every_key_is_explained_with_its_default(section: str) -> None:
    said = rows(section)
    known: dict[str, set[str]] = {}
    for model in SECTIONS[section]:
        for name, field in model.model_fields.items():
            known.setdefault(field.alias or name, set()).update(default(model, name))
    assert set(said) == set(known)
    wrong = {
        name: (said[name], values)
        for name, values in known.items()
        if name not in SAID_OTHERWISE and said[name] not in values
    }
    assert not wrong


def test_every_key_of_the_schema_is_in_one_of_the_sections() -> None:
    explained = {key for section in SECTIONS for key in rows(section)}
    text = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    schema = Config.model_json_schema()
    names = set(schema["properties"])
    for definition in schema["$defs"].values():
        names |= set(definition.get("properties", {}))
    assert not {name for name in names - explained if f"`{name}`" not in text}


def test_the_scrape_timeout_is_as_the_page_says() -> None:
    text = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    scraping = duration(ScrapeSource.model_fields["timeout"].default)
    assert f"With `scrape` it is {scraping}." in text


# --- what is computed ---------------------------------------------------------------------


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_diagram_is_current() -> None:
    page = (ROOT / "docs/how-it-works.md").read_text(encoding="utf-8")
    assert script("diagram").placed(page) == page, (
        "run docs/diagram.py --write docs/how-it-works.md"
    )


def test_the_diagram_shows_every_pair_of_the_table() -> None:
    shown = {
        (before, name)
        for (before, _), names in script("diagram").arrows().items()
        for name in names
    }
    assert shown == {(phase, event.__name__) for phase, event in TABLE}


def test_the_table_of_chance() -> None:
    text = (ROOT / "docs/gates.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith(("| requests |", "| bad |"))]
    totals, bad = (
        [int(cell.replace(",", "")) for cell in line.strip("|").split("|")[1:]] for line in lines
    )
    for total, count in zip(totals, bad, strict=True):
        assert beyond_chance(count, total, 0.005)
        assert not beyond_chance(count - 1, total, 0.005)


@pytest.mark.parametrize("page", ["README.md", "docs/how-it-works.md"])
def test_the_exit_codes_are_all_there(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    table = text.partition("## Exit codes\n")[2].partition("\n## ")[0]
    said = {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)}
    ends = {Ending(cause, "").exit_code for cause in Cause}
    assert said == {*ends, 5}
    assert len({Ending(cause, "").outcome for cause in Cause}) == len(Outcome)


# --- pages as such ------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_resolve(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    broken = []
    for link in re.findall(r"\]\(([^)]+)\)", text):
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert not broken


@pytest.mark.parametrize("page", [*PAGES, *sorted((ROOT / "docs").glob("*.*[yg]"))], ids=named)
def test_no_registry_is_named(page: Path) -> None:
    assert REGISTRIES.findall(page.read_text(encoding="utf-8")) == []


def test_the_picture_fetches_nothing() -> None:
    picture = (ROOT / "docs/rollout.svg").read_text(encoding="utf-8")
    assert set(re.findall(r"https?://[^\"' )]+", picture)) == {"http://www.w3.org/2000/svg"}
    assert "STAGE&#160;3/4" in picture
