"""How models are made: history to rows, training, conversion to ONNX, the gate, event-wise figures, the card.

Offline only. Imports `models` and nothing else of ours; a serving worker never imports this.
"""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
"""Before anything imports onnxruntime, which since 1.32 keeps an id of the machine and tells its maker of sessions."""
