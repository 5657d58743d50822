"""Runs the tests that need no servers on each Python that Forewarn is for and that is found: `make pythons`.

Which those are is what the classifiers of pyproject.toml say. A Python is looked for on the PATH and among pyenv's
versions; each has an environment of its own under build/, with requirements-dev.lock by its hashes.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
HOME = ROOT / "build" / "pythons"
LOCK = ROOT / "requirements-dev.lock"
TESTS = ("-m", "pytest", "-p", "no:cacheprovider", "-q", "-m", "not servers and not soak", "-n", "auto", "--dist")
ASKS = "import sys; print('%d.%d' % sys.version_info[:2])"

Says = Callable[[Path], str]
"""The version that a program says it is, as `3.12`; "" where it does not run."""


def wanted(project: str) -> list[str]:
    """Versions that the project says it is for."""
    classifiers = tomllib.loads(project)["project"]["classifiers"]
    return re.findall(r"^Programming Language :: Python :: (3\.\d+)$", "\n".join(classifiers), re.MULTILINE)


def version(program: Path) -> str:
    """As it says itself: a shim of pyenv may be there for a version that is not chosen."""
    done = subprocess.run([str(program), "-c", ASKS], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def candidates(minor: str, environ: Mapping[str, str]) -> list[Path]:
    """Where a Python may be: on the PATH, then pyenv's, the newest patch first."""
    on_path = [shutil.which(f"python{minor}", path=environ.get("PATH", ""))]
    root = Path(environ.get("PYENV_ROOT") or Path(environ.get("HOME", "/")) / ".pyenv")
    patches = sorted((root / "versions").glob(f"{minor}.*"), key=lambda path: _numbers(path.name), reverse=True)
    return [Path(one) for one in on_path if one] + [path / "bin" / "python" for path in patches]


def _numbers(name: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", name)]


def found(minor: str, environ: Mapping[str, str], says: Says = version) -> Path | None:
    """The first that is of the version."""
    return next((path for path in candidates(minor, environ) if path.exists() and says(path) == minor), None)


def environment(python: Path, minor: str) -> Path:
    """Its Python, with what the lock and the project say. Raises CalledProcessError."""
    home = HOME / minor
    stamp, of = home / "lock", hashlib.sha256(LOCK.read_bytes()).hexdigest()
    inside = home / "bin" / "python"
    if not stamp.exists() or stamp.read_text() != of:
        print(f"Python {minor}: installing requirements-dev.lock", flush=True)
        shutil.rmtree(home, ignore_errors=True)
        install = [str(inside), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        for words in (
            [str(python), "-m", "venv", str(home)],
            [*install, "--require-hashes", "-r", str(LOCK)],
            [*install, "--no-deps", "-e", str(ROOT)],
        ):
            subprocess.run(words, cwd=ROOT, check=True)
        stamp.write_text(of)
    return inside


def tried(python: Path, minor: str) -> bool:
    """Whether all tests pass."""
    try:
        inside = environment(python, minor)
    except subprocess.CalledProcessError as failed:
        print(f"Python {minor}: cannot be set up: {failed}", file=sys.stderr)
        return False
    return subprocess.run([str(inside), *TESTS, "loadfile"], cwd=ROOT, check=False).returncode == 0


def main(versions: Sequence[str] = ()) -> None:
    """Each in turn; ends with 1 where tests fail on one, or none is found."""
    minors = versions or wanted((ROOT / "pyproject.toml").read_text())
    lines = []
    for minor in minors:
        python = found(minor, os.environ)
        passed = None if python is None else tried(python, minor)
        lines.append(f"Python {minor}: " + {None: "not found, so not tried", True: "passes", False: "fails"}[passed])
    failed = any("fails" in line for line in lines) or all("not found" in line for line in lines)
    print("\n".join(lines))
    sys.exit(failed)


if __name__ == "__main__":
    main(sys.argv[1:])
