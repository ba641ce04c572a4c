"""Stage 7: switch to what is new; restart only what does not run it."""

from voicemode_whisper.core.layout import UNITS
from voicemode_whisper.host import Host
from voicemode_whisper.operations import certificate, generations, user_unit
from voicemode_whisper.stage import stage
from voicemode_whisper.unit_files import MARKER


@stage("Services")
def run(host: Host) -> None:
    """Have a generation of what was built and installed serve, after boots too."""
    layout, choice, settings = host.layout, host.choice, host.settings
    user_unit.kept_by_hand(
        name="Keep units written by hand",
        paths=[f"{layout.units}/{unit}" for unit in UNITS],
        marker=MARKER,
    )
    if settings.proxy_tls == "internal":
        certificate.issued(
            name="Have a certificate for the proxy",
            layout=layout,
            proxy_host=settings.proxy_host,
            given=[host.called, *settings.proxy_names.split()],
        )
    generations.switch(
        name=f"Switch to {choice.specs[0].label}",
        layout=layout,
        choice=choice,
        unserved_watts=host.unserved_watts,
    )
