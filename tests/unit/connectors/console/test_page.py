"""The web page as files: nothing that its policy would refuse, nothing that is not there, and small enough."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import connectors.console

PAGE = Path(connectors.console.__file__).parent / "page"
OURS = sorted(path for path in PAGE.rglob("*.*") if path.parent.name != "vendor")
SCRIPTS = [path for path in OURS if path.suffix == ".js"]
TEXT_AS_MARKUP = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|setAttribute\(\"style\""
)
IMPORTED = re.compile(r"""(?:from|import\()\s*"(\.[^"]+)\"""")
AT_ONCE = re.compile(r"""from\s*"(\.[^"]+)\"""")
LARGEST_FIRST_VIEW = 150_000
LARGEST = 250_000


def _name(path: Path) -> str:
    return str(path.relative_to(PAGE))


@pytest.mark.parametrize("path", SCRIPTS, ids=_name)
def test_no_text_becomes_markup_or_code(path):
    assert not TEXT_AS_MARKUP.search(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", SCRIPTS, ids=_name)
def test_every_module_that_is_imported_is_there(path):
    for name in IMPORTED.findall(path.read_text(encoding="utf-8")):
        assert (path.parent / name).resolve() in SCRIPTS, name


def test_the_frame_has_no_script_or_style_of_its_own():
    frame = (PAGE / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", frame)
    assert re.findall(r"<script[^>]*>([^<]*)</script>", frame) == [""]
    for name in re.findall(r'(?:src|href)="/page/([^"]+)"', frame):
        assert (PAGE / name).is_file(), name


@pytest.mark.parametrize("path", OURS, ids=_name)
def test_no_file_names_another_host(path):
    named = set(re.findall(r"https?://[\w.-]+", path.read_text(encoding="utf-8")))
    assert named <= {"http://www.w3.org"}  # the name of SVG's elements, which nothing fetches


def _with_imports(path: Path) -> set[Path]:
    """The module and all that it imports at once; what it asks for later is not of the first view."""
    found, ahead = {path}, [path]
    while ahead:
        one = ahead.pop()
        new = {(one.parent / name).resolve() for name in AT_ONCE.findall(one.read_text(encoding="utf-8"))} - found
        found |= new
        ahead += new
    return found


def test_the_page_is_small():
    first = _with_imports(PAGE / "main.js") | _with_imports(PAGE / "views" / "overview.js")
    first |= {path for path in OURS if path.suffix != ".js"}
    assert sum(path.stat().st_size for path in first) < LARGEST_FIRST_VIEW
    assert sum(path.stat().st_size for path in PAGE.rglob("*.*")) < LARGEST
