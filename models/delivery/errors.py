"""What is raised when a subscription is wrong; alone, so that every module here can raise it."""


class SubscriptionError(ValueError):
    """A subscription is wrong; the message says where and what to do.

    A message that begins with a place, such as `subscriptions.north.repeat is ...`, is given its line on the way out.
    """
