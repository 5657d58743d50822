"""Guides as a person follows them: their fenced blocks in order, in a folder of their own, held to what they show.

What a block is, its info string and the line before it say:

- ```` ```sh ```` is typed; it has to end with status 0 within `LIMIT_S`.
- ```` ```sh again ```` is, too, and once more until it prints what the next block shows.
- ```` ```sh role ```` is left running in a terminal of its own, until `sh end`, or the end of the guide.
- ```` ```sh end ```` is typed after Ctrl-C in each of those terminals.
- ```` ```sh not-run: WHY ```` is not typed here.
- ```` ```console ```` or ```` ```text ```` is what the block before prints, a role's within `LIMIT_S`; `...` is any
  text.
- any other is a file that the reader writes; the line before is its name, `` `plant.toml`: ``.

Each block is typed into a new shell: what it exports is gone in the next, as in a new terminal.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.bin.layout import Options
from tests.kit.ports import free_port

ROOT = Path(__file__).parents[2]
LIMIT_S = 90.0
ENDS_S = 30.0
"""A role that was told to end has to within this."""
FILES = {
    name: ROOT / name
    for name in (
        "connectors/scada/CONNECT.md",
        "connectors/sinks/SUBSCRIBE.md",
        "onnx_export/TRAIN.md",
        "pipelines/releases/SWAP.md",
        "pipelines/backfill/BACKFILL.md",
    )
}
"""The guides whose commands are run, by name."""
SHOWN = ("console", "text")
_LINES = re.compile(r"^\.\.\.\n", re.MULTILINE)
_FENCE = re.compile(r"^```(\S.*)?$")
_NAMED = re.compile(r"`([\w./-]+)`:$")
_PORT = re.compile(r"127\.0\.0\.1:(\d{4,5})\b")
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


class Reader:
    """A person with an empty folder, this tree's `forewarn` on the path, and nothing set. A context manager.

    Programs of servers are those of the cache; all else is in the folder. Leaving it ends what was left running.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "work"
        self._cache, self._bin = folder / "cache", folder / "bin"
        for made in (self.folder, self._cache, self._bin, folder / "home"):
            made.mkdir(parents=True)
        (self._cache / "programs").symlink_to(Options().programs)
        self._program("python", f'exec {sys.executable} "$@"')
        self._program("forewarn", f'exec {sys.executable} -m pipelines.cli "$@"')
        self._environ = {
            "PATH": f"{self._bin}:/usr/bin:/bin",
            "HOME": str(folder / "home"),
            "LANG": "C.UTF-8",
            "COLUMNS": "120",
            "FOREWARN_CACHE": str(self._cache),
            "FOREWARN_SERVERS": "local",  # as on a machine without Docker
        }
        self._roles: list[tuple[subprocess.Popen[bytes], Path]] = []
        self._ports: dict[str, str] = {}

    def _program(self, name: str, line: str) -> None:
        path = self._bin / name
        path.write_text(f"#!/bin/sh\nPYTHONPATH={ROOT} {line}\n")
        path.chmod(0o755)

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, fault: object, *_: object) -> None:
        try:
            self._end_roles()
        except GuideError:
            if fault is None:  # else what went wrong before is told
                raise
        finally:
            for folder in (self._cache / "instances").glob("[!.]*"):
                self._shell(f"forewarn down --instance {folder.name}", 60.0)

    @property
    def running(self) -> int:
        """How many roles were left running and still are."""
        return sum(process.poll() is None for process, _ in self._roles)

    def follow(self, name: str) -> dict[str, float]:
        """Do all that a guide says. Returns the seconds that each block took, by where it is. Raises GuideError."""
        took: dict[str, float] = {}
        last: Block | None = None
        printed: str | Path | None = None
        for port in _PORT.findall("".join(block.text for block in read(name))):
            self._ports.setdefault(port, str(free_port()))
        for block in read(name):
            began_s = time.monotonic()
            if block.typed:
                last, printed = block, self._type(block)
            elif block.info in SHOWN:
                self._compare(block, last, printed)
            elif block.file:
                self._write(block)
            else:
                raise GuideError(
                    f"{block.where}: neither commands, nor what they print, nor a file with its name before"
                )
            took[block.where] = round(time.monotonic() - began_s, 1)
        return took

    def _type(self, block: Block) -> str | Path | None:
        if block.why_not is not None:
            return None
        if block.way == "role":
            return self._leave_running(block)
        if block.way == "end":
            self._end_roles()
        elif block.way not in ("", "again"):
            raise GuideError(f"{block.where}: '{block.info}' is no way to type a block")
        return self._run(block)

    def _run(self, block: Block) -> str:
        status, said = self._shell(block.text, LIMIT_S)
        if status:
            raise GuideError(f"{block.where}: status {status}\n{block.text}\n{said}\n{self._logs()}")
        return said

    def _shell(self, text: str, limit_s: float) -> tuple[int | str, str]:
        """Status, or that it took too long; and what was printed."""
        process = subprocess.Popen(
            ["bash", "-e", "-c", self._moved(text)], cwd=self.folder, env=self._environ, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            said, _ = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            said, _ = process.communicate()
            return f"none after {limit_s:g} s", said
        return process.returncode, said

    def _leave_running(self, block: Block) -> Path:
        log = self.folder.parent / f"role-{len(self._roles)}.log"
        with log.open("w") as to:
            process = subprocess.Popen(
                ["bash", "-e", "-c", self._moved(block.text)], cwd=self.folder, env=self._environ,
                stdin=subprocess.DEVNULL, stdout=to, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        self._roles.append((process, log))
        return log

    def _end_roles(self) -> None:
        """Tell the group of each to end. Raises GuideError for those that had ended, end wrongly, or do not."""
        wrong = [f"{log.name} ended by itself" for process, log in self._roles if process.poll() is not None]
        for process, _ in self._roles:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
        for process, log in self._roles:
            try:
                status = process.wait(ENDS_S)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                wrong.append(f"{log.name} did not end in {ENDS_S:g} s")
            else:
                if status not in (0, -signal.SIGTERM):
                    wrong.append(f"{log.name} ended with status {status}")
        logs = self._logs()
        self._roles.clear()
        if wrong:
            raise GuideError("; ".join(wrong) + "\n" + logs)

    def _logs(self) -> str:
        return "\n".join(f"--- {log.name}\n{log.read_text()[-3000:]}" for _, log in self._roles)

    def _compare(self, block: Block, last: Block | None, printed: str | Path | None) -> None:
        if last is None:
            raise GuideError(f"{block.where}: no command before prints this")
        if printed is None:
            return
        until_s = time.monotonic() + (LIMIT_S if last.way in ("role", "again") else 0.0)
        said = printed.read_text() if isinstance(printed, Path) else printed
        while wrong := misfit(block.text, self._back(said)):
            if time.monotonic() > until_s:
                raise GuideError(f"{block.where}: {wrong}\n{self._logs()}")
            time.sleep(0.2)
            said = printed.read_text() if isinstance(printed, Path) else self._run(last)

    def _write(self, block: Block) -> None:
        path = self.folder / (block.file or "")
        if not path.resolve().is_relative_to(self.folder.resolve()):
            raise GuideError(f"{block.where}: {block.file} is outside of the reader's folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self._moved(block.text))

    def _moved(self, text: str) -> str:
        """With free ports in the place of those of servers that the guide writes itself, which may be taken here."""
        for port, free in self._ports.items():
            text = re.sub(rf"\b{port}\b", free, text)
        return text

    def _back(self, text: str) -> str:
        for port, free in self._ports.items():
            text = re.sub(rf"\b{free}\b", port, text)
        return text
