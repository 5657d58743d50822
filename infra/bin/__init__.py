"""Kafka and InfluxDB as local servers: fetched or built, started, watched and stopped.

Standard library only, since this runs before any virtual environment exists. `services.py` is the way in; `layout.py`
holds what the other modules pass around, `programs.py` gets programs, `processes.py` keeps them running, `kafka.py`,
`influx.py` and `docker.py` know one server each.
"""
