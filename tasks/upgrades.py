"""Stage 12: the machine upgrades whisper.cpp by itself, where that is wanted."""

from voicemode_whisper import project_archive
from voicemode_whisper.core.venv import UPGRADE
from voicemode_whisper.host import Host
from voicemode_whisper.operations import upgrades, venv, versioned_dir
from voicemode_whisper.stage import stage


@stage("Upgrades", where=lambda host: not host.is_own_run())
def schedule(host: Host) -> None:
    """Have this deploy run on the machine itself when the setting `upgrade_timer` says."""
    layout, settings = host.layout, host.settings
    if not settings.upgrade_timer:
        upgrades.absent(name="Have no upgrades by themselves", layout=layout)
        return
    version = project_archive.version()
    project = f"{layout.upgrade}/project"
    versioned_dir.unpack(
        name="Copy this project",
        archive=project_archive.archive(),
        path=project,
        version=version,
    )
    venv.locked(
        name="Have a virtual environment with pyinfra",
        path=f"{layout.upgrade}/{UPGRADE.directory}",
        lock=f"{project}-{version}/{UPGRADE.lock}",
        lock_sha256=project_archive.LOCK_SHA256,
        program=UPGRADE,
    )
    upgrades.scheduled(
        name=f"Upgrade by itself: {settings.upgrade_timer}",
        layout=layout,
        calendar=settings.upgrade_timer,
        notify=settings.notify_command,
        project=f"project-{version}",
        lock_sha256=project_archive.LOCK_SHA256,
        data=host.own_data,
    )
