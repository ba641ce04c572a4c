"""Look at a host once, instead of at every turn."""

from collections.abc import Generator, Sequence

from pyinfra import host
from pyinfra.api import StringCommand
from pyinfra.context import ctx_host

from voicemode_whisper.facts.base import Question, gather
from voicemode_whisper.operations.util.connection import operation


@operation()
def ahead(as_root: Sequence[Question], as_user: Sequence[Question]) -> Generator[StringCommand]:
    """Gather facts that the operations after this one ask for; change nothing.

    Once something is changed on the host, they ask for themselves again.

    + as_root: facts that are asked for with _sudo, and their arguments
    + as_user: facts that are asked for without
    """
    gather(ctx_host.get(), as_root, _sudo=True)
    gather(ctx_host.get(), as_user, _sudo=False)
    host.noop("only looked")
    yield from ()
