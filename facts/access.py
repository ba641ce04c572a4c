"""What a user may do with the GPU, and what a restart of their service manager would end."""

from collections.abc import Iterable

from pyinfra.api import FactBase

from core.access import Rights, Use, parse_rights, parse_use


class InEffect(FactBase[Rights]):
    """Groups and rights to the GPU's devices that count now, in one round trip.

    To be asked as the user: the shell that it runs in is one of those that it is about.
    """

    default = Rights

    def command(self, uid: int) -> str:
        return (
            f"pid=$(systemctl show -p MainPID --value user@{uid}.service); "
            'if [ "${pid:-0}" -gt 0 ]; then echo manager; '
            "for gid in $(sed -n 's/^Groups://p' /proc/$pid/status); do "
            'echo "group $(getent group $gid | cut -d: -f1)"; done; fi; '
            "[ -e /dev/kfd ] && for node in /dev/kfd /dev/dri/renderD*; do "
            '[ -e "$node" ] || continue; echo "device $node"; '
            '[ -r "$node" ] && [ -w "$node" ] && echo usable; '
            'getfacl "$node" 2>/dev/null; done; true'
        )

    def process(self, output: Iterable[str]) -> Rights:
        return parse_rights(output)


class ManagerUse(FactBase[Use]):
    """The sessions of a user, and what runs in their service manager. Needs root."""

    default = Use

    def command(self, uid: int) -> str:
        return (
            f"for id in $(loginctl show-user -p Sessions --value {uid} 2>/dev/null); do "
            'echo "session $(loginctl show-session -p Type --value $id)'
            ' $(loginctl show-session -p Seat --value $id)"; done; '
            f"cd /sys/fs/cgroup/user.slice/user-{uid}.slice/user@{uid}.service && "
            "grep -rs --include=cgroup.procs . | while read -r line; do "
            'echo "process ${line%/cgroup.procs:*} $(cat /proc/${line##*:}/comm)"; done; '
            f"ls /run/user/{uid}/systemd/transient 2>/dev/null | sed 's/^/transient /'; true"
        )

    def process(self, output: Iterable[str]) -> Use:
        return parse_use(output)
