"""The README and the pages in docs/ say what is true."""

import ast
import re
from dataclasses import fields
from pathlib import Path

import pytest
from whisper_proxy.settings import Settings, variable

ROOT = Path(__file__).parents[1]
ALL = (ROOT / "group_data" / "all.py").read_text()
README = (ROOT / "README.md").read_text()
API = (ROOT / "docs" / "api.md").read_text()
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
# docs/record.py makes them, from a real run.
PICTURES = {"docs/demo.svg", "docs/doctor.svg"}
# tests/machines/test_page.py does, of the page in a browser.
SCREENSHOTS = {"docs/page.png", "docs/page-dark.png"}


def settings() -> dict[str, tuple[str, str]]:
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
    return {name: setting for name, setting in found.items() if not name.startswith("_")}


def row(name: str, default: str, comment: str) -> str:
    """A row of a table of settings."""
    return f"| `{name}` | `{default}` | {comment} |"


def anchors(page: Path) -> set[str]:
    """What a link may name after the `#`, as GitHub makes it of a heading."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_the_tables_of_settings_are_group_data_all():
    common = README.split("\n## Settings\n")[1].split("\n## ")[0]
    others = (ROOT / "docs" / "settings.md").read_text()
    rows = re.findall(r"^\| `\w+` \|.*$", common + others, re.MULTILINE)
    assert sorted(rows) == sorted(row(name, *setting) for name, setting in settings().items())


def test_every_setting_has_a_comment_of_its_own():
    assert all(comment for _, comment in settings().values())


def test_the_table_of_the_proxy_s_settings_is_its_code():
    known = [
        f"| `{variable(setting)}` | {f'`{setting.default}`' if setting.default else 'none'} "
        f"| {setting.metadata['help']} |"
        for setting in fields(Settings)
    ]
    rows = re.findall(r"^\| `WHISPER_PROXY_\w+` \|.*$", API, re.MULTILINE)
    assert rows
    assert [one for one in known if one in rows] == rows


def test_every_error_of_the_proxy_s_is_told():
    sources = (ROOT / "files" / "whisper_proxy").glob("*.py")
    codes = {code for file in sources for code in re.findall(r'code="(\w+)"', file.read_text())}
    assert {code for code in codes if f"`{code}`" not in API} == set()


def test_the_readme_is_short_enough_to_be_read():
    assert len(README.splitlines()) <= 220


def test_the_readme_goes_from_what_it_is_to_how_it_is_made():
    order = [
        "Requirements", "Quick start", "What you get", "Settings", "Upgrade and rollback",
        "Several machines", "The API", "Doctor and troubleshooting", "Files", "Use as a library",
        "Development",
    ]  # fmt: skip
    assert re.findall(r"^## (.+)$", README, re.MULTILINE) == order


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_make_target_that_is_named_exists(page: Path):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = re.findall(r"(?:`|^)make ([a-z-]+)", page.read_text(), re.MULTILINE)
    assert set(named) <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_is_linked_exists(page: Path):
    for link in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        path, _, anchor = link.partition("#")
        if "://" in link or link in PICTURES:
            continue
        target = page.parent / path if path else page
        assert target.is_file(), link
        assert not anchor or anchor in anchors(target), link


def test_the_pictures_are_those_that_docs_record_makes():
    assert set(re.findall(r"!\[[^]]*\]\(([^)]+)\)", README)) == PICTURES
    script = (ROOT / "docs" / "record.py").read_text()
    assert all(picture in script for picture in PICTURES)


def test_the_pictures_of_the_page_are_there_and_small():
    assert set(re.findall(r'src(?:set)?="([^"]+)"', README)) == SCREENSHOTS
    sizes = [picture.stat().st_size for picture in (ROOT / "docs").glob("page*.png")]
    assert len(sizes) == 3
    assert max(sizes) < 150_000


def test_the_layers_of_the_architecture_exist():
    page = (ROOT / "docs" / "architecture.md").read_text()
    named = re.findall(r"^(\w+)/ ", page, re.MULTILINE)
    assert "core" in named
    places = (ROOT, ROOT / "voicemode_whisper")
    assert [name for name in named if not any((place / name).is_dir() for place in places)] == []
