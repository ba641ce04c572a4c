"""Why the GPU is not used, asked of the host."""

from collections.abc import Sequence

from pyinfra import host

from voicemode_whisper.core.build import ROCM_PACKAGES, changed_packages
from voicemode_whisper.core.diagnosis import Finding, diagnose
from voicemode_whisper.core.gpu import Gpu
from voicemode_whisper.core.layout import SERVER_UNIT, Layout
from voicemode_whisper.facts.base import read_fact
from voicemode_whisper.facts.build import Manifest
from voicemode_whisper.facts.device_access import ConnectionDeviceAccess, UnitDeviceAccess
from voicemode_whisper.facts.machine import UserName
from voicemode_whisper.facts.toolchain import Toolchain
from voicemode_whisper.facts.user_unit import UnitState


def why_not_here(log: Sequence[str], gpu: Gpu) -> Finding | None:
    """Why a program that this connection started, with this log, does not use the GPU."""
    user = read_fact(host, UserName) or ""
    access = read_fact(host, ConnectionDeviceAccess, user=user)
    return diagnose(log, access, gpu, user)


def why_not_in_service(
    log: Sequence[str], gpu: Gpu, layout: Layout, server: UnitState
) -> Finding | None:
    """Why whisper-server, with this log and this unit, does not use the GPU."""
    user = read_fact(host, UserName) or ""
    access = read_fact(host, UnitDeviceAccess, user=user, unit=SERVER_UNIT, pid=server.pid)
    manifest = read_fact(host, Manifest, path=layout.build) or {}
    tools = read_fact(host, Toolchain, packages=ROCM_PACKAGES)
    return diagnose(log, access, gpu, user, changed_packages(manifest, tools))
