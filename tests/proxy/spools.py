"""A spool without an upload, for the tests of those who read it."""

from typing import Self

from whisper_proxy import spool
from whisper_proxy.spool import MIB, Claim, SpoolBudget


class Spool(spool.Spool):
    """A spool with a budget of its own."""

    def __init__(self) -> None:
        super().__init__(Claim(SpoolBudget(64 * MIB, 1)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
