"""Files that set variables: VoiceMode's own, and those that set a user's environment."""

from collections.abc import Iterable

from pyinfra.api import QuoteString, StringCommand

from voicemode_whisper.core.env_file import EnvFile, parse_env_file
from voicemode_whisper.core.environment import Setting, parse_settings
from voicemode_whisper.core.layout import Layout
from voicemode_whisper.core.voicemode_env import LISTEN, STT
from voicemode_whisper.facts.base import Fact
from voicemode_whisper.scripts import script

# Of shells, of the user's service manager and logins, and of Claude Code, which starts VoiceMode.
IN_HOME = (
    ".bashrc", ".bash_profile", ".bash_login", ".profile",
    ".zshenv", ".zshrc", ".zprofile", ".zlogin",
    ".config/fish/config.fish", ".config/fish/conf.d/*.fish", ".config/fish/fish_variables",
    ".config/environment.d/*.conf", ".pam_environment", ".claude.json", ".claude/settings.json",
)  # fmt: skip
IN_ETC = (
    "environment",
    "environment.d/*.conf",
    "profile",
    "profile.d/*.sh",
    "security/pam_env.conf",
)


class VoiceModeEnv(Fact[EnvFile]):
    """The file that VoiceMode reads its settings from, without any key that is in it."""

    @staticmethod
    def default() -> EnvFile:
        return EnvFile("voicemode.env", "voicemode.env")

    def command(self, layout: Layout) -> StringCommand:
        return script("env-file", *layout.voicemode_env, STT, LISTEN)

    def process(self, output: Iterable[str]) -> EnvFile:
        return parse_env_file(output)


class EnvironmentSettings(Fact[list[Setting]]):
    """Where VoiceMode's variables that name the proxy are set for the user's programs, and HTTP
    proxies for them."""

    default = list
    allows_undecodable = True

    def command(self) -> StringCommand:
        places = (*(f'"$HOME"/{name}' for name in IN_HOME), *(f"/etc/{name}" for name in IN_ETC))
        # What matches alone: in .claude.json everything may stand on one line, keys too.
        either = f"({STT}|{LISTEN}|(http|all|no)_proxy|(HTTP|ALL|NO)_PROXY)"
        line = (
            rf"^[[:space:]]*([A-Za-z-]+[[:space:]]+)*{either}([[:space:]]+DEFAULT)?[=:[:space:]].*"
        )
        pair = rf'"{either}"[[:space:]]*:[[:space:]]*"[^"]*"'
        return StringCommand(
            "grep -snoHE -e", QuoteString(line), "-e", QuoteString(pair), "--", *places, "|| true"
        )

    def process(self, output: Iterable[str]) -> list[Setting]:
        return parse_settings(output)
