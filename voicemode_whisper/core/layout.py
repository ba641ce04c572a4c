"""Where everything lies on a host. Users and VoiceMode know these names: they never change."""

from dataclasses import dataclass

SERVER_UNIT = "voicemode-whisper.service"
PROXY_UNIT = "voicemode-whisper-proxy.service"
PROXY_SOCKET = "voicemode-whisper-proxy.socket"
# Home Assistant's way to the proxy, where the setting `wyoming` is on.
WYOMING_UNIT = "voicemode-whisper-wyoming.service"
UNITS = (SERVER_UNIT, PROXY_UNIT, PROXY_SOCKET, WYOMING_UNIT)
# Of a gateway: HAProxy, and the proxy in front of it.
BALANCER_UNIT = "voicemode-whisper-balancer.service"
POOL_UNIT = "voicemode-whisper-pool.service"
POOL_SOCKET = "voicemode-whisper-pool.socket"
POOL_UNITS = (BALANCER_UNIT, POOL_UNIT, POOL_SOCKET)

# Of a machine that upgrades itself.
UPGRADE_UNIT = "voicemode-whisper-upgrade.service"
UPGRADE_TIMER = "voicemode-whisper-upgrade.timer"


@dataclass(frozen=True)
class Layout:
    """Absolute paths on a host, below the home directory of the user who owns the services."""

    home: str

    @property
    def voicemode(self) -> str:
        return f"{self.home}/.voicemode"

    @property
    def services(self) -> str:
        return f"{self.voicemode}/services"

    @property
    def lock(self) -> str:
        """Held by the run that is at work on the host; says whose it is."""
        return f"{self.services}/lock"

    @property
    def comparison(self) -> str:
        """What tasks/compare.py downloads and notes; gone when its run ends."""
        return f"{self.services}/comparison"

    @property
    def generations(self) -> str:
        """A directory for each generation, named by its number; `current` beside it is a link."""
        return f"{self.services}/generations"

    @property
    def current(self) -> str:
        """The one link that says what serves."""
        return f"{self.services}/current"

    @property
    def checkout(self) -> str:
        return f"{self.services}/whisper.cpp"

    @property
    def builds(self) -> str:
        """A directory for each build, VERSION-FINGERPRINT."""
        return f"{self.checkout}/builds"

    @property
    def build(self) -> str:
        """The build that serves: a link into `current`."""
        return f"{self.checkout}/build"

    @property
    def models(self) -> str:
        return f"{self.checkout}/models"

    @property
    def sample(self) -> str:
        """whisper.cpp's own recording of John F. Kennedy: 11 s, 16 kHz mono."""
        return f"{self.checkout}/samples/jfk.wav"

    @property
    def compressed_sample(self) -> str:
        """The same as MP3; not in every version."""
        return f"{self.checkout}/samples/jfk.mp3"

    @property
    def proxy(self) -> str:
        return f"{self.services}/whisper-proxy"

    @property
    def venv(self) -> str:
        return f"{self.services}/whisper-proxy-venv"

    @property
    def pool(self) -> str:
        """Of a gateway: a directory for each setup of the pool, and the link `current`."""
        return f"{self.services}/pool"

    @property
    def pool_speech(self) -> str:
        """A gateway's recording of President Kennedy: there need be no whisper.cpp."""
        return f"{self.pool}/jfk.opus"

    @property
    def upgrade(self) -> str:
        """What the machine upgrades itself with: this project, its environment, the settings."""
        return f"{self.services}/upgrade"

    @property
    def upgrade_units(self) -> list[str]:
        return [f"{self.units}/{unit}" for unit in (UPGRADE_TIMER, UPGRADE_UNIT)]

    @property
    def tls(self) -> str:
        """The private CA, if the deploy makes one, and the proxy's certificate, with their keys."""
        return f"{self.services}/tls"

    @property
    def ca(self) -> str:
        """The private CA's certificate, which clients are to trust."""
        return f"{self.tls}/ca.pem"

    @property
    def certificate(self) -> str:
        """The proxy's certificate; the template of proxy.env knows where it is, too."""
        return f"{self.tls}/server.pem"

    @property
    def certificate_key(self) -> str:
        return f"{self.tls}/server.key"

    @property
    def pool_certificate(self) -> str:
        """By which a pool's members know a gateway; HAProxy finds its key beside it."""
        return f"{self.tls}/pool.pem"

    @property
    def units(self) -> str:
        return f"{self.home}/.config/systemd/user"

    @property
    def voicemode_env(self) -> tuple[str, str]:
        """VoiceMode's settings, and the older name, which it reads where the other is not there."""
        return f"{self.voicemode}/voicemode.env", f"{self.voicemode}/.voicemode.env"
