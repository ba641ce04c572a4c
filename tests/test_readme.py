"""The README says what is true."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
ALL = (ROOT / "group_data" / "all.py").read_text()
README = (ROOT / "README.md").read_text()


def knobs() -> dict[str, tuple[str, str]]:
    """{setting: (default as written, the comment above it)} of group_data/all.py."""
    lines = ALL.splitlines()
    found = {}
    for node in ast.parse(ALL).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            comment = []
            for line in reversed(lines[: node.lineno - 1]):
                if not line.startswith("# ") or line.startswith("# ---"):
                    break
                comment.insert(0, line[2:])
            default = ast.unparse(node.value).replace("'", '"')
            found[node.targets[0].id] = (default, " ".join(comment))
    return {name: knob for name, knob in found.items() if not name.startswith("_")}


def row(name: str, default: str, comment: str) -> str:
    """A row of the README's table of settings."""
    return f"| `{name}` | `{default}` | {comment} |"


def test_the_table_of_settings_is_group_data_all():
    knob = r"(?:whisper|model|gpu|proxy|uninstall)_\w+"
    rows = re.findall(rf"^\| `{knob}` \|.*$", README, re.MULTILINE)
    assert rows == [row(name, *knob) for name, knob in knobs().items()]


def test_every_setting_has_a_comment_of_its_own():
    assert all(comment for _, comment in knobs().values())


def test_every_make_target_that_is_named_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"make ([a-z-]+)", README)) - {"deploy"} <= targets | {"python"}
