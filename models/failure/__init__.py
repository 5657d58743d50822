"""What an asset's warnings rest on. So far one rung: a hazard over horizons, from an ONNX model and its card."""
