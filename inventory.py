"""The machines to deploy to: this one, unless you name others.

Several machines over SSH, each with what it needs of its own (settings are in group_data/all.py):

    servers = [
        "desktop.lan",
        ("server.lan", {"ssh_user": "ada", "proxy_host": "0.0.0.0"}),
        ("laptop.lan", {"whisper_backend": "cpu", "whisper_model": "base.en"}),
    ]
"""

servers = ["@local"]
