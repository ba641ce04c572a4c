"""What serves, as it lies on the host."""

from collections.abc import Iterable

from pyinfra.api import StringCommand

from voicemode_whisper.core import serving
from voicemode_whisper.core.layout import Layout
from voicemode_whisper.core.proxy_report import ProxyReport, parse_proxy_report
from voicemode_whisper.facts.base import Fact
from voicemode_whisper.scripts import script


class Serving(Fact[serving.Serving]):
    """Whether what serves is as it was installed, and starts at a boot, in one round trip."""

    default = serving.Serving

    def command(self, layout: Layout) -> StringCommand:
        return script("serving-state", layout.services)

    def process(self, output: Iterable[str]) -> serving.Serving:
        return serving.parse_serving(output)


class ProxySelfCheck(Fact[ProxyReport | None]):
    """What the proxy finds of itself, in its service's environment; None where it does not run."""

    allows_undecodable = True

    def command(self, layout: Layout) -> StringCommand:
        return script("proxy-self-check", layout.services)

    def process(self, output: Iterable[str]) -> ProxyReport | None:
        return parse_proxy_report(output)
