"""Chromium, for tests of the page. Only where the program is; a test starts and ends it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from infra.bin import debian
from infra.bin.debian import Program
from infra.bin.layout import Options

PACKAGES = ("chromium", "chromium-common", "fontconfig-config", "fonts-dejavu-core")
"""With a font, so that a picture of a page shows its words."""
FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><include ignore_missing="yes">/etc/fonts/fonts.conf</include>
<include ignore_missing="yes">{home}/etc/fonts/fonts.conf</include>
<dir>{home}/usr/share/fonts</dir><cachedir>{home}/fonts</cachedir></fontconfig>
"""
"""The system's where it has any, and those of the packages."""


def provide(options: Options) -> Program:
    """Find the browser, or fetch it once. Raises ServicesError where there is neither it nor Debian's apt."""
    found = debian.provide(options, "chromium", PACKAGES, "usr/lib/chromium/chromium")
    return found if found.how == "PATH" else replace(found, settings={"FONTCONFIG_FILE": str(_fonts(found.path))})


def _fonts(program: Path) -> Path:
    """What tells it where fonts are, beside those of the system."""
    home = program.parents[3]
    file = home / "fonts.conf"
    file.write_text(FONTS.format(home=home))
    return file
