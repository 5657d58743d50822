"""The OPC UA feed names no service of its client that writes: a look at its source."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

from asyncua import Client, Node
from asyncua.client.ua_session import UaSession

from connectors.scada.feeds import opcua

ALLOWED = {
    "browse", "browse_next", "call", "connect", "create_monitored_items", "create_subscription", "disconnect",
    "disconnect_socket", "history_read", "read", "set_password", "set_security", "set_user", "translate_browsepaths",
}  # fmt: skip
"""All that the feed may ask of asyncua's client; `call` is for ConditionRefresh alone."""


def _attributes() -> list[str]:
    folder = Path(opcua.__path__[0])
    trees = [ast.parse(file.read_text()) for file in sorted(folder.glob("*.py"))]
    return [node.attr for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Attribute)]


def test_the_feed_names_no_service_of_asyncua_but_those_that_read():
    services = {
        name
        for kind in (Client, UaSession, Node)
        for name, member in vars(kind).items()
        if not name.startswith("_") and inspect.isfunction(member)
    }
    assert {"write", "write_value", "call_method", "history_update", "add_nodes", "set_writable"} <= services
    assert services & set(_attributes()) == ALLOWED


def test_the_one_call_is_of_condition_refresh():
    attributes = _attributes()
    assert attributes.count("call") == attributes.count("CallMethodRequest") == 1
    assert attributes.count("ConditionType_ConditionRefresh") == 1
