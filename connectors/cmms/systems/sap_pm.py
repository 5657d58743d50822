"""SAP Plant Maintenance: lists of notifications and of orders, by technical names of columns or those of its API.

An order that names its notification is part of that document. Numbers are filled up with zeros in tables and not on
screens, so both forms are one.
"""

from __future__ import annotations

SYSTEM = "sap-pm"
MAPS = ("sap_pm_notifications", "sap_pm_orders")


def number_of(text: str) -> str:
    """A document's number without leading zeros."""
    return text.lstrip("0") or text if text.isdecimal() else text
