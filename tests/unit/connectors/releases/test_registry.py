"""Files of releases are kept by their hash: whole or not at all, and never trusted unread."""

from __future__ import annotations

import http.server
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from connectors.releases.registry import Cached, Registry, RegistryError, key
from models.onnx_limits import MOST_BYTES
from models.release import File, Refusal, Refused

CONTENT = bytes(range(256)) * 40
FILE = File.of(CONTENT)


def refused(registry: Registry | Cached, file: File = FILE) -> Refused:
    with pytest.raises(Refused) as found:
        registry.get(file)
    return found.value


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def lay(folder: Path, content: bytes, file: File = FILE) -> Path:
    path = folder / key(file)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.fixture(params=["folder", "file://", "memory://", "renaming"])
def registry(request, tmp_path) -> Registry:
    if request.param == "renaming":
        return renaming(tmp_path)
    return Registry(
        {
            "folder": str(tmp_path),
            "file://": tmp_path.as_uri(),
            "memory://": f"memory://{tmp_path.name}/releases/",
        }[request.param]
    )


def renaming(folder: Path) -> Registry:
    """As on a file system of another machine: a folder that fsspec alone reaches, and renames in."""
    return Registry(f"dir::{folder.as_uri()}")


def test_what_is_put_is_got(registry) -> None:
    assert registry.put(CONTENT) == FILE
    assert registry.get(FILE) == CONTENT


def test_the_same_content_twice_is_kept_once_and_left_alone(tmp_path) -> None:
    registry = Registry(str(tmp_path))
    registry.put(CONTENT)
    before = (tmp_path / key(FILE)).stat()
    registry.put(CONTENT)
    assert (tmp_path / key(FILE)).stat() == before
    assert names(tmp_path) == [f"{FILE.sha256[:2]}/{FILE.sha256}"]


def test_a_file_that_was_damaged_is_mended_by_putting_it_again(tmp_path) -> None:
    lay(tmp_path, CONTENT[:100])
    registry = Registry(str(tmp_path))
    registry.put(CONTENT)
    assert registry.get(FILE) == CONTENT


@pytest.mark.parametrize(
    ("held", "reason"),
    [
        (CONTENT + b"x", Refusal.TOO_LARGE),
        (CONTENT[:-1], Refusal.TRUNCATED),
        (b"", Refusal.TRUNCATED),
        (CONTENT[:-1] + b"x", Refusal.WRONG_HASH),
    ],
)
def test_what_is_not_as_stated_is_refused(tmp_path, held: bytes, reason: Refusal) -> None:
    path = lay(tmp_path, held)
    found = refused(Registry(str(tmp_path)))
    assert found.reason is reason
    assert str(path) in found.detail


def test_a_file_that_is_not_there_is_not_fetched_and_the_place_is_named(registry) -> None:
    found = refused(registry)
    assert found.reason is Refusal.NOT_FETCHED
    assert key(FILE) in found.detail and "put there" in found.detail


@pytest.mark.parametrize("where", ["file", "memory://none"])
def test_nothing_is_asked_for_that_could_not_be_taken(tmp_path, where: str) -> None:
    registry = Registry(str(tmp_path) if where == "file" else where)
    assert refused(registry, replace(FILE, size_bytes=MOST_BYTES + 1)).reason is Refusal.TOO_LARGE
    assert refused(registry, replace(FILE, sha256="../../etc/passwd")).reason is Refusal.WRONG_HASH


def test_a_file_that_is_too_large_is_not_put(tmp_path) -> None:
    with pytest.raises(Refused, match="at most"):
        Registry(str(tmp_path)).put(bytes(MOST_BYTES + 1))
    assert names(tmp_path) == []


def test_an_endless_file_is_read_to_what_was_stated() -> None:
    assert refused(_Endless("")).reason is Refusal.TOO_LARGE


class _Endless(Registry):
    def _path(self, file: File) -> str:
        return "/dev/zero"


@pytest.mark.parametrize(("where", "said"), [("nope://x", "nope"), ("http://[", "IPv6")])
def test_a_registry_that_cannot_be_reached_from_here_says_what_to_do(where: str, said: str) -> None:
    with pytest.raises(RegistryError, match=f"{said}.*: name a folder or a URL, or install"):
        Registry(where)


FAILING = """
import resource, signal, sys
from connectors.releases.registry import Registry
signal.signal(signal.SIGXFSZ, signal.SIG_DFL if sys.argv[2] == "killed" else signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
Registry(sys.argv[1]).put(bytes(range(256)) * 40)
"""


def put_through(where: str, how: str) -> subprocess.CompletedProcess[str]:
    """Put in a process that may write 4 KiB and no more: the kernel kills it, or writing fails."""
    return subprocess.run([sys.executable, "-c", FAILING, where, how], capture_output=True, text=True, check=False)


def test_a_writer_that_is_killed_in_the_middle_leaves_nothing_visible(tmp_path) -> None:
    assert put_through(str(tmp_path), "killed").returncode == -signal.SIGXFSZ
    (left,) = names(tmp_path)
    assert left.endswith(".part")
    assert refused(Registry(str(tmp_path))).reason is Refusal.NOT_FETCHED
    Registry(str(tmp_path)).put(CONTENT)
    assert Registry(str(tmp_path)).get(FILE) == CONTENT


@pytest.mark.parametrize("where", ["{}", "dir::file://{}"])
def test_a_write_that_fails_says_so_and_leaves_nothing(tmp_path, where: str) -> None:
    failed = put_through(where.format(tmp_path), "failed")
    assert "RegistryError" in failed.stderr and "has room" in failed.stderr and "too large" in failed.stderr
    assert names(tmp_path) == []


def test_a_folder_that_may_not_be_written_says_so(tmp_path) -> None:
    (tmp_path / "releases").write_text("a file where a folder belongs")
    with pytest.raises(RegistryError, match=r"releases does not take .* NotADirectoryError.* may be written to"):
        Registry(str(tmp_path / "releases")).put(CONTENT)


def test_two_writers_at_once_leave_one_whole_file(registry) -> None:
    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(registry.put, [CONTENT] * 32)) == {FILE}
        assert set(threads.map(registry.get, [FILE] * 32)) == {CONTENT}


class _Beaten(Registry):
    def _write(self, path: str, content: bytes) -> None:
        """Another writer is quicker, on a file system that renames onto nothing."""
        super()._write(path, content)
        raise FileExistsError(path)


def test_a_writer_that_comes_second_is_content(tmp_path) -> None:
    assert _Beaten(str(tmp_path)).put(CONTENT) == FILE


def test_two_writers_at_once_leave_no_other_files(tmp_path) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(Registry(str(tmp_path)).put, [CONTENT] * 32))
    assert names(tmp_path) == [key(FILE)]


class Answers(http.server.SimpleHTTPRequestHandler):
    """A folder, and what servers do."""

    def do_GET(self) -> None:
        if "/denied/" in self.path:
            self.send_error(403)
        elif "/endless/" in self.path:
            self._endless()
        elif "/breaks/" in self.path:
            self.send_response(200)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            self.wfile.write(CONTENT[:100])
        else:
            super().do_GET()

    def _endless(self) -> None:
        self.send_response(200)
        self.end_headers()
        try:
            while True:
                self.wfile.write(bytes(65536))
        except OSError:
            self.server.hung_up.set()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(tmp_path) -> Iterator[http.server.ThreadingHTTPServer]:
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Answers, directory=str(tmp_path)))
    made.hung_up = threading.Event()
    thread = threading.Thread(target=made.serve_forever, args=(0.05,))
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


def over(server: http.server.ThreadingHTTPServer, path: str = "", login: str = "") -> Registry:
    return Registry(f"http://{login}127.0.0.1:{server.server_address[1]}/{path}")


def test_files_are_got_over_http(server, tmp_path) -> None:
    lay(tmp_path, CONTENT)
    assert over(server).get(FILE) == CONTENT


@pytest.mark.parametrize(
    ("held", "reason"),
    [
        (CONTENT + b"x", Refusal.TOO_LARGE),
        (CONTENT[:-1], Refusal.TRUNCATED),
        (CONTENT[:-1] + b"x", Refusal.WRONG_HASH),
    ],
)
def test_what_http_gives_is_verified(server, tmp_path, held: bytes, reason: Refusal) -> None:
    lay(tmp_path, held)
    assert refused(over(server)).reason is reason


@pytest.mark.parametrize("path", ["", "denied/", "breaks/"])
def test_what_http_does_not_give_is_not_fetched(server, path: str) -> None:
    found = refused(over(server, path))
    assert found.reason is Refusal.NOT_FETCHED
    assert f"http://127.0.0.1:{server.server_address[1]}/{path}{key(FILE)}" in found.detail


def test_an_endless_answer_is_hung_up_on(server) -> None:
    assert refused(over(server, "endless/")).reason is Refusal.TOO_LARGE
    assert server.hung_up.wait(10)


def test_a_server_that_is_not_there_is_not_fetched_from(server) -> None:
    gone = over(server)
    server.shutdown()
    server.server_close()
    assert refused(gone).reason is Refusal.NOT_FETCHED


@pytest.mark.parametrize("path", ["", "denied/"])
def test_who_logs_in_is_not_told(server, path: str) -> None:
    found = refused(over(server, path, "lathe:pass-word@"))
    assert "pass-word" not in str(found) and "lathe:" not in str(found)


def test_http_is_for_reading(server) -> None:
    with pytest.raises(RegistryError, match="HTTP is for reading"):
        over(server).put(CONTENT)


@pytest.fixture
def cached(tmp_path) -> Cached:
    registry = Registry(str(tmp_path / "far"))
    registry.put(CONTENT)
    return Cached(registry, tmp_path / "near")


def test_what_was_fetched_once_needs_the_registry_no_more(cached, tmp_path) -> None:
    assert cached.get(FILE) == CONTENT
    (tmp_path / "far" / key(FILE)).unlink()
    assert cached.get(FILE) == CONTENT
    assert names(tmp_path / "near") == [key(FILE)]


@pytest.mark.parametrize("held", [b"", CONTENT[:-1], CONTENT + b"x", CONTENT[:-1] + b"x"])
def test_a_cached_file_that_is_unsound_is_fetched_again(cached, tmp_path, held: bytes) -> None:
    lay(tmp_path / "near", held)
    assert cached.get(FILE) == CONTENT
    assert (tmp_path / "near" / key(FILE)).read_bytes() == CONTENT


def test_nothing_wrong_is_cached(cached, tmp_path) -> None:
    lay(tmp_path / "far", CONTENT[:-1] + b"x")
    assert refused(cached).reason is Refusal.WRONG_HASH
    assert names(tmp_path / "near") == []


def test_a_cache_that_takes_no_file_is_done_without(cached, tmp_path) -> None:
    (tmp_path / "near").write_text("a file where a folder belongs")
    assert cached.get(FILE) == CONTENT


def test_a_cache_goes_by_a_sound_hash(cached) -> None:
    assert refused(cached, replace(FILE, sha256="../x")).reason is Refusal.WRONG_HASH


def test_many_fetching_at_once_cache_one_file(cached, tmp_path) -> None:
    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(cached.get, [FILE] * 32)) == {CONTENT}
    assert names(tmp_path / "near") == [key(FILE)]
