"""Fail one host with a reason, while the others go on."""

from pyinfra.api import QuoteString, StringCommand


def user_error(reason: str) -> StringCommand:
    """A command that prints `reason` as an error and fails.

    An exception in an operation would end the run on every host.
    """
    return StringCommand("echo", QuoteString(reason), ">&2; exit 1")
