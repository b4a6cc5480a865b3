"""The check of the environment file. What it never says is a value."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable

import pytest

from canaryctl.checking.finding import Finding, Status
from canaryctl.core.redaction import SECRETS
from canaryctl.drivers.clock import SystemClock
from canaryctl.drivers.git import Git, GitError
from tests.checking.shop import SECRET, Shop


def look(shop: Shop, **asked: object) -> Finding:
    declared = {"required": ["API_KEY"], **asked}
    return shop.check(only="secrets", secrets=declared)["secrets"]


def holding(text: str) -> Callable[[Shop], None]:
    return lambda shop: shop.write(".env", text)


def gone(shop: Shop) -> None:
    (shop.path / ".env").unlink()


def a_folder(shop: Shop) -> None:
    gone(shop)
    (shop.path / ".env").mkdir()


def a_pipe(shop: Shop) -> None:
    gone(shop)
    os.mkfifo(shop.path / ".env")


def dangling(shop: Shop) -> None:
    gone(shop)
    (shop.path / ".env").symlink_to("nowhere")


def not_text(shop: Shop) -> None:
    (shop.path / ".env").write_bytes(b"API_KEY=\xff\xff")


def zero_byte(shop: Shop) -> None:
    (shop.path / ".env").write_bytes(b"API_KEY=\0abcdefgh\nPORT=1")


def committed(shop: Shop) -> None:
    shop.git("add", "--force", ".env")
    shop.git("commit", "--quiet", "--message", "Oh")


def staged_only(shop: Shop) -> None:
    shop.git("add", "--force", ".env")


def copied(shop: Shop) -> None:
    shop.write("settings.py", f"KEY = '{SECRET}'\n")
    shop.git("add", "settings.py")
    shop.git("commit", "--quiet", "--message", "Settings")


def example_needs_more(shop: Shop) -> None:
    shop.write(".env.example", "API_KEY=\nPORT=8000\nMAIL_HOST=\n")


def example_broken(shop: Shop) -> None:
    shop.write(".env.example", "API_KEY=\nwhat is this\n")


@pytest.mark.parametrize(
    ("spoil", "reason", "mend"),
    [
        (gone, ".env is not there", "cp .env.example .env"),
        (a_folder, ".env is not a regular file", "mend .env"),
        (a_pipe, ".env is not a regular file", "mend .env"),
        (dangling, ".env is not there", "cp .env.example .env"),
        (not_text, ".env is not UTF-8", "mend .env"),
        (zero_byte, "zero byte", "mend .env"),
        (holding(""), ".env lacks API_KEY, PORT", "add API_KEY, PORT"),
        (holding(f"API_KEY={SECRET}\n"), ".env lacks PORT", "add PORT to .env"),
        (holding(f"# API_KEY={SECRET}\nPORT=1\n"), ".env lacks API_KEY", "add API_KEY"),
        (holding("API_KEY=\nPORT=1\n"), "API_KEY in .env is empty", "give API_KEY a value"),
        (holding("API_KEY='  '\nPORT=1\n"), "API_KEY in .env is empty", "give API_KEY a value"),
        (holding("API_KEY= # later\nPORT=1\n"), "API_KEY in .env is empty", "give API_KEY"),
        (holding("API_KEY=changeme\nPORT=1\n"), "placeholder", "its real value"),
        (holding('export API_KEY = "ChangeMe!"\nPORT=1\n'), "placeholder", "its real value"),
        (holding("API_KEY=<your key>\nPORT=1\n"), "placeholder", "its real value"),
        (holding("API_KEY=your-api-key-here\nPORT=1\n"), "placeholder", "its real value"),
        (holding("API_KEY=xxxx\nPORT=1\n"), "placeholder", "its real value"),
        (holding("API_KEY=password\nPORT=1\n"), "placeholder", "its real value"),
        (holding(f"API_KEY={SECRET}\nPORT=TODO\n"), "PORT in .env has a placeholder", "real"),
        (
            holding(f"API_KEY={SECRET}\nPORT=1\nDB_PASSWORD=changeme\n"),
            "DB_PASSWORD in .env has a placeholder",
            "real",
        ),
        (
            holding(f"API_KEY={SECRET}\nPORT=1\nDB_TOKEN=postgres://app:changeme@db/x\n"),
            "DB_TOKEN in .env has a placeholder",
            "real",
        ),
        (holding(f"API_KEY={SECRET}\nPORT=1\nwhat is this\n"), "line 3 is no KEY=value", "mend"),
        (holding(f"API_KEY='{SECRET}\nPORT=1\n"), "line 1 is no KEY=value", "mend .env"),
        (committed, "git tracks .env", "git rm --cached .env"),
        (staged_only, "git tracks .env", "git rm --cached .env"),
        (copied, "the value of API_KEY stands in settings.py", "take it out of settings.py"),
        (example_needs_more, ".env lacks MAIL_HOST", "add MAIL_HOST to .env"),
        (example_broken, ".env.example: line 2", "mend .env.example"),
    ],
)
def test_broken_secrets_fail_and_say_the_mend(
    shop: Shop, spoil: Callable[[Shop], None], reason: str, mend: str
) -> None:
    spoil(shop)
    found = look(shop)
    assert found.status is Status.FAIL
    assert reason in found.reason
    assert mend in found.mend
    assert SECRET not in found.reason + found.mend


@pytest.mark.parametrize(
    "text",
    [
        f"API_KEY={SECRET}\nPORT=8000\n",
        f"API_KEY = '{SECRET}'\r\nPORT=8000\r\n",
        f'export API_KEY="{SECRET}" # the new one\nexport PORT=8000',
        f"\ufeffAPI_KEY={SECRET}\n\n# x\nPORT=8000 # as ever\n",
        f'PORT=8000\nAPI_KEY="{SECRET}\nsecond line"\n',
        f"API_KEY={SECRET}\nPORT=8000\nMAX_TOKENS=1024\nUSE_AUTH=true\nSORT_KEY=name\n",
        f"API_KEY={SECRET}\nPORT=8000\nMODELS=[a,b]\nNAME=test\n",
    ],
)
def test_every_way_to_write_it_passes(shop: Shop, text: str) -> None:
    shop.write(".env", text)
    assert look(shop).status is Status.PASS


def test_the_examples_own_secret_is_none(shop: Shop) -> None:
    shop.write(".env.example", "API_KEY=hunter-of-foxes\nPORT=8000\n")
    shop.write(".env", "API_KEY=hunter-of-foxes\nPORT=8000\n")
    found = look(shop)
    assert found.status is Status.FAIL
    assert "API_KEY in .env has the value that stands in .env.example" in found.reason
    assert "hunter" not in found.reason + found.mend


def shared(shop: Shop, text: str) -> None:
    """Have a line in the file, its example and a file that git tracks."""
    shop.write(".env.example", f"API_KEY=\nPORT=8000\n{text}\n")
    shop.write(".env", f"API_KEY={SECRET}\nPORT=1\n{text}\n")
    shop.write("front.js", f"const it = '{text.partition('=')[2]}'\n")
    shop.commit("Shared")


@pytest.mark.parametrize(
    "text",
    [
        "TLS_KEY=/etc/ssl/private/app.key",
        "DB_PASSWORD=/run/secrets/db_password",
        "SSH_KEY=~/.ssh/id_ed25519",
        "SIGNING_KEY=../keys/signing-2025.pem",
        "ROOT_KEY=file:/etc/example/root.key",
        "STRIPE_PUBLISHABLE_KEY=pk_live_51HxQ2mZ7pLw4Rt",
        "VAPID_PUBLIC_KEY=BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA",
        "NEXT_PUBLIC_TOKEN=k7f3q9x2m4z8",
        "SERVICE_TOKEN_FILE=k7f3q9x2m4z8",
        "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE",
    ],
)
def test_what_is_public_or_a_path_is_no_secret(shop: Shop, text: str) -> None:
    shared(shop, text)
    found = look(shop)
    assert found.status is Status.PASS, found.reason


@pytest.mark.parametrize(
    "text",
    [
        "DB_PASSWORD=/wJalrXUtnFEMI/K7MDENG+bPxRfiCYzQ2k",
        "PUBLIC_SITE_PASSWORD=k7f3q9x2m4z8",
        "MAP_KEY=k7f3q9x2m4z8",
    ],
)
def test_only_a_variable_that_is_named_public_is_believed(shop: Shop, text: str) -> None:
    shared(shop, text)
    name = text.partition("=")[0]
    found = look(shop)
    assert f"{name} in .env has the value that stands in .env.example" in found.reason
    assert f"the value of {name} stands in front.js" in found.reason
    assert look(shop, public=[name]).status is Status.PASS


def test_what_is_public_has_to_be_filled_in_and_is_not_masked(shop: Shop) -> None:
    shared(shop, "MAP_KEY=changeme")
    assert "MAP_KEY in .env has a placeholder" in look(shop, public=["MAP_KEY"]).reason
    shared(shop, "MAP_KEY=demo-of-the-shop")
    probe = {"name": "it", "command": ["cat", "front.js"]}
    for public, said in (([], "***"), (["MAP_KEY"], "demo-of-the-shop")):
        SECRETS.know(())
        found = shop.check(only="secrets", secrets={"public": public}, probes=[probe])["it"]
        assert found.reason == f"const it = '{said}'"


PASSWORD = "kjh23kjh4kj23"  # noqa: S105  looked for where it may not be


def referring(shop: Shop, text: str) -> None:
    """Have the same text in the file, its example and a file that git tracks."""
    shop.write(".env.example", f"API_KEY=\nPORT=8000\nDB_PASSWORD=\n{text}\n")
    shop.write("docker-compose.yml", f"environment:\n  - {text}\n")
    shop.write(".env", f"API_KEY={SECRET}\nPORT=1\nDB_PASSWORD={PASSWORD}\n{text}\n")
    shop.commit("Compose")


@pytest.mark.parametrize(
    "text",
    [
        "DATABASE_URL=postgres://u:${DB_PASSWORD}@db/shop",
        "DATABASE_URL=postgres://u:$DB_PASSWORD@db/shop",
        'DATABASE_URL="postgres://u:${DB_PASSWORD:?}@db/shop"',
        "AUTH_TOKEN=${DB_PASSWORD}",
        "AUTH_TOKEN=${AUTH_TOKEN_OF_TODAY:-${DB_PASSWORD}}",
        "AUTH_TOKEN=${AUTH_TOKEN_OF_TODAY:+x-y-z-9-8-7}${DB_PASSWORD}",
    ],
)
def test_a_text_that_refers_to_variables_is_no_secret(shop: Shop, text: str) -> None:
    referring(shop, text)
    found = look(shop)
    assert found.status is Status.PASS, found.reason


def test_what_variables_make_is_a_secret(shop: Shop) -> None:
    referring(shop, "AUTH_TOKEN=${DB_PASSWORD}-of-the-shop")
    shop.write("settings.py", f"TOKEN = '{PASSWORD}-of-the-shop'\n")
    shop.commit("Settings")
    said = "the value of DB_PASSWORD, AUTH_TOKEN stands in settings.py, which git tracks"
    assert look(shop).reason == said


def test_a_default_that_is_written_out_is_a_secret(shop: Shop) -> None:
    referring(shop, "AUTH_TOKEN=${AUTH_TOKEN_OF_TODAY:-k7-of-the-shop}")
    assert "the value of AUTH_TOKEN stands in .env.example" in look(shop).reason


@pytest.mark.parametrize(
    "text", ["'k7${DB_PASSWORD}q9'", '"k7\\${DB_PASSWORD}q9"', "k7$of.shop.q9"]
)
def test_a_dollar_that_is_meant_is_part_of_the_secret(shop: Shop, text: str) -> None:
    referring(shop, f"AUTH_TOKEN={text}")
    shop.write("docker-compose.yml", f"token: {text.strip(chr(34) + chr(39)).replace(chr(92), '')}")
    shop.commit("Copied")
    found = look(shop)
    assert "AUTH_TOKEN in .env has the value that stands in .env.example" in found.reason
    assert "the value of AUTH_TOKEN stands in docker-compose.yml" in found.reason


@pytest.mark.parametrize("text", ["${API_KEY}", "$API_KEY", "${NOT_SET-}", '"${NOT_SET:+x}"'])
def test_a_variable_that_nothing_sets_is_empty(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.delenv("API_KEY", raising=False)
    shop.write(".env", f"API_KEY={text}\nPORT=1\n")
    found = look(shop)
    assert found.status is Status.FAIL
    assert found.reason == "API_KEY in .env is empty"


def test_the_environment_sets_variables_as_it_does_for_compose(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_KEY", SECRET)
    shop.write(".env", "API_KEY=${API_KEY:?from the vault}\nPORT=1\n")
    assert look(shop).status is Status.PASS
    copied(shop)
    assert "the value of API_KEY stands in settings.py" in look(shop).reason
    monkeypatch.setenv("API_KEY", "changeme")
    assert "placeholder" in look(shop).reason
    monkeypatch.delenv("API_KEY")
    found = look(shop)
    assert found.reason == ("API_KEY in .env needs API_KEY, which is not set: Compose refuses .env")
    assert "export it" in found.mend


@pytest.mark.parametrize("mode", [0o644, 0o604])
def test_a_file_that_everybody_reads_is_a_warning(shop: Shop, mode: int) -> None:
    (shop.path / ".env").chmod(mode)
    found = look(shop)
    assert found.status is Status.WARN
    assert "chmod 600 .env" in found.mend


def test_what_git_had_once_is_a_warning(shop: Shop) -> None:
    committed(shop)
    shop.git("rm", "--cached", "--quiet", ".env")
    shop.git("commit", "--quiet", "--message", "Out again")
    found = look(shop)
    assert found.status is Status.WARN
    assert "git's history" in found.reason


def test_a_file_that_git_may_add_is_a_warning(shop: Shop) -> None:
    shop.write(".gitignore", "dist/\nmodels/\n")
    found = look(shop)
    assert found.status is Status.WARN
    assert "add .env to .gitignore" in found.mend


def test_a_repository_that_git_refuses_is_no_pass(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    found = look(shop)
    assert found.status is Status.UNKNOWN
    assert "whether git has .env" in found.reason
    assert "dubious ownership" in found.reason
    assert "safe.directory" in found.mend
    with pytest.raises(GitError, match="git grep: detected dubious ownership"):
        Git(shop.path, SystemClock()).holding([SECRET])


def test_without_git_only_a_folder_in_no_repository_passes(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    found = look(shop)
    assert found.status is Status.UNKNOWN
    assert "'git' cannot be started" in found.reason
    assert found.mend == "install git"
    shutil.rmtree(shop.path / ".git")
    assert look(shop).status is Status.PASS


def test_a_name_that_stands_twice_is_a_warning(shop: Shop) -> None:
    shop.write(".env", f"API_KEY=x\nAPI_KEY={SECRET}\nPORT=1\n")
    assert look(shop).status is Status.WARN


def test_what_is_optional_may_be_empty_or_absent(shop: Shop) -> None:
    shop.write(".env.example", "API_KEY=\nPORT=\nPROXY=\n")
    assert look(shop).status is Status.FAIL
    assert look(shop, optional=["PROXY"]).status is Status.PASS


def test_nobody_says_what_is_needed(shop: Shop) -> None:
    (shop.path / ".env.example").unlink()
    assert shop.check(only="secrets", secrets={})["secrets"].status is Status.UNKNOWN
    (shop.path / ".env").unlink()
    found = shop.check(left_out=("secrets",))["secrets"]
    assert found.status is Status.UNKNOWN
    assert "checks.secrets.required" in found.mend


def test_a_link_to_where_secrets_are_kept_is_followed(shop: Shop) -> None:
    (shop.path / ".env").rename(shop.path / "kept")
    (shop.path / ".env").symlink_to("kept")
    found = look(shop)
    assert found.status is Status.WARN
    assert found.mend == "add kept to .gitignore"
    shop.write(".gitignore", ".env\nkept\nmodels/\ndist/\n")
    assert look(shop).status is Status.PASS
    shop.git("add", "--force", ".env", "kept")
    assert look(shop).reason.startswith("git tracks kept: whoever has the repository")


def outside(shop: Shop) -> str:
    folder = shop.path.with_name(f"{shop.path.name} outside")
    folder.mkdir()
    (shop.path / ".env").rename(folder / "app.env")
    return f"../{folder.name}/app.env"


def absolute(shop: Shop) -> str:
    return str((shop.path / outside(shop)).resolve())


def behind_a_folder(shop: Shop) -> str:
    (shop.path / "conf").symlink_to(os.path.dirname(outside(shop)))  # noqa: PTH120
    shop.write(".gitignore", "conf\nmodels/\ndist/\n")
    return "conf/app.env"


def behind_a_tracked_link(shop: Shop) -> str:
    (shop.path / "link.env").symlink_to(outside(shop))
    shop.commit("Where it is")
    return "link.env"


@pytest.mark.parametrize("moved", [outside, absolute, behind_a_folder, behind_a_tracked_link])
def test_git_has_nothing_of_a_file_outside_of_its_folder(
    shop: Shop, moved: Callable[[Shop], str]
) -> None:
    file = moved(shop)
    assert look(shop, file=file).status is Status.PASS
    copied(shop)
    found = look(shop, file=file)
    assert "the value of API_KEY stands in settings.py" in found.reason


def test_a_file_above_the_folder_of_canary_yaml_is_in_the_repository(shop: Shop) -> None:
    shop.write("deploy/.env.example", "API_KEY=\n")
    inner = Shop(shop.path / "deploy")
    assert look(inner, file="../.env").status is Status.PASS
    shop.write(".gitignore", "models/\ndist/\n")
    assert look(inner, file="../.env").mend == "add ../.env to .gitignore"
    committed(shop)
    absolute = str(shop.path / ".env")
    assert "git tracks ../.env" in look(inner, file=absolute).reason
