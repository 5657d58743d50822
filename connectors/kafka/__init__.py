"""Kafka: batches into Faust, outputs, snapshots, topics, and a plain client."""
