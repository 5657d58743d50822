"""What Forewarn ships to start with: a pump hazard (`pump.onnx`, its card `pump.json`) and the demo's plant file.

Made by `forewarn model train --out models/starter`; see onnx_export.starter. Files only: whoever needs one reads it.
"""
