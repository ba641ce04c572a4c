"""Stage 6: the OpenAI-compatible proxy, what Home Assistant asks, their virtual environments."""

from voicemode_whisper import proxy_archive
from voicemode_whisper.core.venv import PROXY, WYOMING
from voicemode_whisper.host import Host
from voicemode_whisper.operations import venv, versioned_dir
from voicemode_whisper.operations.util.choice import unless_rejected
from voicemode_whisper.stage import stage


@stage("Proxy", where=Host.serves)
def install(host: Host) -> None:
    """Have the proxy's code, and a virtual environment made from its lock file, beside the live."""
    layout, version = host.layout, proxy_archive.version()
    not_rejected = unless_rejected(layout, host.choice)
    versioned_dir.unpack(
        name="Copy the proxy",
        archive=proxy_archive.archive(),
        path=layout.proxy,
        version=version,
        _if=not_rejected,
    )
    venv.locked(
        name="Have the proxy's virtual environment",
        path=layout.venv,
        lock=f"{layout.proxy}-{version}/{PROXY.lock}",
        lock_sha256=proxy_archive.LOCK_SHA256,
        _if=not_rejected,
    )
    if host.settings.wyoming:
        venv.locked(
            name="Have wyoming-openai for Home Assistant",
            path=f"{layout.services}/{WYOMING.directory}",
            lock=f"{layout.proxy}-{version}/{WYOMING.lock}",
            lock_sha256=proxy_archive.WYOMING_LOCK_SHA256,
            program=WYOMING,
            _if=not_rejected,
        )
