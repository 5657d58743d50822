"""Models that give figures, each by its own list of inputs: how unlike healthy, which load, which chance of a defect.

What figures of a kind are is in `models.contracts`. No stage asks these models yet.
"""
