"""Stage 7: certificates, of a CA that is made on the host, or of a pool's first gateway."""

from voicemode_whisper.host import Host
from voicemode_whisper.operations import certificate
from voicemode_whisper.stage import stage


@stage("Certificates")
def issue(host: Host) -> None:
    """Have a certificate for whom others call, and for a gateway one to show the members."""
    layout, settings = host.layout, host.settings
    if settings.proxy_tls == "internal":
        certificate.issued(
            name="Have a certificate for the proxy",
            layout=layout,
            proxy_host=settings.pool_host if host.is_gateway() else settings.proxy_host,
            given=[host.called, host.member_name, *settings.proxy_names.split()],
            authority=host.authority,
        )
    if host.is_gateway():
        certificate.shown(
            name="Have a certificate for the pool's members",
            layout=layout,
            authority=host.authority,
        )
