"""The life of a warning: forecasts of one asset in, in order and final, revisions of its warnings out.

And what thresholds follow from a budget of unfounded warnings, held against a history.
"""
