"""What an asset's warnings rest on, rung by rung: arrays in, arrays out, and cards beside ONNX files."""
