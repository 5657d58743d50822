"""InfluxDB 1.8 and 2.x: rows to line protocol and in, rows back out, buckets."""
