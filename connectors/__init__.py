"""Everything that touches the outside: Kafka, InfluxDB, feeds, files, and the fakes that pass the same tests."""
