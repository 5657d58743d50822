"""Other programs from Kafka to InfluxDB, as a user of each would write them who read its documentation on speed.

Each is a process of its own that gets what to do from `BENCH_*` variables; Python ones run in an environment of their
own (peers.lock) and import nothing of ours.
"""
