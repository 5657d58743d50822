"""Addresses as engineers write them to nodes of a server, and what is asked of each when it is subscribed to."""

from __future__ import annotations

from collections.abc import Mapping

import structlog
from asyncua import Client, ua

from connectors.scada.feed import FeedError
from connectors.scada.feeds.opcua.config import Config
from connectors.scada.feeds.opcua.decode import EVENT_FIELDS

_log = structlog.get_logger()

Parsed = Mapping[str, ua.NodeId | ua.RelativePath]
"""What each address says: a node, or a path from the Objects folder."""


def parse(addresses: tuple[str, ...]) -> Parsed:
    """Addresses as asyncua's types. Raises FeedError that names all the wrong ones."""
    parsed: dict[str, ua.NodeId | ua.RelativePath] = {}
    wrong = []
    for address in addresses:
        try:
            parsed[address] = _parsed(address)
        except (ua.UaError, ValueError, TypeError):
            wrong.append(f"'{address}'")
    if wrong:
        raise FeedError(
            f"{', '.join(wrong)}: no node id and no browse path; write ns=2;s=Pump01.Speed, ns=2;i=1001 or "
            f"/2:Pump01/2:Speed"
        )
    return parsed


def _parsed(address: str) -> ua.NodeId | ua.RelativePath:
    if address.startswith("/"):
        path = ua.RelativePath.from_string(address)
        if not all(element.TargetName and element.TargetName.Name for element in path.Elements):
            raise ValueError("a path with an empty name")
        return path
    node = ua.NodeId.from_string(address)
    if isinstance(node, ua.ExpandedNodeId) or not 0 <= node.NamespaceIndex < 65_536:
        raise ValueError("a node of another server, or of a namespace by its name")
    return node


async def resolve(client: Client, parsed: Parsed, told: set[str]) -> dict[str, ua.NodeId]:
    """Nodes by address; a path that leads nowhere is logged once and left out."""
    nodes = {address: node for address, node in parsed.items() if isinstance(node, ua.NodeId)}
    paths = {address: path for address, path in parsed.items() if isinstance(path, ua.RelativePath)}
    if not paths:
        return nodes
    found = await client.translate_browsepaths(ua.NodeId(ua.Int32(ua.ObjectIds.ObjectsFolder)), list(paths.values()))
    for address, result in zip(paths, found, strict=True):
        if result.StatusCode.is_good() and result.Targets:
            target = result.Targets[0].TargetId
            nodes[address] = ua.NodeId(target.Identifier, target.NamespaceIndex, target.NodeIdType)
        else:
            refused(address, result.StatusCode, told)
    return nodes


def refused(address: str, status: ua.StatusCode, told: set[str]) -> None:
    """Log, once a run, that the server does not give an address."""
    if address not in told:
        told.add(address)
        _log.warning("opcua-node-refused", address=address, status=status.name, mend="check its id, and the rights")


def value_request(address: str, node: ua.NodeId, handle: int, config: Config) -> ua.MonitoredItemCreateRequest:
    """A subscription to a variable's value and status, beyond its deadband if it has one (OPC 10000-4, 7.22.2)."""
    parameters = ua.MonitoringParameters(
        ClientHandle=handle,
        SamplingInterval=config.sampling_interval_ms,
        QueueSize=config.queue_size,
        DiscardOldest=True,
    )
    if address in config.deadband:
        parameters.Filter = ua.DataChangeFilter(
            Trigger=ua.DataChangeTrigger.StatusValue,
            DeadbandType=ua.DeadbandType.Absolute,
            DeadbandValue=config.deadband[address],
        )
    return _request(node, ua.AttributeIds.Value, parameters)


def event_request(node: ua.NodeId, handle: int, config: Config) -> ua.MonitoredItemCreateRequest:
    """A subscription to a notifier's events: all of them, with the fields that are decoded (OPC 10000-4, 7.22.3)."""
    base = ua.NodeId(ua.Int32(ua.ObjectIds.BaseEventType))
    clauses = [
        ua.SimpleAttributeOperand(
            TypeDefinitionId=base, BrowsePath=[ua.QualifiedName(name)], AttributeId=ua.AttributeIds.Value
        )
        for name in EVENT_FIELDS
    ]
    parameters = ua.MonitoringParameters(
        ClientHandle=handle,
        SamplingInterval=0.0,
        QueueSize=max(config.queue_size, 1000),  # alarms come in showers; our choice
        DiscardOldest=True,
        Filter=ua.EventFilter(SelectClauses=clauses),
    )
    return _request(node, ua.AttributeIds.EventNotifier, parameters)


def _request(
    node: ua.NodeId, attribute: ua.AttributeIds, parameters: ua.MonitoringParameters
) -> ua.MonitoredItemCreateRequest:
    return ua.MonitoredItemCreateRequest(
        ItemToMonitor=ua.ReadValueId(NodeId=node, AttributeId=attribute),
        MonitoringMode=ua.MonitoringMode.Reporting,
        RequestedParameters=parameters,
    )
