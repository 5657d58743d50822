"""unit/ mirrors the sources; property/ holds the contract; conformance/ is one suite for each port's implementations;
servers/ runs on real Kafka and InfluxDB; bench/ prints figures; kit/ is what they share."""
