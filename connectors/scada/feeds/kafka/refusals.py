"""What a feed tells of a Kafka that refuses it or is too old. Such a feed ends, since waiting does not mend it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from connectors.kafka.admission import NotAdmitted, admitted
from connectors.scada.feed import FeedError

_OLDEST = {"FetchRequest": 4, "OffsetRequest": 2}
"""Versions from which on a reader sees no aborted transactions (KIP-98, Kafka 0.11); of others any will do."""


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
    try:
        where, versions = await admitted(bootstrap, security)
    except NotAdmitted as refused:
        raise told(refused.where, refused.refusal) from refused
    check_versions(where, versions)


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
