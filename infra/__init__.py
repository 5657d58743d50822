"""What Forewarn runs on: the servers around it, and how they are set up.

bin/ starts and stops Kafka and InfluxDB on this machine. kafka/ and go/ say what they are fetched and built from.
grafana/, prometheus/ and RUNBOOK.md are for who looks after the service: dashboards, alerts, and what to do. Nothing
else here knows about plants, records or models.
"""
