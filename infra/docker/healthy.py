"""Asks an address whether a role lives or is ready, and ends with 0 for yes: the health check of containers.

Standard library only. What the role says is wrong goes to standard error, which the engine keeps.
"""

from __future__ import annotations

import sys
import urllib.error
import urllib.request

TIMEOUT_S = 4.0
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""A proxy of the environment has no part in what goes to the own address."""


def main(arguments: list[str]) -> int:
    """0 where the address answers 200, else 1."""
    if len(arguments) != 1 or not arguments[0].startswith("http://"):
        sys.stderr.write("usage: healthy.py http://HOST:PORT/PATH\n")
        return 2
    try:
        with DIRECT.open(arguments[0], timeout=TIMEOUT_S) as answer:
            return 0 if answer.status == 200 else 1
    except urllib.error.HTTPError as wrong:
        sys.stderr.write(wrong.read(1000).decode(errors="replace"))
    except OSError as wrong:
        sys.stderr.write(f"{arguments[0]} does not answer: {wrong}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
