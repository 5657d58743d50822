"""Energy: what loads will be, what machines take, and plans of production that take and cost less.

Pure, as all of models: arrays and structs in, the same out.
"""
