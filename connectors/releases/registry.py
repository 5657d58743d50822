"""Where the files of releases are kept, each under its own hash: a folder, or whatever fsspec reaches.

A file is there whole or not at all. Blocking: callers run it in a thread. Nothing is tried again here.
"""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import fsspec
import structlog
from fsspec.implementations.local import LocalFileSystem

from models.onnx_limits import MOST_BYTES
from models.release import File, Refusal, Refused, verified

CONNECT_S, FETCH_S = 10.0, 120.0
"""Of HTTP. The largest file in that time takes 2.2 Mbit/s. Our choice."""
HASH = re.compile(r"[0-9a-f]{64}")
HTTP = ("http", "https")
OBJECT_STORES = ("s3", "s3a", "gs", "gcs", "az", "azure", "abfs", "abfss", "adl")
"""What obstore reaches. s3fs and its like need another python-dateutil than influxdb-client does."""

_log = structlog.get_logger()


class RegistryError(Exception):
    """A registry cannot be used as it is set, or takes no file; the message says why and what to do."""


class Registry:
    """Files by content, in a folder or at a URL: `file`, `memory`, `https` to read, object stores with obstore.

    Raises RegistryError where the URL is of a kind that this installation does not reach.
    """

    def __init__(self, where: str) -> None:
        try:
            self._shown = _shown(where)
            self._login = urlsplit(where).netloc.rpartition("@")[0]
            _reach(where)
            self._fs, root = fsspec.core.url_to_fs(where, **_options(where))
        except (ImportError, ValueError) as wrong:
            raise RegistryError(
                f"the registry cannot be used as it is set: {wrong}: name a folder or a URL, or install what reads it"
            ) from wrong
        self._root = root.rstrip("/")

    def put(self, content: bytes) -> File:
        """Keep a file; one that is there already stays. Raises RegistryError, and Refused where it is too large."""
        file = File.of(content)
        _sound(file)
        if self._has(file):
            return file
        try:
            self._write(self._path(file), content)
        except Exception as wrong:  # the file systems' own exceptions share no base but this
            if self._has(file):  # another writer was quicker
                return file
            raise RegistryError(
                f"the registry {self._shown} does not take the file {file.sha256}: {self._said(wrong)}: "
                "check that it may be written to and has room"
            ) from wrong
        return file

    def get(self, file: File) -> bytes:
        """A file's content, as stated. Raises Refused; no more is read than was stated, and one byte."""
        _sound(file)
        try:
            content = self._read(self._path(file), file.size_bytes + 1)
        except Exception as wrong:  # the file systems' own exceptions share no base but this
            raise Refused(
                Refusal.NOT_FETCHED,
                f"{self._url(file)} cannot be fetched: {self._said(wrong)}: "
                "check that the registry can be reached from here and that the file was put there",
            ) from wrong
        return verified(content, file, self._url(file))

    def _has(self, file: File) -> bool:
        try:
            self.get(file)
        except Refused:
            return False
        return True

    def _read(self, path: str, most: int) -> bytes:
        """The first bytes of a file, `most` at most."""
        if isinstance(self._fs, LocalFileSystem):
            return _beginning(Path(path), most)
        if not _is_http(path):
            return self._fs.cat_file(path, start=0, end=most)
        content = bytearray()
        with self._fs.open(path, "rb", block_size=0, size=most) as stream:
            while len(content) < most and (piece := stream.read(most - len(content))):
                content += piece
        return bytes(content)

    def _write(self, path: str, content: bytes) -> None:
        """Under another name first where files can be renamed; object stores show a file when it is whole."""
        if isinstance(self._fs, LocalFileSystem):
            write(Path(path), content)
        elif _is_http(path):
            raise PermissionError("HTTP is for reading")
        elif type(self._fs).mv is fsspec.AbstractFileSystem.mv:
            self._fs.pipe_file(path, content)
        else:
            self._write_and_rename(path, content)

    def _write_and_rename(self, path: str, content: bytes) -> None:
        folder, _, name = path.rpartition("/")
        part = f"{folder}/{_part(name)}"
        self._fs.makedirs(folder, exist_ok=True)
        try:
            self._fs.pipe_file(part, content)
            self._fs.mv(part, path)
        except BaseException:
            if self._fs.exists(part):
                self._fs.rm_file(part)
            raise

    def _path(self, file: File) -> str:
        return f"{self._root}/{key(file)}"

    def _url(self, file: File) -> str:
        return f"{self._shown}/{key(file)}"

    def _said(self, wrong: Exception) -> str:
        """What went wrong, without who logs in by the URL."""
        said = f"{type(wrong).__name__}: {wrong}"
        return said.replace(f"{self._login}@", "") if self._login else said


class Cached:
    """A registry with what was fetched kept in a folder, so that a start or a way back needs no network."""

    def __init__(self, registry: Registry, folder: Path) -> None:
        self._registry, self._folder = registry, folder

    def get(self, file: File) -> bytes:
        """A file's content, as stated, from the folder where it is sound there. Raises Refused."""
        _sound(file)
        path = self._folder / key(file)
        try:
            return verified(_beginning(path, file.size_bytes + 1), file, str(path))
        except FileNotFoundError:
            pass
        except (OSError, Refused) as wrong:
            _log.warning("cached-file-unsound", path=str(path), error=str(wrong), doing="fetched again")
        content = self._registry.get(file)
        try:
            write(path, content)
        except OSError as wrong:
            _log.warning("file-not-cached", path=str(path), error=str(wrong), doing="it is fetched at the next start")
        return content


def key(file: File) -> str:
    """Where a file lies under the root."""
    return f"{file.sha256[:2]}/{file.sha256}"


def write(path: Path, content: bytes) -> None:
    """Have a file on the disk whole, under another name until then. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(_part(path.name))
    try:
        with part.open("xb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _part(name: str) -> str:
    """A name of a file that is being written, by nobody else."""
    return f".{name}.{secrets.token_hex(8)}.part"


def _beginning(path: Path, most: int) -> bytes:
    with path.open("rb") as content:
        return content.read(most)


def _sound(file: File) -> None:
    """Raise Refused before anything is read for a file that could not be taken, whatever it holds."""
    if not HASH.fullmatch(file.sha256):
        raise Refused(Refusal.WRONG_HASH, f"'{file.sha256}' is no sha256 in hex: publish the release anew")
    if file.size_bytes > MOST_BYTES:
        raise Refused(Refusal.TOO_LARGE, f"{key(file)} is to have {file.size_bytes:,} bytes, at most {MOST_BYTES:,}")


def _reach(where: str) -> None:
    """Have fsspec know object stores. Raises ImportError where what reads them is not installed."""
    scheme = urlsplit(where).scheme
    if scheme not in OBJECT_STORES:
        return
    try:
        import obstore.fsspec
    except ImportError as missing:
        raise ImportError(
            f"{scheme}:// needs obstore: run .venv/bin/pip install -e '.[s3]' in Forewarn's folder"
        ) from missing
    obstore.fsspec.register(scheme)


def _options(where: str) -> dict[str, Any]:
    """Whatever is far away gives up in time; HTTP goes by the proxies that the environment names."""
    if urlsplit(where).scheme in OBJECT_STORES:
        patience = {"timeout": f"{FETCH_S:g}s", "connect_timeout": f"{CONNECT_S:g}s", "allow_http": True}
        return {"client_options": patience, "retry_config": {"max_retries": 0}}
    if not _is_http(where):
        return {}
    timeout = aiohttp.ClientTimeout(total=FETCH_S, sock_connect=CONNECT_S)
    return {"client_kwargs": {"timeout": timeout, "trust_env": True}}


def _is_http(where: str) -> bool:
    return urlsplit(where).scheme in HTTP


def _shown(where: str) -> str:
    """A URL without who logs in."""
    parts = urlsplit(where)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl().rstrip("/")
