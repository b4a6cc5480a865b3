"""TLS towards metrics and gateway: who is believed, who we are, and one sentence when it fails.

A server's certificate is always verified: its authority, its dates and its name.
"""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass

from canaryctl.core.errors import ConfigError

_PAIR = "cert_file and key_file are a PEM pair; `openssl pkey` writes a key without passphrase"
# As OpenSSL says them: of their certificate in `verify_message`, of ours in the name of an alert.
_UNTRUSTED = "it is signed by itself or by an authority that is not trusted here"
_THEIRS = (
    ("hostname mismatch", "it is for another host name"),
    ("ip address mismatch", "it is for another address"),
    ("certificate is not valid for", "it is for another host name"),
    ("has expired", "it has expired"),
    ("not yet valid", "it is not valid yet: is a clock wrong?"),
    ("self-signed", _UNTRUSTED),
    ("self signed", _UNTRUSTED),
    ("unable to get", "its authority is not trusted here"),
)
_WANTED = "it asks for a client certificate (cert_file, key_file)"
_REFUSED = "it refuses our client certificate"
_OTHERS = (
    ("certificate required", _WANTED),
    ("handshake failure", f"{_WANTED}, or agrees to no cipher"),
    ("bad certificate", _REFUSED),
    ("unknown ca", f"{_REFUSED}: it does not know its authority"),
    ("certificate unknown", _REFUSED),
    ("certificate expired", f"{_REFUSED}: it has expired"),
    ("wrong version number", "it does not speak TLS: is it http:// and not https://?"),
)
_WHERE = re.compile(r"\s*\(_ssl\.c:[0-9]+\)")
# With TLS 1.3 a server refuses a client after the handshake; whoever was still writing then
# never gets to read why.
_CLOSED = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionResetError, BrokenPipeError)


@dataclass(frozen=True, slots=True)
class Tls:
    """Files in PEM form.

    Attributes:
        key: where they are configured, for messages: ``metrics`` or ``gateway.tls``.
        ca_file: the authority to believe, and no other; None: those known by default.
        cert_file: what we show when a server asks who we are.
        key_file: its private key; None when that is in ``cert_file`` too.
    """

    key: str
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None

    @property
    def is_default(self) -> bool:
        """Whether nothing was configured."""
        return self.ca_file is None and self.cert_file is None

    def context(self) -> ssl.SSLContext:
        """Read the files.

        Raises:
            ConfigError: one cannot be used; says which.
        """
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except OSError as error:  # ssl.SSLError is one
            raise ConfigError(
                f"{self.key}: ca_file {self.ca_file} cannot be used: {_reason(error)}",
                next_step="give the path of a PEM file with the authority's certificate",
            ) from error
        if self.cert_file is None:
            return context
        both = self.cert_file if self.key_file is None else f"{self.cert_file}, {self.key_file}"
        try:
            # An empty passphrase instead of a question at the terminal.
            context.load_cert_chain(self.cert_file, self.key_file, password=lambda: "")
        except OSError as error:
            raise ConfigError(
                f"{self.key}: the client's certificate ({both}) cannot be used: {_reason(error)}",
                next_step=_PAIR,
            ) from error
        return context


def tls_words(error: BaseException, url: str) -> str | None:
    """Say what went wrong with TLS, None when something else did.

    Args:
        error: as raised; what it was raised from is looked at as well.
        url: what was asked.
    """
    found = _cause(error) if url.startswith("https:") else None
    if found is None:
        return None
    said = str(found).lower().replace("_", " ")
    if isinstance(found, ssl.SSLCertVerificationError):
        why = next((words for text, words in _THEIRS if text in said), found.verify_message)
        return f"its TLS certificate is not accepted: {why}"
    if isinstance(found, _CLOSED):
        return "it closed the connection: does it ask for a client certificate, or refuse ours?"
    return next((words for text, words in _OTHERS if text in said), f"TLS failed: {_reason(found)}")


def _cause(error: BaseException) -> OSError | None:
    """Find the cause: HTTP libraries wrap it, some more than once."""
    seen: BaseException | None = error
    for _ in range(10):
        if isinstance(seen, (ssl.SSLError, *_CLOSED)):
            return seen
        if seen is None:
            return None
        seen = seen.__cause__ or seen.__context__
    return None


def _reason(error: OSError) -> str:
    return _WHERE.sub("", error.strerror or str(error))
