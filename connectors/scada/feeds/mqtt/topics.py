"""Topic filters, as MQTT 3.1.1 section 4.7 has them."""

from __future__ import annotations

import re
from collections.abc import Sequence

_PLACEHOLDER = re.compile(r"\{[A-Za-z_][A-Za-z0-9_]*\}")
MOST_BYTES = 65_535
"""Of a topic or a filter in UTF-8: MQTT 3.1.1 section 4.7.3."""


def filter_of(template: str) -> str:
    """The filter of a template such as `plant/{asset}/{signal}`: what stands in braces is any one level."""
    return "/".join("+" if _PLACEHOLDER.fullmatch(level) else level for level in template.split("/"))


def fault_of(topic_filter: str) -> str:
    """What is wrong with a filter, in words; empty if nothing is."""
    levels = topic_filter.split("/")
    if not topic_filter:
        return "it is empty"
    if len(topic_filter.encode()) > MOST_BYTES or "\0" in topic_filter:
        return f"it has a NUL character or more than {MOST_BYTES} bytes"
    if "#" in "".join(levels[:-1]) or ("#" in levels[-1] and levels[-1] != "#"):
        return "'#' can only be the whole last level"
    if any("+" in level and level != "+" for level in levels):
        return "'+' can only be a whole level"
    return "a name in braces must be a whole level" if "{" in topic_filter or "}" in topic_filter else ""


def matches(levels: Sequence[str], topic: str) -> bool:
    """Whether a topic is within a filter, given as its levels. Wildcards do not match topics that begin with '$'."""
    has = topic.split("/")
    if topic.startswith("$") and levels[0] in ("+", "#"):
        return False
    if levels[-1] == "#":
        levels = levels[:-1]
        has = has[: len(levels)]
    return len(levels) == len(has) and all(one in ("+", other) for one, other in zip(levels, has, strict=True))
