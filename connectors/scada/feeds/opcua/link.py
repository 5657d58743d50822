"""The feed's shell: a session with the server, its subscription, and a new one after the server went away.

It creates subscriptions, reads, and calls ConditionRefresh. Nothing here writes.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import structlog
from asyncua import Client, ua
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256
from asyncua.ua.uaerrors import BadIdentityTokenInvalid, BadIdentityTokenRejected, BadUserAccessDenied

from connectors.scada.feed import FeedError, Read, Take
from connectors.scada.feeds.opcua.bounded import bound
from connectors.scada.feeds.opcua.config import EVENTS, Config, Security
from connectors.scada.feeds.opcua.decode import Decoder
from connectors.scada.feeds.opcua.gaps import Gaps
from connectors.scada.feeds.opcua.nodes import Parsed, event_request, refused, resolve, value_request
from pipelines.stopping import end_if_asked, goodbye

_log = structlog.get_logger()

FIRST_RETRY_S, LONGEST_RETRY_S = 1.0, 30.0
KEEPALIVE_MS = 10_000.0
"""A server with nothing to say says so this often. Our choice."""
LIFETIMES = 10
"""Keep-alives without a publish request until a subscription is dropped; at least 3 (OPC 10000-4, 5.14.2). Ours."""
PROBE_S = 5.0
"""How often, and how long, asyncua asks for the server's state. Our choice."""
REFUSED_S = 60.0
"""How often nodes that the server refused are asked for again. Our choice."""
ITEMS_A_CALL = 500
NOTIFICATIONS_A_MESSAGE = 1000
MESSAGE_BYTES = 16 * 1024 * 1024
"""Bounds of a message either way; our choice."""


class OpcUaFeed:
    """Readings of a server's nodes and events, until it is cancelled."""

    def __init__(self, config: Config, parsed: Parsed, password: str, host: str, folder: Path | None) -> None:
        self._config, self._parsed, self._password, self._host = config, parsed, password, host
        self._keeps = config.fill_gaps and folder is not None
        self._gaps = Gaps(config.gap_rows_per_node, config.nodes, folder if self._keeps else None)
        self._told: set[str] = set()
        self._was_live = False

    async def run(self, take: Take) -> None:
        """Read for ever. Raises FeedError if the server refuses user or password before it ever took them."""
        works = [self._follow(take), *([self._gaps.keep(take)] if self._keeps else [])]
        tasks = [asyncio.create_task(work) for work in works]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(self, take: Take) -> None:
        retry_s = FIRST_RETRY_S
        while True:
            link = _Link(self._config, self._parsed, self._gaps, self._told, take)
            try:
                await link.live(self._password)
            except FeedError:
                raise
            except Exception as fault:  # whatever asyncua makes of a peer that is away or talks rubbish: try again
                if link.broken is not None:
                    raise link.broken from None
                self._was_live |= link.is_live
                if not self._was_live and isinstance(fault, _REFUSALS):
                    raise FeedError(f"{self._host} refuses user '{self._config.user}': {fault}") from fault
                retry_s = FIRST_RETRY_S if link.is_live else retry_s
                _log.warning("opcua-away", server=self._host, error=repr(fault), retry_s=retry_s)
            end_if_asked()
            await asyncio.sleep(retry_s)
            retry_s = min(2 * retry_s, LONGEST_RETRY_S)


_REFUSALS = BadUserAccessDenied, BadIdentityTokenRejected, BadIdentityTokenInvalid


class _Link:
    """One connection, from its start to its loss."""

    def __init__(self, config: Config, parsed: Parsed, gaps: Gaps, told: set[str], take: Take) -> None:
        self._config, self._parsed, self._gaps, self._told, self._take = config, parsed, gaps, told, take
        self._decoder = Decoder(dict(enumerate(config.nodes)), self._event_addresses())
        self._now = asyncio.get_running_loop().time
        self._lost: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()
        self._may_pass = asyncio.Event()
        self._heard_s, self._is_busy = self._now(), False
        self._wanted, self._given = len(config.nodes) + len(config.events), set[int]()
        self.is_live = False
        self.broken: Exception | None = None
        """What `take` raised: no fault of the server's."""

    async def live(self, password: str) -> None:
        """Connect, subscribe and hand on until the connection is lost; raises what went wrong."""
        client = await client_of(self._config, password)
        try:
            await client.connect()
            client.connection_lost_callback = self._on_lost
            nodes = await resolve(client, self._parsed, self._told)
            variables = {address: nodes[address] for address in self._config.nodes if address in nodes}
            await self._fill(client, variables)
            revised = await client.uaclient.session.create_subscription(_asked(self._config), self._published)
            await self._subscribe(client, revised.SubscriptionId, nodes)
            await self._fill(client, variables)  # what changed during the first, however long that took
            self.is_live = True
            self._may_pass.set()
            _log.info("opcua-live", server=self._config.url, items=len(self._given), of=self._wanted)
            if self._config.events:
                await _refresh(client, revised.SubscriptionId)
            raise await self._loss(client, revised)
        finally:
            await close(client)

    async def _fill(self, client: Client, nodes: dict[str, ua.NodeId]) -> None:
        if self._config.fill_gaps:
            await self._gaps.fill(client, nodes, self._hand_on)

    async def _hand_on(self, read: Read, *, settled: bool = False) -> int:
        try:
            return await self._take(read, settled=settled)
        except Exception as fault:
            self.broken = fault
            raise

    async def _subscribe(self, client: Client, subscription: int, nodes: dict[str, ua.NodeId]) -> None:
        """Subscribe to what is not yet subscribed to, as far as it is there; each current value comes first."""
        config = self._config
        values = [(a, value_request(a, nodes[a], n, config)) for n, a in enumerate(config.nodes) if a in nodes]
        notifiers = enumerate(config.events, len(config.nodes))
        wanted = values + [(a, event_request(nodes[a], n, config)) for n, a in notifiers if a in nodes]
        wanted = [(a, request) for a, request in wanted if request.RequestedParameters.ClientHandle not in self._given]
        for first in range(0, len(wanted), ITEMS_A_CALL):
            some = wanted[first : first + ITEMS_A_CALL]
            items = ua.CreateMonitoredItemsParameters(
                SubscriptionId=subscription,
                TimestampsToReturn=ua.TimestampsToReturn.Both,
                ItemsToCreate=[request for _, request in some],
            )
            results = await client.uaclient.session.create_monitored_items(items)
            for (address, request), result in zip(some, results, strict=True):
                if result.StatusCode.is_good():
                    self._given.add(request.RequestedParameters.ClientHandle)
                else:
                    refused(address, result.StatusCode, self._told)

    def _event_addresses(self) -> dict[int, str]:
        return {n: address + EVENTS for n, address in enumerate(self._config.events, len(self._config.nodes))}

    async def _published(self, result: ua.PublishResult) -> None:
        """Hand a message on. asyncua asks for the next one when this returns: that is the back-pressure."""
        self._heard_s, self._is_busy = self._now(), True
        try:
            await self._may_pass.wait()
            notifications = result.NotificationMessage.NotificationData or ()
            for one in notifications:
                if isinstance(one, ua.StatusChangeNotification):
                    self._lose(ConnectionError(f"the subscription ended: {one.Status}"))
            read = self._decoder.decode(notifications)
            if read.readings or read.unread:
                await self._hand_on(read)
                self._gaps.note(read)
        except Exception as fault:  # asyncua would log it and go on
            self._lose(fault)
        finally:
            self._heard_s, self._is_busy = self._now(), False

    async def _on_lost(self, fault: Exception) -> None:
        self._lose(fault)

    def _lose(self, fault: Exception) -> None:
        if not self._lost.done():
            self._lost.set_result(fault)

    async def _loss(self, client: Client, revised: ua.CreateSubscriptionResult) -> Exception:
        """Wait for the connection to be lost, or for three keep-alives in a row that did not come.

        What the server refused is asked for again now and then: one that has just started may not know all its nodes.
        """
        alive_s = revised.RevisedPublishingInterval * revised.RevisedMaxKeepAliveCount / 1000
        silence_s = 3 * max(alive_s, 1.0) + self._config.timeout_s
        self._heard_s = asked_s = self._now()
        while True:
            done, _ = await asyncio.wait([self._lost], timeout=1.0)
            if done:
                return self._lost.result()
            if not self._is_busy and self._now() - self._heard_s > silence_s:
                return ConnectionError(f"no publish response for {silence_s:.0f} s")
            if len(self._given) < self._wanted and self._now() - asked_s > REFUSED_S:
                nodes = await resolve(client, self._parsed, self._told)
                await self._subscribe(client, revised.SubscriptionId, nodes)
                asked_s = self._now()


def _asked(config: Config) -> ua.CreateSubscriptionParameters:
    alive = max(1, round(KEEPALIVE_MS / config.publishing_interval_ms))
    return ua.CreateSubscriptionParameters(
        RequestedPublishingInterval=config.publishing_interval_ms,
        RequestedLifetimeCount=LIFETIMES * alive,
        RequestedMaxKeepAliveCount=alive,
        MaxNotificationsPerPublish=NOTIFICATIONS_A_MESSAGE,
        PublishingEnabled=True,
        Priority=0,
    )


async def client_of(config: Config, password: str) -> Client:
    """A client as the config says, not yet connected."""
    client = Client(config.url, timeout=config.timeout_s, watchdog_intervall=PROBE_S)
    client.name = client.description = "forewarn"
    client.application_uri = config.application_uri
    client.max_messagesize = MESSAGE_BYTES
    bound(client, MESSAGE_BYTES)
    if config.security is not Security.NONE:
        if not config.server_certificate:
            _log.warning("opcua-server-not-proven", mend="give server_certificate: else any server is believed")
        await client.set_security(
            SecurityPolicyBasic256Sha256,
            config.certificate,
            config.private_key,
            server_certificate=config.server_certificate or None,
            mode=ua.MessageSecurityMode[config.security.value],
        )
    if config.user:
        client.set_user(config.user)
        client.set_password(password)
    return client


async def close(client: Client) -> None:
    """End a session and its connection, whatever state they are in."""
    protocol = client.uaclient.protocol
    try:
        await goodbye(client.disconnect(), PROBE_S)  # who saw the connection end has told of it
    finally:
        if protocol is not None and not protocol.is_closed:
            protocol.disconnect_socket()  # asyncua leaves the socket of a connection that it holds for lost


async def _refresh(client: Client, subscription: int) -> None:
    """Ask for the alarms that stand now (OPC 10000-9, 5.5.7). The only method that is ever called."""
    request = ua.CallMethodRequest(
        ObjectId=ua.NodeId(ua.Int32(ua.ObjectIds.ConditionType)),
        MethodId=ua.NodeId(ua.Int32(ua.ObjectIds.ConditionType_ConditionRefresh)),
        InputArguments=[ua.Variant(subscription, ua.VariantType.UInt32)],
    )
    try:
        (result,) = await client.uaclient.session.call([request])
        result.StatusCode.check()
    except (ua.UaStatusCodeError, ValueError, TimeoutError) as refusal:
        _log.info("opcua-no-condition-refresh", error=repr(refusal))
