"""Who cannot become root is told what is there, and what to do."""

from voicemode_whisper.core.root_tools import no_tool, refused


def test_doas_that_asks():
    line = no_tool(["doas", "run0", "su"], "ada")
    assert line.startswith("sudo: not installed, and doas asks ada for a password")
    assert "`permit nopass ada` in /etc/doas.conf" in line


def test_what_is_not_used_is_named():
    assert "there is run0 and su, which the deploy does not use" in no_tool(["run0", "su"], "ada")


def test_what_sudo_says_is_passed_on():
    said = ["", "eve is not in the sudoers file.", ""]
    assert refused(said, "eve", from_environment=False) == (
        "sudo: does not make eve root with that password; it says: eve is not in the sudoers file."
    )
    assert "in PYINFRA_SUDO_PASSWORD" in refused([], "eve", from_environment=True)
