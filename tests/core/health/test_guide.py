"""Every trouble that the guide knew of is told by a row of the doctor."""

import pytest

from tests.health import (
    ASKED,
    MANIFEST,
    MODEL,
    ON_CARD,
    SERVER,
    STRONG,
    TOOLS,
    env_file,
    set_in_profile,
)
from voicemode_whisper.core.device_access import Device, DeviceAccess
from voicemode_whisper.core.diagnosis import Finding, check_access
from voicemode_whisper.core.health import endpoints, gpu, installation, voicemode
from voicemode_whisper.core.health.report import CheckResult, ExpectedState

KFD = Device("/dev/kfd", "crw-rw----", "root", "render")
# What the guide that this project began with knew of trouble: its words, what the host is like
# then, and the part of the guide's advice that the doctor's has too.
GUIDE = {
    "hipcc not found": (installation.packages(ON_CARD, ["rocm-hip-sdk"], []), "rocm-hip-sdk"),
    "gfx1100 not supported": (
        installation.build(ExpectedState("hip", STRONG, MODEL), True, MANIFEST, TOOLS),
        "gpu_targets",
    ),
    "Server starts but slow": (
        gpu.device("cpu instead of hip", Finding("what", "fix"), ""),
        "fix",
    ),
    "Permission denied on GPU": (
        gpu.access(check_access(DeviceAccess((KFD,)), "ada"), tried=True),
        "sudo gpasswd -a ada render",
    ),
    "Proxy not connecting": (
        endpoints.endpoint("whisper-server", "http://127.0.0.1:2022", 0, "", SERVER),
        f"restart {SERVER}",
    ),
    "VoiceMode not using local": (
        voicemode.voicemode(
            ASKED, env_file(ASKED), "ada", [set_in_profile("https://example.org/v1")]
        ),
        "restart Claude Code",
    ),
}


@pytest.mark.parametrize(("row", "advice"), GUIDE.values(), ids=GUIDE)
def test_every_trouble_that_the_guide_knew_is_told_with_what_mends_it(
    row: CheckResult, advice: str
):
    assert advice in row.fix
