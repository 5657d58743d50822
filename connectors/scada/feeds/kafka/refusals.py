"""Whether Kafka refuses us or is only away: aiokafka's consumer says of both that it found no broker.

Asks and reads nothing else. What is refused ends the feed, since waiting does not mend it.
"""

from __future__ import annotations

import ssl
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from connectors.scada.feed import FeedError

PROBE_MS = 10_000


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
    """Raise FeedError where a broker that answers refuses us; return where one takes us, or none answers."""
    from aiokafka.conn import collect_hosts, create_conn
    from aiokafka.errors import KafkaError

    for host, port, _ in collect_hosts(bootstrap):
        try:
            connection = await create_conn(
                host, port, client_id="forewarn-connect", request_timeout_ms=PROBE_MS, **security
            )
        except (KafkaError, OSError) as fault:  # TimeoutError is an OSError
            if refusal := refusal_in(fault):
                raise told(f"{host}:{port}", refusal) from fault
            continue
        connection.close()
        return


def check_topics(bootstrap: str, wanted: Collection[str], visible: Collection[str]) -> None:
    """Raise FeedError for topics that are not there, which Kafka says of those that a user may not see as well."""
    if missing := sorted(set(wanted) - set(visible)):
        raise FeedError(
            f"{bootstrap} has no topic {', '.join(missing)} that this user may see: correct `topics`, make it there, "
            "or grant this user Read and Describe on it"
        )
