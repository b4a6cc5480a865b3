"""Words for what goes wrong at Prometheus: the address, what was seen, what to check.

Whatever the server wrote is cut short, stripped of control characters and of every secret
we sent: a proxy's error page may well quote the request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from canaryctl.core.errors import MetricsUnavailable
from canaryctl.core.redaction import MASK, SECRETS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from canaryctl.drivers.bounded_http import Answer

_SHOWN_CHARACTERS = 200
_READ_BYTES = 8 * _SHOWN_CHARACTERS
_UNAUTHORISED = (401, 403)
_NOT_FOUND = (404, 410)
_REDIRECTS = range(300, 400)


class Faults:
    """Makes ``MetricsUnavailable`` and refusals for one server.

    Args:
        source: ``Prometheus at http://…``, without credentials.
        query_url: the address queries go to, without credentials.
        secrets: what must never be shown.
    """

    def __init__(self, source: str, query_url: str, secrets: Iterable[str]) -> None:
        self._source = source
        self._query_url = query_url
        # Longest first, so that no remainder of one is left by another.
        self._secrets = sorted((s.strip() for s in secrets if s.strip()), key=len, reverse=True)

    def silent(self, error: Exception) -> MetricsUnavailable:
        """No complete answer came."""
        return MetricsUnavailable(
            f"{self._source} does not answer: {self._shown(str(error))}",
            next_step=(
                "check that it runs and that metrics.url is its address as seen from this machine; "
                "for a certificate that is not trusted, give metrics.ca_file, for one that is "
                "asked for, metrics.cert_file and metrics.key_file"
            ),
        )

    def status(self, answer: Answer) -> MetricsUnavailable:
        """An HTTP status that no query can have caused."""
        seen = f"{self._source} answered {answer.status} {self._shown(answer.reason)}".rstrip()
        if answer.status in _REDIRECTS:
            # The query string of a redirect to a login page holds one-time keys.
            target = answer.location.partition("?")[0]
            target = target.partition("//")[2].rpartition("@")[2] or target
            return MetricsUnavailable(
                f"{seen}, a redirect to {self._shown(target) or 'nowhere'}",
                next_step=(
                    "redirects are not followed, they could hand credentials to somebody else: "
                    "put the final address in metrics.url; "
                    "if it is a login page, credentials are missing under metrics"
                ),
            )
        excerpt = self._excerpt(answer.body)
        return MetricsUnavailable(
            f"{seen}: {excerpt}" if excerpt else seen, next_step=self._next_step(answer.status)
        )

    def foreign(self, error: Exception, answer: Answer | None = None) -> MetricsUnavailable:
        """An answer that is not one of the query API."""
        seen = f"{self._source} does not answer as Prometheus does: {self._shown(str(error))}"
        if answer is not None:
            kind = self._shown(answer.content_type) or "no content type"
            excerpt = self._excerpt(answer.body) or "(empty)"
            seen += f" in the {answer.status} answer ({kind}): {excerpt}"
        return MetricsUnavailable(
            seen,
            next_step=(
                f"{self._query_url}?query=1 must give JSON; metrics.url is the address without "
                "/graph or /api/v1, with the path prefix if there is one"
            ),
        )

    def refused(self, query: str, error: Exception) -> str:
        """The reason why one query has no answer although the server is well."""
        return f"{self._source} refuses {query}: {self._shown(str(error))}"

    def _next_step(self, status: int) -> str:
        if status in _UNAUTHORISED:
            return "check the bearer token, user, password and headers under metrics"
        if status in _NOT_FOUND:
            return (
                f"{self._query_url}?query=1 must give JSON; metrics.url is the address without "
                "/graph or /api/v1, with the path prefix if there is one"
            )
        return "something answers there, but not with data: look at its log or at its proxy's"

    def _excerpt(self, body: bytes) -> str:
        """Give a page's beginning. A secret that the cut goes through is left out with it."""
        margin = max((len(secret.encode()) for secret in self._secrets), default=0)
        text = body[: _READ_BYTES + margin].decode(errors="replace")
        if len(body) > _READ_BYTES + margin:
            text = self._masked(text)[: -margin or None]
        return self._shown(text)

    def _masked(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return SECRETS.hide(text)

    def _shown(self, text: str) -> str:
        text = self._masked(text)
        plain = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        return plain if len(plain) <= _SHOWN_CHARACTERS else f"{plain[:_SHOWN_CHARACTERS]}…"
