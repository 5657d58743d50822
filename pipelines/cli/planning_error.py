"""What is wrong where nothing can be planned, told in one line."""


class PlanError(Exception):
    """Nothing can be planned or shown; the message says what to do."""
