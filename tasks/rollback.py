"""Go back to what served before the last upgrade.

    pyinfra inventory.py tasks/rollback.py

Run it again to go back further; deploy.py goes forward again.
"""

from operations import setups
from tasks.target import Target, stage


@stage("Rollback")
def go_back(target: Target) -> None:
    """Have the setup that was confirmed before the present one serve again."""
    setups.go_back(
        name="Go back to what served before",
        layout=target.layout,
        api_key_file=target.settings.proxy_api_key_file,
    )


go_back()
