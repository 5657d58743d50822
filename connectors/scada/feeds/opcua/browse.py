"""What an OPC UA server has: its variables below the Objects folder, by Browse and Read alone.

Reads values, data types, and the properties that say a unit and a range. The server's own nodes (namespace 0) are left
out. Which object is a machine is said by `placed`, which knows no network.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

from asyncua import ua
from asyncua.ua.uaerrors import BadEncodingLimitsExceeded, BadResponseTooLarge, BadTooManyOperations

from connectors.scada.discover import Found, Limits, Progress, Survey, kind_of
from connectors.scada.feed import FeedError, Reading
from connectors.scada.feeds.opcua import decode
from connectors.scada.feeds.opcua.config import Config
from connectors.scada.feeds.opcua.link import client_of, close
from models.plant import SignalKind

BROWSED, READ = 50, 200
"""Nodes of a request; half as many where a server finds that too many. Our choice."""
_OBJECTS = ua.NodeId(ua.Int32(ua.ObjectIds.ObjectsFolder))
_FOLDER, _HAS_PROPERTY = ua.Int32(ua.ObjectIds.FolderType), ua.Int32(ua.ObjectIds.HasProperty)
_UNITS, _INSTRUMENT, _NORMAL = "EngineeringUnits", "InstrumentRange", "EURange"
"""Properties of an AnalogItem (OPC 10000-8, 5.3.2.3): EURange is what is likely in normal operation."""
_KINDS = {
    **dict.fromkeys((*range(2, 12), 26, 27, 28), SignalKind.GAUGE),
    **{1: SignalKind.BOOLEAN, 12: SignalKind.TEXT, 21: SignalKind.TEXT, 29: SignalKind.STATE},
}
"""Of namespace 0: Boolean, SByte to Double, String, LocalizedText, Number and its two, Enumeration."""
_ENDS = 24
"""BaseDataType: whatever got there is of none of these."""

T = TypeVar("T")
R = TypeVar("R")


class Place(NamedTuple):
    """A node on the way down."""

    node: ua.NodeId
    names: tuple[str, ...]
    parent: Place | None
    is_folder: bool
    is_variable: bool


class Walk:
    """What was seen on the way down."""

    def __init__(self) -> None:
        self.variables: list[Place] = []
        self.properties: dict[ua.NodeId, dict[str, ua.NodeId]] = defaultdict(dict)
        self.left_out: Counter[str] = Counter()
        self.is_whole = True
        self._seen = {_OBJECTS}

    @property
    def nodes(self) -> int:
        """How many nodes were seen."""
        return len(self._seen)

    def note(self, above: Place, references: Iterable[Any]) -> list[Place]:
        """The nodes under a place that are new and may have others under them."""
        new = []
        for one in references:
            node = ua.NodeId(one.NodeId.Identifier, one.NodeId.NamespaceIndex, one.NodeId.NodeIdType)
            if one.ReferenceTypeId.Identifier == _HAS_PROPERTY and one.ReferenceTypeId.NamespaceIndex == 0:
                self.properties[above.node][one.BrowseName.Name or ""] = node
            elif node.NamespaceIndex and not getattr(one.NodeId, "ServerIndex", 0) and node not in self._seen:
                self._seen.add(node)
                is_folder = one.TypeDefinition.Identifier == _FOLDER and one.TypeDefinition.NamespaceIndex == 0
                is_variable = one.NodeClass == ua.NodeClass.Variable
                names = (*above.names, one.BrowseName.Name or str(node.Identifier))
                new.append(Place(node, names, above, is_folder, is_variable))
        self.variables += [place for place in new if place.is_variable]
        return new


async def discover(config: Config, password: str, host: str, limits: Limits, tell: Progress) -> Survey:
    """Browse and read. Raises FeedError where the server is away, refuses, or has nothing."""
    client = None
    try:
        client = await client_of(config, password)
        await client.connect()
        session = client.uaclient.session
        walk = await _walked(session, limits, tell)
        found = await _read_all(session, walk)
    except (OSError, TimeoutError, ua.UaError) as fault:
        raise FeedError(f"{host} cannot be browsed ({fault!r}): see url, user, password_env and security") from fault
    finally:
        if client is not None:
            await close(client)
    if not found:
        raise FeedError(
            f"nothing was found on {host}: of {walk.nodes} nodes {len(walk.variables)} are variables, and none is "
            f"a number, truth or text; see whether the user may browse, or raise --depth, --most or --seconds"
        )
    return Survey(found, walk.left_out, walk.is_whole, "nodes")


def placed(variables: Sequence[Place]) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Names of the machine and of the signal in it, of each variable.

    The machine is the object that a variable is in, or the one around that, if it has variables of its own and neither
    is a mere folder: Line1/Pump01/Motor/Current is `motor_current` of Pump01, where Pump01 has a Pressure.
    """
    telling = {place.parent.node for place in variables if place.parent}
    return [_placed(place, telling) for place in variables]


def _placed(variable: Place, telling: set[ua.NodeId]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    at = variable.parent
    while at is not None and at.is_variable:
        at = at.parent
    while at and at.parent and not at.is_folder and not at.parent.is_folder and at.parent.node in telling:
        at = at.parent
    names = at.names if at else ()
    return names, variable.names[len(names) :]


async def _walked(session: Any, limits: Limits, tell: Progress) -> Walk:
    """Down the folders, level by level: of a node that is in two places the shorter path counts."""
    walk, level = Walk(), [Place(_OBJECTS, (), None, True, False)]
    ends_s, done = asyncio.get_running_loop().time() + limits.seconds, 0
    for _ in range(limits.depth):
        below: list[Place] = []
        for at in range(0, len(level), BROWSED):
            if asyncio.get_running_loop().time() > ends_s or walk.nodes >= limits.most:
                walk.is_whole = False
                return walk
            some = level[at : at + BROWSED]
            for place, references in zip(some, await _browsed(session, [one.node for one in some], walk), strict=True):
                below += walk.note(place, references)
            done += len(some)
            tell(done, walk.nodes)
        level = below
    walk.is_whole = not level
    return walk


async def _browsed(session: Any, nodes: list[ua.NodeId], walk: Walk) -> list[list[Any]]:
    """References of each node downwards, with all continuations."""
    wanted = [_wanted(node, ua.ObjectIds.HierarchicalReferences, ua.BrowseDirection.Forward) for node in nodes]
    results = await _in_parts(lambda part: session.browse(ua.BrowseParameters(NodesToBrowse=part)), wanted, BROWSED)
    found = []
    for result in results:
        references, more = list(result.References or ()), result.ContinuationPoint
        while result.StatusCode.is_good() and more:
            (result,) = await session.browse_next(ua.BrowseNextParameters(ContinuationPoints=[more]))
            references, more = references + list(result.References or ()), result.ContinuationPoint
        if not result.StatusCode.is_good():
            walk.left_out[f"nodes that the server does not let us browse ({result.StatusCode.name})"] += 1
        found.append(references)
    return found


def _wanted(node: ua.NodeId, reference: int, direction: ua.BrowseDirection) -> ua.BrowseDescription:
    return ua.BrowseDescription(
        NodeId=node,
        BrowseDirection=direction,
        ReferenceTypeId=ua.NodeId(ua.Int32(reference)),
        IncludeSubtypes=True,
        NodeClassMask=ua.NodeClass.Object | ua.NodeClass.Variable | ua.NodeClass.DataType,
        ResultMask=ua.BrowseResultMask.All,
    )


async def _read_all(session: Any, walk: Walk) -> list[Found]:
    """The variables that are a number, a truth or a text, with what their properties say."""
    nodes = [place.node for place in walk.variables]
    types = await _attributes(session, nodes, ua.AttributeIds.DataType)
    ranks = await _attributes(session, nodes, ua.AttributeIds.ValueRank)
    kinds = await _kinds(session, {_value(one) for one in types if isinstance(_value(one), ua.NodeId)})
    single = [not (isinstance(_value(rank), int) and _value(rank) >= 0) for rank in ranks]
    values = iter(await _attributes(session, [n for n, is_one in zip(nodes, single, strict=True) if is_one]))
    properties = await _properties(session, walk)
    found = []
    for place, names, datatype, is_one in zip(walk.variables, placed(walk.variables), types, single, strict=True):
        read = decode.value(place.node.to_string(), next(values)) if is_one else None
        value = read.value if isinstance(read, Reading) else None
        kind = kinds.get(_value(datatype)) or kind_of(value)
        if not is_one or kind is None:
            walk.left_out["arrays" if not is_one else "variables that are no number, truth or text"] += 1
            continue
        says = properties.get(place.node, {})
        unit = getattr(getattr(says.get(_UNITS), "DisplayName", None), "Text", None) or ""
        spans = _span(says.get(_INSTRUMENT)), _span(says.get(_NORMAL))
        found.append(Found(place.node.to_string(), *names, kind, unit, *spans, value))
    return found


async def _properties(session: Any, walk: Walk) -> dict[ua.NodeId, dict[str, Any]]:
    """What the properties we know of say, by variable and name."""
    known = [
        (place.node, name, walk.properties[place.node][name])
        for place in walk.variables
        for name in (_UNITS, _INSTRUMENT, _NORMAL)
        if name in walk.properties.get(place.node, {})
    ]
    said: dict[ua.NodeId, dict[str, Any]] = defaultdict(dict)
    values = await _attributes(session, [node for _, _, node in known])
    for (of, name, _), data in zip(known, values, strict=True):
        said[of][name] = _value(data)
    return said


async def _kinds(session: Any, types: set[Any]) -> dict[Any, SignalKind]:
    """Kinds of data types; a vendor's own is what it is a subtype of."""
    kinds: dict[Any, SignalKind] = {}
    above = {datatype: datatype for datatype in types}
    while above:
        for datatype, at in list(above.items()):
            known = _KINDS.get(at.Identifier) if at.NamespaceIndex == 0 else None
            if known:
                kinds[datatype] = known
            if known or (at.NamespaceIndex == 0 and at.Identifier in (_ENDS, *_KINDS)):
                del above[datatype]
        wanted = [_wanted(at, ua.ObjectIds.HasSubtype, ua.BrowseDirection.Inverse) for at in above.values()]
        call = lambda part: session.browse(ua.BrowseParameters(NodesToBrowse=part))  # noqa: E731
        results = await _in_parts(call, wanted, BROWSED)
        ups = {datatype: result.References for datatype, result in zip(above, results, strict=True)}
        above = {d: _plain(up[0].NodeId) for d, up in ups.items() if up and _plain(up[0].NodeId) != above[d]}
    return kinds


def _plain(node: Any) -> ua.NodeId:
    return ua.NodeId(node.Identifier, node.NamespaceIndex, node.NodeIdType)


async def _attributes(
    session: Any, nodes: list[ua.NodeId], attribute: ua.AttributeIds = ua.AttributeIds.Value
) -> list[Any]:
    wanted = [ua.ReadValueId(NodeId=node, AttributeId=attribute) for node in nodes]
    both = ua.TimestampsToReturn.Both
    return await _in_parts(
        lambda part: session.read(ua.ReadParameters(TimestampsToReturn=both, NodesToRead=part)), wanted, READ
    )


async def _in_parts(call: Callable[[list[T]], Awaitable[list[R]]], items: list[T], size: int) -> list[R]:
    """Call with so many at once, or with fewer where the server says that these are too many."""
    results: list[R] = []
    while len(results) < len(items):
        part = items[len(results) : len(results) + size]
        try:
            answer = await call(part)
        except (BadTooManyOperations, BadEncodingLimitsExceeded, BadResponseTooLarge):
            if size == 1:
                raise
            size //= 2
            continue
        if len(answer) != len(part):
            raise FeedError(f"the server answers {len(answer)} of {len(part)} nodes: that is no OPC UA")
        results += answer
    return results


def _value(data: Any) -> Any:
    return data.Value.Value if data.Value is not None else None


def _span(said: Any) -> tuple[float, float] | None:
    return (float(said.Low), float(said.High)) if isinstance(said, ua.Range) else None
