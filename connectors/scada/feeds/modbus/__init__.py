"""The Modbus TCP feed: one PLC's registers, polled at a fixed period and under a stated cap of requests.

`registers` says what stands where, `blocks` which requests read it, `words` what the words mean, `poll` what a poll
makes of the answers, `schedule` when; `client` alone touches a socket, and asks only with function codes 1 to 4.
"""

from connectors.scada.feeds.modbus.client import ModbusFeed, open_feed
from connectors.scada.feeds.modbus.registers import Config, Kind, Order, Register, Table

__all__ = ["Config", "Kind", "ModbusFeed", "Order", "Register", "Table", "open_feed"]
