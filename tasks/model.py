"""Stage 4: the model, verified and whole."""

from voicemode_whisper.core.layout import SERVER_UNIT
from voicemode_whisper.host import Host
from voicemode_whisper.operations import download
from voicemode_whisper.operations.util.choice import unless_rejected
from voicemode_whisper.stage import stage


@stage("Model", where=Host.serves)
def fetch(host: Host) -> None:
    """Have the model in place, known by its SHA-256."""
    model = host.settings.model
    download.verified(
        name=f"Have the model {model.name}",
        url=model.url,
        path=host.model_path,
        sha256=model.sha256,
        size=model.size,
        used_by=SERVER_UNIT,
        _if=unless_rejected(host.layout, host.choice),
    )
