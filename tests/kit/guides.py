"""Guides, and what their fenced blocks mean to whoever follows them, in order (`guide_reader` does).

What a block is, its info string and the line before it say:

- ```` ```sh ```` is typed; it has to end with status 0 in a while.
- ```` ```sh again ```` is, too, and once more until it prints what the next block shows.
- ```` ```sh role ```` is left running in a terminal of its own, until `sh end`, or the end of the guide.
- ```` ```sh end ```` is typed after Ctrl-C in each of those terminals.
- ```` ```sh not-run: WHY ```` is not typed here.
- ```` ```console ```` or ```` ```text ```` is what the block before prints, a role's in a while; `...` is any text.
- any other is a file that the reader writes; the line before is its name, `` `plant.toml`: ``.

Each block is typed into a new shell: what it exports is gone in the next, as in a new terminal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOPS = ("connectors", "infra", "models", "onnx_export", "pipelines")
_TITLE = re.compile(r"# .* in \d+ minutes\n")
MARKDOWN = {
    path.relative_to(ROOT).as_posix(): path
    for path in sorted([*ROOT.glob("*.md"), *(found for top in TOPS for found in (ROOT / top).rglob("*.md"))])
}
"""All that is written for people, by name."""
FILES = {name: path for name, path in MARKDOWN.items() if _TITLE.match(path.read_text(encoding="utf-8"))}
"""The guides that are followed by tests: those whose title says how long they take."""
SHOWN = ("console", "text")
_LINES = re.compile(r"^\.\.\.\n", re.MULTILINE)
_FENCE = re.compile(r"^```(\S.*)?$")
_NAMED = re.compile(r"`([\w./-]+)`:$")
_BEFORE = re.compile(r"goes on in the folder of \[[^\]]*\]\(([^)#]+)\)")


class GuideError(AssertionError):
    """Says where a guide and what it tells of went apart."""


@dataclass(frozen=True, kw_only=True)
class Block:
    """A fenced block: `info` is what stands behind the fence, `before` the line that leads to it."""

    guide: str
    line: int
    info: str
    text: str
    before: str

    @property
    def where(self) -> str:
        """For people."""
        return f"{self.guide}, line {self.line}"

    @property
    def typed(self) -> bool:
        """Whether it is of commands."""
        return self.info == "sh" or self.info.startswith("sh ")

    @property
    def way(self) -> str:
        """What stands behind `sh`: nothing, `again`, `role`, `end` or `not-run: WHY`."""
        return self.info.removeprefix("sh").strip()

    @property
    def why_not(self) -> str | None:
        """Why it is not run here; None where it is."""
        return self.way.removeprefix("not-run:").strip() if self.way.startswith("not-run") else None

    @property
    def file(self) -> str | None:
        """The name of the file that the reader writes."""
        named = _NAMED.search(self.before)
        return named[1] if named and not self.typed and self.info not in SHOWN else None


def blocks(text: str, guide: str = "") -> list[Block]:
    """The fenced blocks of a Markdown text, in order. Raises GuideError where a fence is left open."""
    found: list[Block] = []
    before, begun, kept = "", None, []
    for number, line in enumerate(text.splitlines(), 1):
        fence = _FENCE.match(line.strip())
        if begun is not None:
            if line.strip() == "```":
                at, info, lead = begun
                found.append(Block(guide=guide, line=at, info=info, text="\n".join(kept) + "\n", before=lead))
                begun, before = None, ""
            else:
                kept.append(line)
        elif fence:
            begun, kept = (number, (fence[1] or "").strip(), before), []
        elif line.strip():
            before = line.strip()
    if begun is not None:
        raise GuideError(f"{guide}, line {begun[0]}: a fence is left open")
    return found


def read(name: str) -> list[Block]:
    """The blocks of a guide."""
    return blocks(FILES[name].read_text(encoding="utf-8"), name)


def before(name: str) -> str | None:
    """The guide in whose folder this one goes on."""
    found = _BEFORE.search(" ".join(FILES[name].read_text(encoding="utf-8").split()))
    return str((FILES[name].parent / found[1]).resolve().relative_to(ROOT)) if found else None


def chains() -> Iterator[tuple[str, ...]]:
    """The guides in the order in which each can be followed: those that share a folder together."""
    follows = {name: before(name) for name in FILES}
    for last in FILES:
        if last not in follows.values():
            chain = [last]
            while earlier := follows[chain[-1]]:
                chain.append(earlier)
            yield tuple(reversed(chain))


def misfit(shown: str, printed: str) -> str | None:
    """What a guide shows that was not printed; None where it fits.

    `...` is any text, and alone in a line any lines, or none. Spaces at the ends of lines do not count.
    """
    want, got = _bare(shown), _bare(printed)
    first, *later = _LINES.sub("...", want).split("...")
    fits, at = got.startswith(first), len(first)
    for part in later[:-1]:
        found = got.find(part, at)
        fits, at = fits and found >= 0, found + len(part)
    last = later[-1] if later else ""
    fits = fits and got.endswith(last) and (at <= len(got) - len(last) if later else at == len(got))
    return None if fits else f"the guide shows:\n{want}\nprinted was:\n{got}"


def _bare(text: str) -> str:
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    return "".join(f"{line.rstrip()}\n" for line in plain.strip("\r\n").splitlines())
