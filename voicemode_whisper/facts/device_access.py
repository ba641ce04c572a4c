"""What may be done with the GPU's devices, and what a restart of a service manager would end."""

from collections.abc import Iterable

from pyinfra.api import StringCommand

from voicemode_whisper.core.device_access import (
    DeviceAccess,
    ManagerActivity,
    parse_device_access,
    parse_manager_activity,
)
from voicemode_whisper.facts.base import Fact
from voicemode_whisper.scripts import script, words


class ConnectionDeviceAccess(Fact[DeviceAccess]):
    """What programs may do that this connection starts, such as a smoke test.

    To be asked as the user `user`: with _sudo it would be about root.
    """

    default = DeviceAccess

    def command(self, user: str) -> StringCommand:
        return script("device-access", user)

    def process(self, output: Iterable[str]) -> DeviceAccess:
        return parse_device_access(output, "this connection")


class UnitDeviceAccess(Fact[DeviceAccess]):
    """What the process `pid` of a user's unit may do.

    Its rights are tried by a process that the same service manager starts.
    """

    default = DeviceAccess

    def command(self, user: str, unit: str, pid: int) -> StringCommand:
        return script("unit-device-access", unit, str(pid), *words("device-access", user))

    def process(self, output: Iterable[str]) -> DeviceAccess:
        return parse_device_access(output)


class UserManagerActivity(Fact[ManagerActivity]):
    """The sessions of a user, and what runs in their service manager. Needs root."""

    default = ManagerActivity
    allows_undecodable = True  # a process chooses its own name

    def command(self, uid: int) -> StringCommand:
        return script("manager-activity", str(uid))

    def process(self, output: Iterable[str]) -> ManagerActivity:
        return parse_manager_activity(output)
