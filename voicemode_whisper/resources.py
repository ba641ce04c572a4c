"""The files that the package comes with: templates, the proxy, its lock file, the defaults."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
# In a wheel they lie inside the package; in a checkout, beside it.
ROOT = _PACKAGE if (_PACKAGE / "templates").is_dir() else _PACKAGE.parent

TEMPLATES = ROOT / "templates"
PROXY_PACKAGE = ROOT / "files" / "whisper_proxy"
PROXY_LOCK = ROOT / "requirements" / "proxy.lock"
DEFAULTS = ROOT / "group_data" / "all.py"
