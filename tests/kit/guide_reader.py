"""A reader who follows a guide, word by word, in an empty folder, and says where it and the tree went apart."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from infra.bin.layout import Options
from tests.kit.guides import ROOT, SHOWN, Block, GuideError, misfit, read
from tests.kit.ports import free_port

LIMIT_S = 90.0
"""A block that is typed has to end within this, and what is waited for has to come."""
ENDS_S = 30.0
"""A role that was told to end has to within this."""
_PORT = re.compile(r"127\.0\.0\.1:(\d{4,5})\b")


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
