"""Stage 8: switch to what is new; restart only what does not run it."""

from voicemode_whisper.core.layout import UNITS
from voicemode_whisper.host import Host
from voicemode_whisper.operations import generations, rolling, user_unit
from voicemode_whisper.stage import stage
from voicemode_whisper.unit_files import MARKER


@stage("Services", where=Host.serves)
def run(host: Host) -> None:
    """Have a generation of what was built and installed serve, after boots too."""
    layout, choice = host.layout, host.choice
    user_unit.kept_by_hand(
        name="Keep units written by hand",
        paths=[f"{layout.units}/{unit}" for unit in UNITS],
        marker=MARKER,
    )
    name = f"Switch to {choice.specs[0].label}"
    if host.is_member():
        rolling.switch(
            name=f"{name}, one member after another",
            layout=layout,
            choice=choice,
            kfd=host.settings.gpu_kfd,
            member=host.member_name,
            gateways=[one.pyinfra for one in host.gateways],
            unserved_watts=host.unserved_watts,
            api_key_file=host.settings.proxy_api_key_file,
            _serial=True,
        )
        return
    generations.switch(name=name, layout=layout, choice=choice, unserved_watts=host.unserved_watts)
