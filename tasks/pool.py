"""Stage 10: on a gateway, the pool of all members behind one address."""

from voicemode_whisper import proxy_archive
from voicemode_whisper.core.gateway import PoolSpec
from voicemode_whisper.host import Host
from voicemode_whisper.operations import pool, versioned_dir
from voicemode_whisper.resources import SPEECH
from voicemode_whisper.stage import stage


@stage("Pool", where=Host.is_of_pool)
def serve(host: Host) -> None:
    """Have the members answer at one address; nothing is lost when one of them goes."""
    # pyinfra keeps the order of a host's operations alone: one that all have keeps that of all.
    pool.meet(name="Let all members finish")
    if host.is_gateway():
        _serve(host)


def _serve(host: Host) -> None:
    layout, version = host.layout, proxy_archive.version()
    pool.recording(
        name="Have a recording of speech", path=layout.pool_speech, content=SPEECH.read_bytes()
    )
    versioned_dir.unpack(
        name="Copy the pool's proxy",
        archive=proxy_archive.archive(),
        path=f"{layout.pool}/proxy",
        version=version,
    )
    spec = PoolSpec(host.pool, host.settings, version, proxy_archive.LOCK_SHA256)
    pool.serve(name="Transcribe speech through the pool", layout=layout, spec=spec)
    pool.prune(name="Free what the pool does not need", layout=layout)
