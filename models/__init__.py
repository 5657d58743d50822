"""What the plant is and what we predict about it. Pure: no I/O, no clock, no Kafka; imports nothing else of ours."""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
"""Before anything imports onnxruntime, which since 1.32 keeps an id of the machine and tells its maker of sessions."""
