"""What can become of an HTTP request: httpx's errors end here, and these begin.

::

    RequestError
    ├── NoConnectionError
    ├── OutOfTimeError
    └── TooLargeError
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from canaryctl.core.redaction import SECRETS
from canaryctl.drivers.tls import tls_words

NO_NAME = "its name cannot be looked up: a part of it is empty, or longer than 63 characters"
"""Why there is no connection where the look-up of a host raises ``UnicodeError``."""
_FORBIDDEN = (
    "the request cannot be sent: a configured header, token or password "
    "holds a character that HTTP forbids, such as a line's end"
)
"""The header is not quoted: it may be the password."""


class RequestError(Exception):
    """No complete answer came. The text says why, without the address and without credentials."""


class NoConnectionError(RequestError):
    """Nobody takes a connection there."""


class OutOfTimeError(RequestError):
    """The answer had begun, or not, and was not complete in time."""

    def __init__(self, within: float) -> None:
        super().__init__(f"no complete answer within {within:g} s")


class TooLargeError(RequestError):
    """The answer has more bytes than allowed."""


@contextmanager
def http_errors(url: str, within: float) -> Iterator[None]:
    """Translate what is raised while a request is made, sent, and answered.

    Args:
        url: what is asked.
        within: seconds that it may take.

    Raises:
        RequestError: something was.
    """
    import httpx  # noqa: PLC0415  115 ms

    try:
        yield
    except httpx.ConnectTimeout:
        raise NoConnectionError(f"no connection within {within:g} s") from None
    except httpx.TimeoutException:
        raise RequestError(f"no answer within {within:g} s") from None
    except httpx.LocalProtocolError:
        # Its text quotes the header that it dislikes.
        raise RequestError(_FORBIDDEN) from None
    except UnicodeError as error:
        # Of a look-up, which writes each part of a name by IDNA, unless another encoding is named.
        if getattr(error, "encoding", "idna") != "idna":
            raise RequestError(_FORBIDDEN) from None
        raise NoConnectionError(f"no connection: {NO_NAME}") from None
    except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError) as error:
        said = tls_words(error, url) or f"the connection was dropped: {_words(error, url)}"
        raise RequestError(said) from error
    except httpx.ConnectError as error:
        raise NoConnectionError(
            tls_words(error, url) or f"no connection: {_words(error, url)}"
        ) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise RequestError(_words(error, url)) from error


def _words(error: Exception, url: str) -> str:
    said = tls_words(error, url) or str(error).strip() or type(error).__name__
    return SECRETS.hide(said)
