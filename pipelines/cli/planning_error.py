"""What is wrong where nothing can be planned or tuned, told in one line."""


class PlanError(Exception):
    """Nothing can be planned, tuned or shown; the message says what to do."""
