"""Why the GPU is not used, asked of the host."""

from collections.abc import Sequence

from pyinfra import host

from core.build import ROCM_PACKAGES, changed_packages
from core.diagnosis import Cause, diagnose
from core.gpu import Gpu
from core.layout import SERVER_UNIT, Layout
from core.reach import Reach
from facts.build import Manifest
from facts.machine import UserName
from facts.reach import FromHere, FromUnit
from facts.toolchain import Toolchain
from facts.user_unit import UnitState


def why_not_here(log: Sequence[str], gpu: Gpu) -> Cause | None:
    """Why a program that this connection started, with this log, does not use the GPU."""
    user = host.get_fact(UserName) or ""
    return diagnose(log, host.get_fact(FromHere, user=user), gpu, user)


def why_not_in_service(
    log: Sequence[str], gpu: Gpu, layout: Layout, server: UnitState
) -> Cause | None:
    """Why whisper-server, with this log and this unit, does not use the GPU."""
    user = host.get_fact(UserName) or ""
    reach: Reach = host.get_fact(FromUnit, user=user, unit=SERVER_UNIT, pid=server.pid)
    manifest = host.get_fact(Manifest, path=layout.build) or {}
    tools: list[str] = host.get_fact(Toolchain, packages=ROCM_PACKAGES)
    return diagnose(log, reach, gpu, user, changed_packages(manifest, tools))
