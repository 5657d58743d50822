"""The life of a warning: forecasts of one asset in, in order and final, revisions of its warnings out."""
