"""Which model for this machine? Time some beside each other; nothing that serves is changed.

    pyinfra inventory.py tasks/compare.py --data models=small.en,large-v3-turbo

What it downloads it removes again, unless --data compare_keep=yes is given.
"""

import sys
from pathlib import Path

if not __package__:  # pyinfra runs this file, and imports from the working directory alone
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from voicemode_whisper.core.comparison import check_serving, downloads, too_large
from voicemode_whisper.core.models import Model, candidate_files
from voicemode_whisper.core.places import Places as FoundPlaces
from voicemode_whisper.core.places import check_room
from voicemode_whisper.facts.machine import AvailableMemory
from voicemode_whisper.facts.models import ModelFiles
from voicemode_whisper.facts.places import Places
from voicemode_whisper.host import Host
from voicemode_whisper.operations import comparison, run_lock
from voicemode_whisper.stage import stage


@stage("Compare")
def compare(host: Host) -> None:
    """Time the models of the setting `models` with the build that serves; say which to take."""
    models, layout = host.settings.models, host.layout
    serving = check_serving(host.generations)
    skipped = too_large(models, serving, host.fact(AvailableMemory))
    for name, reason in skipped.items():
        host.warn(f"{name} is skipped: it {reason}")
    _check_disk(host, [model for model in models if model.name not in skipped])
    run_lock.hold(name="Lock the host", layout=layout, leaves=layout.comparison)
    comparison.compare(
        name=f"Compare {', '.join(model.name for model in models)}",
        layout=layout,
        serving=serving,
        models=models,
        skipped=skipped,
        kfd=host.settings.gpu_kfd,
        keep=host.settings.compare_keep,
    )


def _check_disk(host: Host, models: list[Model]) -> None:
    names = [name for model in models for name in candidate_files(model)]
    files = host.fact(ModelFiles, directory=host.layout.models, names=names)
    places: FoundPlaces = host.fact(Places, home=host.layout.home, packages=())
    check_room(places, downloads(models, files, host.settings.compare_keep))


if not __package__:
    compare()
