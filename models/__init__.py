"""What the plant is and what we predict about it. Pure: no I/O, no clock, no Kafka; imports nothing else of ours."""
