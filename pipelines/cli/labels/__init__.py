"""`forewarn labels`: documents of a maintenance system to labels, and labels to what a person confirms."""


class LabelsError(Exception):
    """What was asked of labels cannot be done; the message says what to do."""
