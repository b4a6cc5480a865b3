"""Values that stand for one that somebody has still to fill in."""

from __future__ import annotations

import re
from urllib.parse import unquote

# `_` ends a word as blanks and hyphens do. What only secrets are never called stands further down:
# a name may be todo-app, and a mode replace-in-place.
_STANDS_FOR_ANOTHER = re.compile(
    r"change[-_ ]?(me|it|this|meplease)(?![a-z0-9]).*|changeme.*|replace[-_ ]?(me|it|this|with).*"
    r"|please[-_ ]?(change|replace|set|insert|enter|fill|add|put)(?![a-z0-9]).*"
    r"|<[^>]*>|\{\{.*\}\}|__.*__"
    r"|(insert|enter|put|add|set|fill)[-_ ](your|me|here)(?![a-z0-9]).*"
    r"|(insert|enter|put|add|set|fill)[-_ ](this|in|it)\b.*"
    r"|your[-_ ]?[a-z0-9_ -]+|.*[-_ ]goes[-_ ]here|.*[-_ ]here"
    r"|(to ?do|tbd|fix ?me)( ?[:!(].*)?"
    r"|to ?do[-_ ](fill|set|add|put|change|replace|insert|enter)\b.*"
    r"|([a-z0-9]{1,8}[-_])*(x{4,}|\*{3,}|\.{3,})([-_]x+)*"
    r"|x{3,}|\.{3,}|\*{3,}|\?{2,}|placeholder.*|dummy.*"
)
_IN_BRACKETS = re.compile(r"[\[(]\s*([^\[\](){},\"]+?)\s*[\])]")
_NO_SECRET = re.compile(
    r"none|null|nil|undefined|n/?a|test(ing)?|example.*|sample.*|demo|default|secret[0-9]*"
    r"|pass(word)?[0-9]*|admin|root|token|api[-_]?key|key|foo|bar|abc|abc123|(0|1|x)+"
    r"|12345?6?7?8?9?0?|letmein|qwerty|.*example.*"
    r"|(.*[-_. ])?change[-_ ]?(me|it|this)(?![a-z0-9]).*|replace[-_ ](in|on|before|for)[-_ ].*"
    r"|(not|no)[-_ ]?(an?[-_ ]?)?(real|actual|valid)(?![a-z0-9]).*|fake([-_ ].*)?"
)
_CALLED_SECRET = re.compile(
    r"(?i)(token|password|passwd|passphrase|pwd|secret|secrets|credentials?|salt|apikey"
    r"|(^|_)pass|(^|_)key|(^|_)auth|(^|_)dsn)"
    r"(_?[0-9]+|_(prod|production|staging|live|canary|stable|primary|secondary|old|new))?$"
)
_OPEN = re.compile(r"(?i)(^|_)(public|publishable)(_|$)")
_NEVER_OPEN = re.compile(r"(?i)passw|secret")
_PATH = re.compile(r"(file:|~?/|\.\.?/)\S+")
# Base64 may begin with a slash too: a folder's name has no such mixture of letters and digits.
_RANDOM = re.compile(
    r"(?=[A-Za-z0-9+=]*[a-z])(?=[A-Za-z0-9+=]*[A-Z])(?=[A-Za-z0-9+=]*[0-9])[A-Za-z0-9+=]{8}"
    r"|[A-Za-z0-9+=]{32}"
)
_HELD_IN_A_NAME = re.compile(r"(?i).*(key|auth|dsn)[_a-z0-9]*")
_NO_KEY = re.compile(r"[a-z][a-z_]{0,15}")
# A switch or a number: TOKEN=0 turns something off.
_SETTING = re.compile(r"(?i)true|false|yes|no|on|off|[0-9]{1,7}")
_LOGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@]*:([^\s/@]+)@")


def is_secret(name: str, value: str | None = None) -> bool:
    """Tell whether a variable of this name holds a secret, and this value may be one.

    A key that is called public is none, nor is the path of the file that a secret is in.
    """
    if _CALLED_SECRET.search(name) is None:
        return False
    if _OPEN.search(name) and not _NEVER_OPEN.search(name):
        return False
    if value is None:
        return True
    if is_path(value):
        return False
    # A PARTITION_KEY that is user_id, a USE_AUTH that is true.
    words = _HELD_IN_A_NAME.fullmatch(name) is not None and _NO_KEY.fullmatch(value) is not None
    return not words and _SETTING.fullmatch(value) is None


def is_path(value: str) -> bool:
    """Tell whether a value is plainly a file's path, and not a secret that begins as one."""
    return _PATH.fullmatch(value) is not None and _RANDOM.search(value) is None


def is_placeholder(name: str, value: str) -> bool:
    """Tell whether a value is none that anybody meant.

    Words such as ``password`` or ``test`` are values like any other, but no secrets.
    """
    word = value.strip().casefold()
    if bare := _IN_BRACKETS.fullmatch(word):
        word = bare[1]
    if _STANDS_FOR_ANOTHER.fullmatch(word):
        return True
    password = password_in(value)
    if password is not None:
        return is_placeholder("PASSWORD", password)
    return is_secret(name) and not is_path(value) and _NO_SECRET.fullmatch(word) is not None


def password_in(value: str) -> str | None:
    """Give the password of a URL such as ``postgres://app:…@db/shop``, None where there is none."""
    found = _LOGIN.match(value.strip())
    return unquote(found[1]) if found else None
