"""Whether Kafka refuses us, is too old, or is only away: aiokafka's consumer says of all that it found no broker.

Asks and reads nothing else. What is refused ends the feed, since waiting does not mend it.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from connectors.scada.feed import FeedError

PROBE_MS = 10_000

_OLDEST = {"FetchRequest": 4, "OffsetRequest": 2}
"""Versions from which on a reader sees no aborted transactions (KIP-98, Kafka 0.11); of others any will do."""


def refusal_in(fault: BaseException) -> BaseException | None:
    """The refusal that a fault is, or that it came from: aiokafka wraps what its own tasks raise."""
    from aiokafka import errors

    refused = (
        errors.TopicAuthorizationFailedError,
        errors.GroupAuthorizationFailedError,
        errors.ClusterAuthorizationFailedError,
        errors.SaslAuthenticationFailed,
        errors.UnsupportedSaslMechanismError,
        errors.IllegalSaslStateError,
        ssl.SSLCertVerificationError,
    )
    return next((one for one in _causes(fault) if isinstance(one, refused)), None)


def _causes(fault: BaseException | None) -> Iterator[BaseException]:
    while fault is not None:
        yield fault
        fault = fault.__cause__


def told(bootstrap: str, refusal: BaseException) -> FeedError:
    """What to do about it."""
    what = {
        "TopicAuthorizationFailedError": "grant this user Read and Describe on the topics",
        "GroupAuthorizationFailedError": "grant this user Read on the group, or give another `group`",
        "ClusterAuthorizationFailedError": "grant this user what it asks of the cluster",
        "UnsupportedSaslMechanismError": "give a `sasl_mechanism` that the broker has",
        "SSLCertVerificationError": "give the certificate of the broker's authority as `ca_file`",
    }.get(type(refusal).__name__, "see `security`, `sasl_mechanism`, `username` and `password_env`")
    return FeedError(f"{bootstrap} refuses us: {refusal!r}. Please {what}")


async def check_admitted(bootstrap: str, security: Mapping[str, Any]) -> None:
    """Return where a broker takes us. Raises FeedError where one refuses us or is too old, OSError where none answers.

    The OSError says of each address what was wrong with it.
    """
    from aiokafka.conn import collect_hosts, create_conn
    from aiokafka.errors import KafkaError

    away = []
    for host, port, _ in collect_hosts(bootstrap, randomize=False):  # told in the order they were given
        where = f"{host}:{port}"
        try:
            connection = await create_conn(
                host, port, client_id="forewarn-connect", request_timeout_ms=PROBE_MS, **security
            )
        except (KafkaError, OSError, AssertionError) as fault:  # TimeoutError is an OSError
            if refusal := refusal_in(fault):
                raise told(where, refusal) from fault
            away.append(_away(where, fault))
            continue
        versions = connection._versions
        connection.close()
        check_versions(where, versions)
        return
    raise OSError("; ".join(away))


def _away(where: str, fault: BaseException) -> str:
    """What was wrong with an address."""
    *_, cause = _causes(fault)
    if isinstance(cause, TimeoutError):
        return f"{where} did not answer within {PROBE_MS // 1000} s"
    if isinstance(cause, asyncio.IncompleteReadError):
        return f"{where} closed the connection before it answered, as no Kafka since 0.10 does"
    if isinstance(cause, AssertionError):  # aiokafka asserts what it was told of versions
        return f"{where} does not answer as Kafka does: {cause}"
    return f"{where}: {cause!r}"


def check_versions(where: str, offered: Mapping[int, tuple[int, int]]) -> None:
    """Raise FeedError where a broker lacks what is asked of it; `offered` are its versions by the request's number."""
    from aiokafka.protocol import commit, coordination, fetch, group, metadata, offset

    wanted: tuple[Any, ...] = (
        *(metadata.MetadataRequest, fetch.FetchRequest, offset.OffsetRequest, coordination.FindCoordinatorRequest),
        *(group.JoinGroupRequest, group.SyncGroupRequest, group.HeartbeatRequest, group.LeaveGroupRequest),
        *(commit.OffsetCommitRequest, commit.OffsetFetchRequest),
    )
    missing = []
    for request in wanted:
        oldest = _OLDEST.get(request.__name__, 0)
        ours = [each.API_VERSION for each in request._CLASSES if oldest <= each.API_VERSION]
        low, high = offered.get(request.API_KEY, (0, -1))
        if not any(low <= version <= high for version in ours):
            has = f"{low} to {high}" if low <= high else "none"
            missing.append(f"{request.__name__} {has} (we need one of {min(ours)} to {max(ours)})")
    if missing:
        raise FeedError(
            f"{where} speaks no version of Kafka's protocol that this feed does: {', '.join(missing)}. "
            "Give it a broker of Kafka 0.11 or later"
        )


def check_topics(bootstrap: str, wanted: Collection[str], visible: Collection[str]) -> None:
    """Raise FeedError for topics that are not there, which Kafka says of those that a user may not see as well."""
    if missing := sorted(set(wanted) - set(visible)):
        raise FeedError(
            f"{bootstrap} has no topic {', '.join(missing)} that this user may see: correct `topics`, make it there, "
            "or grant this user Read and Describe on it"
        )
