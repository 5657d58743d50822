"""Dashboards for Grafana: what they show is said here, and `python -m infra.grafana` writes them as JSON.

The JSON is in `dashboards`, what Grafana is told to find it by in `provisioning`. A test compares both. Metrics and
measurements have the names that the code gives them.
"""
