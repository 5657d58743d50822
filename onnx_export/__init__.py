"""How models are made: history to rows, training, conversion to ONNX, the gate, event-wise figures, the card.

Offline only. Imports `models` and nothing else of ours; a serving worker never imports this.
"""
