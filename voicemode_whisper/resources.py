"""The files that the package comes with: templates, the proxy, its lock, defaults, speech."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
# In a wheel they lie inside the package; in a checkout, beside it.
ROOT = PACKAGE if (PACKAGE / "templates").is_dir() else PACKAGE.parent

TEMPLATES = ROOT / "templates"
PROXY_PACKAGE = ROOT / "files" / "whisper_proxy"
PROXY_LOCK = ROOT / "requirements" / "proxy.lock"
WYOMING_LOCK = ROOT / "requirements" / "wyoming.lock"
DEPLOY_LOCK = ROOT / "requirements" / "deploy.lock"
# Of President Kennedy's inaugural address of 1961, which nobody owns: see core/speech.py.
SPEECH = ROOT / "files" / "jfk.opus"
DEFAULTS = ROOT / "group_data" / "all.py"
