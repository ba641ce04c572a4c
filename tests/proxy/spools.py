"""A spool without an upload, and a decoder, for the tests of those who use them."""

from typing import Self

from whisper_proxy import spool
from whisper_proxy.decode import Decoder, OpenOutput
from whisper_proxy.decode_queue import DecodeQueue
from whisper_proxy.metrics import Metrics
from whisper_proxy.self_check import SelfCheck
from whisper_proxy.spool import MIB, Claim, SpoolBudget, open_file


class Spool(spool.Spool):
    """A spool with a budget of its own."""

    def __init__(self) -> None:
        super().__init__(Claim(SpoolBudget(64 * MIB, 1)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def new_decoder(output: OpenOutput = open_file, check: SelfCheck | None = None) -> Decoder:
    """A decoder with a queue and metrics of its own."""
    return Decoder(DecodeQueue(32, 45), Metrics(), output, check=check)
