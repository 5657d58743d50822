"""What the console shows: the topics folded to how the plant stands now, and a stream of what changes of that.

It knows neither HTTP nor Kafka: `connectors.console` answers by it, `connectors.kafka.following` feeds it.
"""
