"""URLs that carry credentials, which neither a command line nor a message ever shows."""

import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

MASK = "***"


@dataclass(frozen=True)
class Login:
    """A user name and password, or token; either may be empty."""

    username: str = field(repr=False)
    password: str = field(repr=False)

    @property
    def for_curl(self) -> "Hidden":
        """As an option for `curl --config -`."""
        return Hidden([f"user = {_quoted(f'{self.username}:{self.password}')}"])

    @property
    def for_git(self) -> "Hidden":
        """As with-login.sh reads it: a line for each."""
        return Hidden([self.username, self.password])


class Hidden(list[str]):
    """Lines for a program's standard input (pyinfra's `_stdin`), which no log shows.

    pyinfra's logs have the arguments of facts.
    """

    def __repr__(self) -> str:
        return MASK


def split_login(url: str) -> tuple[str, Login | None]:
    """A URL without the credentials in it, and these, None where there are none."""
    parts = urlsplit(url)
    before, at, host = parts.netloc.rpartition("@")
    if not at:
        return url, None
    username, _, password = before.partition(":")
    return parts._replace(netloc=host).geturl(), Login(unquote(username), unquote(password))


def download_options(url: str) -> Hidden:
    """A URL, which may have credentials and a token in its query, for `curl --config -`."""
    return Hidden([f"url = {_quoted(url)}"])


def is_http_url(value: object) -> bool:
    """Whether `value` is a complete http or https URL without white space or quotes."""
    if not isinstance(value, str) or re.search(r"[\s'\"\\]", value):
        return False
    try:
        parts = urlsplit(value)
        at_a_port = parts.port != 0
    except ValueError:
        return False
    # git is handed credentials in lines.
    lines = re.search(r"[\x00-\x1f]", unquote(parts.netloc))
    complete = parts.scheme in ("http", "https") and bool(parts.hostname)
    return complete and at_a_port and lines is None


def masked(given: str) -> str:
    """What may be shown of a URL, or of what was to be one.

    >>> masked("https://ada:secret@host/x.bin?token=secret")
    'https://***@host/x.bin?***'
    """
    if is_http_url(given):
        parts = urlsplit(given)
        _, at, host = parts.netloc.rpartition("@")
        login = f"{MASK}@" if at else ""
        return parts._replace(netloc=login + host, query=parts.query and MASK).geturl()
    # git@github.com:x/y is none: what is before its @ has no colon.
    expression = re.compile(r"^(?:(\w+://).*|[^@/]*:.*)@", re.DOTALL)
    without_login = expression.sub(lambda found: f"{found[1] or ''}{MASK}@", given)
    return re.sub(r"\?.*", f"?{MASK}", without_login)


def _quoted(value: str) -> str:
    """A value as curl's configuration files have it."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
