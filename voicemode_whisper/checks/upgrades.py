"""Upgrades that the machine makes by itself."""

from voicemode_whisper.checks.examination import Examination
from voicemode_whisper.core.health import upgrades
from voicemode_whisper.core.health.report import CheckResult
from voicemode_whisper.facts.upgrades import UpgradeState


def scheduled(exam: Examination) -> list[CheckResult]:
    """The timer and its last run; nothing where the settings want none."""
    host = exam.host
    if not host.settings.upgrade_timer:
        return []
    return [upgrades.upgrades(host.fact(UpgradeState, layout=host.layout))]
