"""The units of the services and the manager that runs them, now and after a boot."""

from voicemode_whisper.checks.examination import Examination
from voicemode_whisper.core.health import services
from voicemode_whisper.core.health.report import CheckResult, caused_by
from voicemode_whisper.core.layout import PROXY_SOCKET, PROXY_UNIT, SERVER_UNIT, WYOMING_UNIT
from voicemode_whisper.core.places import LateMount
from voicemode_whisper.core.user_manager import UserManager
from voicemode_whisper.facts.places import Places
from voicemode_whisper.facts.user_manager import UserManagerState


def units(exam: Examination, python: CheckResult) -> list[CheckResult]:
    """The manager and its units; `python` is what was found of the proxy's Python."""
    host, state = exam.host, exam.services
    user, uid = host.identity["user"], host.identity["uid"]
    manager: UserManager = host.fact(UserManagerState, layout=host.layout)
    # Packages are asked for elsewhere.
    late: tuple[LateMount, ...] = host.fact(Places, home=host.layout.home, packages=()).late
    lingers = manager.runs_without_login
    names = {"server unit": SERVER_UNIT, "proxy socket": PROXY_SOCKET, "proxy unit": PROXY_UNIT}
    if host.settings.wyoming:
        names["Wyoming unit"] = WYOMING_UNIT
    server, socket, proxy, *wyoming = (
        services.service(name, unit, state, manager.overrides, late) for name, unit in names.items()
    )
    return [
        services.manager(manager, uid),
        *(server, socket, caused_by(python, proxy)),
        *wyoming,
        services.linger(lingers, user, late),
        services.next_boot(exam.on_disk, exam.generations, state, lingers, user, bool(late)),
    ]
