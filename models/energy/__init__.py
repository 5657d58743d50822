"""Energy of a plant: how much its meters and machines will take.

What is trained lies in `onnx_export.load`. Loads are means over 15 min in kW.
"""
