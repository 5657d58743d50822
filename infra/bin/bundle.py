"""One archive that installs Forewarn on a server without a network: wheels by hash, units, chart, dashboards, guides.

`SHA256SUMS` names every file, `SHA256SUMS.sig` is its ed25519 signature (RFC 8032) by a key that is given. The same
inputs make the same bytes. Standard library, pip and OpenSSL 3 alone; the installer is infra/bundle/install.sh.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

if __package__ in (None, ""):  # run as a file: our package is two folders up, and this one must not shadow others
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from infra.bin import programs, sbom
from infra.bin.layout import ServicesError

ROOT = sbom.ROOT
LOCK = ROOT / "requirements-deploy.lock"
SUMS, SIGNATURE = "SHA256SUMS", "SHA256SUMS.sig"
SHARED = (
    "README.md", "ARCHITECTURE.md", "CHANGELOG.md", "infra/DEPLOY.md", "infra/RUNBOOK.md", "pipelines/SETTINGS.md",
    "pipelines/OUTPUT.md", "connectors/scada/PLANT.md", "connectors/sinks/DELIVERY.md", "infra/systemd",
    "infra/helm", "infra/grafana", "infra/prometheus", "infra/examples", "infra/bundle/forewarn.env.example",
)  # fmt: skip
"""What goes along beside the wheels, if it is there; each by its own name below share/forewarn."""
LEFT_OUT = ("__pycache__", "*.pyc", "*.egg-info", ".env", "*.env")
EPOCH = "315532800"
"""1980-01-01, the first time that a zip file can tell (and a wheel is one)."""


class BundleError(ServicesError):
    """A bundle cannot be made, or is not what its maker signed; the message says why."""


def make(key: Path, out: Path, lock: Path = LOCK, environ: Mapping[str, str] = os.environ) -> Path:
    """Make the bundle for this Python and platform, signed with the private key (PEM). Raises BundleError."""
    check_key(key, environ)
    version = sbom.own_version()
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="forewarn-bundle-") as held:
        folder = Path(held) / f"forewarn-{version}"
        _gather(folder, lock, version, environ)
        _seal(folder, key, environ)
        return pack(folder, out / f"forewarn-{version}-bundle.tar.gz")


def _gather(folder: Path, lock: Path, version: str, environ: Mapping[str, str]) -> None:
    wheels, share = folder / "wheels", folder / "share" / "forewarn"
    wheels.mkdir(parents=True)
    share.mkdir(parents=True)
    shutil.copy(lock, folder / "requirements.lock")
    _pip(
        ["download", "--only-binary", ":all:", "--no-deps", "--require-hashes", "-r", str(lock), "-d", str(wheels)],
        environ,
    )
    wheel = build_wheel(wheels, environ)
    (folder / "forewarn.lock").write_text(f"forewarn=={version} --hash=sha256:{_sum(wheel)}\n")
    (folder / "VERSION").write_text(version + "\n")
    (folder / "PLATFORM").write_text(platform() + "\n")
    sbom.main([str(lock), "--out", str(folder / "sbom.cdx.json")])
    shutil.copy(ROOT / "infra" / "bundle" / "install.sh", folder / "install.sh")
    for source in (ROOT / name for name in SHARED):
        if source.is_dir():
            shutil.copytree(source, share / source.name, ignore=shutil.ignore_patterns(*LEFT_OUT))
        elif source.is_file():
            shutil.copy(source, share / source.name)


def platform() -> str:
    """What wheels are chosen for, in install.sh's words."""
    return f"cp{sys.version_info[0]}{sys.version_info[1]} {sysconfig.get_platform()}"


def build_wheel(into: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """Build Forewarn's own wheel from a copy of what pyproject.toml packs: nothing is left beside the sources."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packed = project["tool"]["setuptools"]["packages"]["find"]["include"]
    with tempfile.TemporaryDirectory(prefix="forewarn-wheel-") as held:
        for name in ("pyproject.toml", "README.md"):
            shutil.copy(ROOT / name, held)
        for package in (
            found for pattern in packed for found in ROOT.glob(pattern) if (found / "__init__.py").is_file()
        ):
            shutil.copytree(package, Path(held) / package.name, ignore=shutil.ignore_patterns(*LEFT_OUT))
        _pip(["wheel", "--no-deps", "-w", str(into), held], {**environ, "SOURCE_DATE_EPOCH": EPOCH})
    return next(into.glob("forewarn-*.whl"))


def _pip(arguments: Sequence[str], environ: Mapping[str, str]) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments, "--quiet"]
    ran = subprocess.run(command, capture_output=True, text=True, env=dict(environ), check=False)
    if ran.returncode:
        raise BundleError(f"pip {arguments[0]} failed: {(ran.stderr or ran.stdout).strip()[-1000:]}")


def _seal(folder: Path, key: Path, environ: Mapping[str, str]) -> None:
    sums = folder / SUMS
    sums.write_text("".join(f"{_sum(file)}  {file.relative_to(folder).as_posix()}\n" for file in _files(folder)))
    words = ["pkeyutl", "-sign", "-inkey", str(key), "-rawin", "-in", str(sums), "-out", str(folder / SIGNATURE)]
    ran = _openssl(words, environ)
    if ran.returncode:
        raise BundleError(f"openssl cannot sign with {key} (OpenSSL 3 is needed): {ran.stderr.strip()[-500:]}")


def check_key(key: Path, environ: Mapping[str, str] = os.environ) -> None:
    """Raise BundleError unless the file is a private key of ed25519."""
    told = _openssl(["pkey", "-in", str(key), "-noout", "-text"], environ)
    if told.returncode or not told.stdout.startswith("ED25519 Private-Key"):
        raise BundleError(
            f"{key} is no private key of ed25519: make one by `openssl genpkey -algorithm ed25519 -out {key.name}`"
        )


def _openssl(arguments: Sequence[str], environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    openssl = programs.find("openssl", "sign bundles and check them", "openssl", environ)
    return subprocess.run([openssl, *arguments], capture_output=True, text=True, env=dict(environ), check=False)


def pack(folder: Path, archive: Path) -> Path:
    """Pack a folder so that the same content makes the same bytes: sorted, owned by root, at one time."""
    part = archive.with_name(f".{archive.name}.part")
    with (
        part.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in (folder, *sorted(folder.rglob("*"))):
            tar.add(path, str(path.relative_to(folder.parent)), recursive=False, filter=_plain)
    part.replace(archive)
    return archive


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    entry.mtime = int(EPOCH)
    entry.mode = 0o755 if entry.isdir() or entry.name.endswith(".sh") else 0o644
    return entry


def verify(archive: Path, public: Path, environ: Mapping[str, str] = os.environ) -> int:
    """How many files there are, all as signed by the key (PEM). Nothing is unpacked. Raises BundleError."""
    found = _content(archive)
    with tempfile.TemporaryDirectory(prefix="forewarn-bundle-") as held:
        sums, signature = Path(held) / SUMS, Path(held) / SIGNATURE
        sums.write_bytes(found.pop(SUMS, b""))
        signature.write_bytes(found.pop(SIGNATURE, b""))
        words = ["pkeyutl", "-verify", "-pubin", "-inkey", str(public), "-rawin", "-in", str(sums)]
        if _openssl([*words, "-sigfile", str(signature)], environ).returncode:
            raise BundleError(f"{archive} is not signed by {public}: do not use it")
        signed = {name: digest for digest, _, name in (line.partition("  ") for line in sums.read_text().splitlines())}
    there = {name: content.decode() for name, content in found.items()}
    if signed != there:
        wrong = sorted(name for name in signed.keys() | there.keys() if signed.get(name) != there.get(name))
        raise BundleError(f"{archive}: not as signed: {', '.join(wrong[:5])}: do not use it")
    return len(there)


def _content(archive: Path) -> dict[str, bytes]:
    """The sum of each file, and what the list and its signature say. Raises BundleError for what is no bundle."""
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(archive) as tar:
            for entry in tar:
                name = entry.name.partition("/")[2]
                if not (entry.isdir() or entry.isfile()) or name in found or ".." in name.split("/"):
                    raise BundleError(f"{archive} has {entry.name}, which no bundle has: do not use it")
                if entry.isfile() and (held := tar.extractfile(entry)):
                    content = held.read()
                    is_told = name in (SUMS, SIGNATURE)
                    found[name] = content if is_told else hashlib.sha256(content).hexdigest().encode()
    except (tarfile.TarError, OSError, EOFError) as wrong:
        raise BundleError(f"{archive} cannot be read ({wrong}): do not use it") from wrong
    return found


def _files(folder: Path) -> list[Path]:
    own = {folder / SUMS, folder / SIGNATURE}
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and path not in own]


def _sum(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def main(arguments: Sequence[str] | None = None) -> None:
    """Make a bundle, or look at one."""
    parser = argparse.ArgumentParser(description="Make the bundle that installs without a network, or check one.")
    commands = parser.add_subparsers(dest="command", required=True)
    made = commands.add_parser("make", help="for this Python and platform, signed")
    made.add_argument("--key", type=Path, required=True, help="private key of ed25519, PEM")
    made.add_argument("--out", type=Path, default=ROOT / "build", help="folder of the archive")
    made.add_argument("--lock", type=Path, default=LOCK, help="lock with hashes of what is installed")
    checked = commands.add_parser("verify", help="signature and sums of an archive")
    checked.add_argument("archive", type=Path)
    checked.add_argument("--key", type=Path, required=True, help="public key of who made it, PEM")
    asked = parser.parse_args(arguments)
    if asked.command == "make":
        print(make(asked.key, asked.out, asked.lock))
    else:
        print(f"{verify(asked.archive, asked.key)} files, all as signed by {asked.key}")


if __name__ == "__main__":
    try:
        main()
    except (ServicesError, sbom.LockError) as error:
        sys.exit(f"error: {error}")
