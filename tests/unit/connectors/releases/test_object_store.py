"""A registry in S3: the same files by the same hashes, over its protocol."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from connectors.releases.registry import Registry, RegistryError, key
from models.release import File, Refusal, Refused
from tests.kit import s3

CONTENT = bytes(range(256)) * 40
FILE = File.of(CONTENT)


@pytest.fixture
def objects(monkeypatch) -> Iterator[dict[str, bytes]]:
    with s3.store() as (address, held):
        for name, value in {
            "AWS_ENDPOINT_URL": address, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "x",
            "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "false",
        }.items():  # fmt: skip
            monkeypatch.setenv(name, value)
        yield held


def test_what_is_put_is_there_by_its_hash_and_is_got(objects) -> None:
    registry = Registry("s3://plant/releases")
    assert registry.put(CONTENT) == FILE
    assert objects == {f"/plant/releases/{key(FILE)}": CONTENT}
    assert Registry("s3://plant/releases/").get(FILE) == CONTENT


@pytest.mark.parametrize(
    ("held", "reason"),
    [
        (None, Refusal.NOT_FETCHED),
        (CONTENT[:100], Refusal.TRUNCATED),
        (CONTENT + b"x" * 100, Refusal.TOO_LARGE),
        (CONTENT[::-1], Refusal.WRONG_HASH),
    ],
)
def test_what_is_not_the_file_is_refused(objects, held, reason) -> None:
    if held is not None:
        objects[f"/plant/releases/{key(FILE)}"] = held
    with pytest.raises(Refused) as found:
        Registry("s3://plant/releases").get(FILE)
    assert found.value.reason is reason


def test_a_store_that_takes_nothing_says_so(objects, monkeypatch) -> None:
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
    with pytest.raises(RegistryError, match="does not take"):
        Registry("s3://other/releases").put(CONTENT)


def test_without_what_reads_it_the_message_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore.fsspec", None)
    with pytest.raises(RegistryError, match=r"s3:// needs obstore: run .*\[s3\]"):
        Registry("s3://plant/releases")
