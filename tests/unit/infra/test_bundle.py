"""The bundle for servers without a network: made, checked, tampered with, installed; of a lock with a few packages."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from infra.bin import bundle, debian, sbom
from infra.bin.layout import Options, ServicesError
from tests.unit.infra.deployed import ROOT, SETTINGS, named_settings

NEEDED = ("typer", "rich", "msgspec")
"""What `forewarn --version` imports; what these need is in the lock itself."""
NOWHERE = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9")
"""Proxies on a port where nobody answers (discard, RFC 863)."""


def small_lock() -> str:
    """The part of the lock that those packages need, as it stands there."""
    packages = {package.name: package for package in sbom.read(bundle.LOCK)}
    wanted: set[str] = set()
    more = set(NEEDED)
    while more:
        wanted |= more
        more = {name for name, package in packages.items() if set(package.wanted_by) & wanted} - wanted
    entries: list[list[str]] = []
    for line in bundle.LOCK.read_text(encoding="utf-8").splitlines(keepends=True):
        if line[0] not in " #":
            entries.append([])
        if entries:
            entries[-1].append(line)
    return "".join("".join(entry) for entry in entries if entry[0].partition("==")[0] in wanted)


def openssl(*words: str | Path) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True)


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    for name in ("ours", "theirs"):
        openssl("genpkey", "-algorithm", "ed25519", "-out", folder / f"{name}.pem")
        openssl("pkey", "-in", folder / f"{name}.pem", "-pubout", "-out", folder / f"{name}.pub")
    return folder


@pytest.fixture(scope="module")
def archive(keys, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle")
    lock = folder / "small.lock"
    lock.write_text(small_lock())
    return bundle.make(keys / "ours.pem", folder, lock)


@pytest.fixture
def unpacked(archive, tmp_path):
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path / "new")
    (folder,) = (tmp_path / "new").iterdir()
    return folder


def install(folder: Path, *options: str | Path) -> subprocess.CompletedProcess:
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder.parent), **NOWHERE}
    words = ["sh", folder / "install.sh", "--python", sys.executable, *options]
    return subprocess.run(words, capture_output=True, text=True, env=environ, check=False)


def test_the_small_lock_is_a_part_of_what_is_deployed(tmp_path):
    (tmp_path / "lock").write_text(small_lock())
    few = sbom.read(tmp_path / "lock")
    assert {package.name for package in few} >= {*NEEDED, "markdown-it-py", "mdurl", "pygments"}
    assert len(few) < 20
    assert all(package in sbom.read(bundle.LOCK) for package in few)


def test_what_it_holds(archive, keys):
    with tarfile.open(archive) as tar:
        names = {name.partition("/")[2] for name in tar.getnames()}
        assert all(entry.uid == entry.gid == 0 for entry in tar)
    assert {
        "install.sh",
        "SHA256SUMS",
        "SHA256SUMS.sig",
        "requirements.lock",
        "forewarn.lock",
        "sbom.cdx.json",
    } <= names
    assert {f"share/forewarn/{name}" for name in ("README.md", "DEPLOY.md", "helm/forewarn/Chart.yaml")} <= names
    assert {f"share/forewarn/systemd/{unit.name}" for unit in (ROOT / "infra" / "systemd").iterdir()} <= names
    assert f"wheels/forewarn-{sbom.own_version()}-py3-none-any.whl" in names
    assert not [name for name in names if "__pycache__" in name or name.endswith("/.env")]
    assert bundle.verify(archive, keys / "ours.pub") > 50


def test_openssl_alone_checks_the_signature(unpacked, keys):
    words = ["pkeyutl", "-verify", "-pubin", "-rawin", "-in", unpacked / "SHA256SUMS", "-sigfile"]
    openssl(*words, unpacked / "SHA256SUMS.sig", "-inkey", keys / "ours.pub")
    with pytest.raises(subprocess.CalledProcessError):
        openssl(*words, unpacked / "SHA256SUMS.sig", "-inkey", keys / "theirs.pub")


def test_the_same_files_make_the_same_bytes(unpacked, archive, tmp_path):
    assert bundle.pack(unpacked, tmp_path / "again.tar.gz").read_bytes() == archive.read_bytes()


def changed(folder: Path) -> None:
    with (folder / "wheels" / next(folder.glob("wheels/rich-*")).name).open("ab") as wheel:
        wheel.write(b"\0")


def added(folder: Path) -> None:
    (folder / "wheels" / "sitecustomize-1-py3-none-any.whl").write_bytes(b"")


def removed(folder: Path) -> None:
    (folder / "share" / "forewarn" / "README.md").unlink()


def linked(folder: Path) -> None:
    (folder / "share" / "link").symlink_to("/etc/passwd")


def resummed(folder: Path) -> None:
    """A sum is changed along with its file, but the signature is not."""
    (folder / "VERSION").write_text("9.9.9\n")
    sums = folder / "SHA256SUMS"
    lines = [line for line in sums.read_text().splitlines() if not line.endswith("  VERSION")]
    told = subprocess.run(["sha256sum", "VERSION"], cwd=folder, capture_output=True, text=True, check=True)
    sums.write_text("\n".join([*lines, told.stdout.strip()]) + "\n")


def unsigned(folder: Path) -> None:
    (folder / "SHA256SUMS.sig").unlink()


@pytest.mark.parametrize("tamper", [changed, added, removed, linked, resummed, unsigned])
def test_what_was_tampered_with_is_refused_before_anything_is_installed(unpacked, keys, tmp_path, tamper):
    tamper(unpacked)
    found = install(unpacked, "--key", keys / "ours.pub", "--prefix", tmp_path / "opt", "--no-units")
    assert found.returncode == 1
    assert "error:" in found.stderr
    assert not (tmp_path / "opt").exists()
    bad = bundle.pack(unpacked, tmp_path / "bad.tar.gz")
    with pytest.raises(bundle.BundleError):
        bundle.verify(bad, keys / "ours.pub")


def test_another_ones_signature_is_refused(unpacked, archive, keys, tmp_path):
    found = install(unpacked, "--key", keys / "theirs.pub", "--prefix", tmp_path / "opt", "--no-units")
    assert found.returncode == 1 and "is not signed by" in found.stderr
    assert not (tmp_path / "opt").exists()
    with pytest.raises(bundle.BundleError, match="is not signed by"):
        bundle.verify(archive, keys / "theirs.pub")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ([], "give --key"),
        (["--key", "nothing"], "is no file"),
        (["--kye", "x"], "is not known"),
        (["--key"], "wants a value"),
        (["--key", ROOT / "README.md", "--prefix", "opt"], "give folders from / on"),
    ],
)
def test_wrong_options_are_refused(unpacked, options, told):
    found = install(unpacked, *options)
    assert found.returncode == 1 and told in found.stderr


def test_help_names_every_option(unpacked):
    found = install(unpacked, "--help")
    script = (unpacked / "install.sh").read_text()
    assert found.returncode == 0
    for option in ("--key", "--check", "--prefix", "--etc", "--units", "--no-units", "--python"):
        assert option in found.stdout and script.count(option) >= 2


def test_a_bundle_of_another_platform_is_refused(unpacked, keys, tmp_path):
    (unpacked / "PLATFORM").write_text("cp399 linux-vax\n")
    for name in ("SHA256SUMS", "SHA256SUMS.sig"):
        (unpacked / name).unlink()
    bundle._seal(unpacked, keys / "ours.pem", os.environ)
    found = install(unpacked, "--key", keys / "ours.pub", "--prefix", tmp_path / "opt", "--no-units")
    assert found.returncode == 1 and "this bundle is for cp399" in found.stderr


def test_it_installs_without_a_network_and_runs(unpacked, keys, tmp_path):
    prefix, etc, units = (tmp_path / name for name in ("opt", "etc", "units"))
    options = ("--key", keys / "ours.pub", "--prefix", prefix, "--etc", etc, "--units", units)
    found = install(unpacked, *options)
    assert found.returncode == 0, found.stderr
    ran = subprocess.run(
        [prefix / "current" / "bin" / "forewarn", "--version"], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == f"forewarn {sbom.own_version()}"
    installed = {file.name for file in units.iterdir()}
    assert installed == {file.name for file in (ROOT / "infra" / "systemd").iterdir()}
    worker = (units / "forewarn-worker.service").read_text()
    assert (
        f"ExecStart={prefix}/current/bin/forewarn worker\n" in worker
        and f"EnvironmentFile={etc}/forewarn.env\n" in worker
    )
    assert (prefix / "current" / "share" / "forewarn" / "DEPLOY.md").is_file()
    settings = etc / "forewarn.env"
    assert settings.stat().st_mode & 0o777 == 0o640
    settings.write_text("FOREWARN_KAFKA=kafka:9092\n")
    again = install(unpacked, *options)
    assert again.returncode == 0, again.stderr
    assert settings.read_text() == "FOREWARN_KAFKA=kafka:9092\n", "what people wrote stays"


def test_pip_itself_refuses_a_wheel_that_the_lock_does_not_know(unpacked, tmp_path):
    """The second lock on the door: the hashes, where somebody passed the first."""
    changed(unpacked)
    target = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", target], check=True)
    words = [
        "-m",
        "pip",
        "--isolated",
        "install",
        "--no-index",
        "--find-links",
        "wheels",
        "--no-deps",
        "--require-hashes",
    ]
    found = subprocess.run(
        [target / "bin" / "python", *words, "-r", "requirements.lock"],
        cwd=unpacked,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode != 0 and "HASH" in found.stderr.upper()


def test_only_a_private_ed25519_key_signs(keys, tmp_path):
    rsa = tmp_path / "rsa.pem"
    openssl("genpkey", "-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:2048", "-out", rsa)
    for wrong in (rsa, keys / "ours.pub", tmp_path / "none"):
        with pytest.raises(bundle.BundleError, match="no private key of ed25519"):
            bundle.check_key(wrong)


def test_a_path_out_of_the_folder_is_refused(archive, keys, tmp_path):
    bad = tmp_path / "bad.tar.gz"
    (tmp_path / "x").write_text("x")
    with tarfile.open(bad, "w:gz") as tar:
        tar.add(tmp_path / "x", "forewarn/../../etc/cron.d/x")
    with pytest.raises(bundle.BundleError, match="which no bundle has"):
        bundle.verify(bad, keys / "ours.pub")


def test_settings_of_the_example_are_settings():
    text = (ROOT / "infra" / "bundle" / "forewarn.env.example").read_text(encoding="utf-8")
    assert named_settings(text) and named_settings(text) <= SETTINGS
    assert "FOREWARN_INFLUX_TOKEN=\n" in text


def test_shellcheck_finds_nothing_in_the_installer():
    try:
        found = debian.provide(Options(), "shellcheck", ("shellcheck",), "usr/bin/shellcheck")
    except ServicesError as none:
        pytest.skip(str(none))
    words = [
        found.path,
        "--shell=sh",
        "--enable=all",
        "--exclude=SC2250,SC2312",
        ROOT / "infra" / "bundle" / "install.sh",
    ]
    told = subprocess.run(words, capture_output=True, text=True, env=found.environ(os.environ), check=False)
    assert told.returncode == 0, told.stdout
