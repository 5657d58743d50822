"""Who is told of a warning, when, together with which others, and how often: from subscriptions to notifications.

Pure: time is an argument, sinks and logs are elsewhere (`connectors/sinks`, `pipelines/deliver`).
"""
