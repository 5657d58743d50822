"""What Forewarn ships to start with: a pump hazard, a health model that needs no failure, and the demo's plant file.

The hazard is `pump.onnx`, its card `pump.json` and its past cases `pump.cases.json`, made by
`forewarn model train --out models/starter`; see onnx_export.starter. Files only: whoever needs one reads it.
"""
