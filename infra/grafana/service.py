"""The dashboards about Forewarn itself: what Prometheus has of workers and feeds, and of models as they run."""

from __future__ import annotations

from collections.abc import Sequence

from infra.grafana.panels import Dashboard, Kind, Panel, Query, Row

SPAN = "[$__rate_interval]"
"""What a rate is taken over: Grafana puts in at least four scrapes."""


def _rate(name: str, by: str = "", where: str = "") -> str:
    return f"sum{f' by ({by})' if by else ''} (rate({name}{where}{SPAN}))"


def _quantile(name: str, share: float) -> Query:
    return Query(f"histogram_quantile({share}, {_rate(f'{name}_bucket', 'le')})", f"p{share * 100:g}")


def _number(title: str, says: str, expr: str, unit: str = "none", red: float | None = None, low: bool = False) -> Panel:
    return Panel(title=title, says=says, unit=unit, queries=[Query(expr)], kind=Kind.NUMBER, width=4, red=red, low=low)


def _by_partition(name: str) -> list[Query]:
    return [Query(f"max by (partition) ({name})", "partition {{partition}}")]


def _by_feed(expr: str) -> list[Query]:
    return [Query(f"sum by (feed, config) ({expr})", "{{feed}}:{{config}}")]


def _each(*named: tuple[str, str]) -> list[Query]:
    return [Query(_rate(name), legend) for name, legend in named]


AT_A_GLANCE = Row(
    title="At a glance",
    panels=[
        _number("Workers", "Workers that answer.", 'sum(up{job="forewarn-worker"})', red=1, low=True),
        _number(
            "Partitions owned",
            "Partitions that a worker has; all that there are, once the group has settled.",
            "count(count by (partition) (forewarn_next_offset))",
            red=1,
            low=True,
        ),
        _number(
            "Records that wait",
            "Lag of all partitions together.",
            "sum(max by (partition) (forewarn_lag_records))",
            unit="short",
            red=10_000,
        ),
        _number(
            "Ledger balances",
            "1 while every row and value read is stored or rejected, on every partition.",
            "min(forewarn_ledger_balanced)",
            red=1,
            low=True,
        ),
        _number(
            "InfluxDB takes nothing for", "0 while it takes rows.", "max(forewarn_influx_failing_seconds)", "s", red=30
        ),
        _number(
            "Latency, p99",
            "From a record's arrival to what it brings about, over 5 min. The aim is 200 ms.",
            "histogram_quantile(0.99, sum by (le) (rate(forewarn_latency_seconds_bucket[5m])))",
            "s",
            red=0.2,
        ),
        Panel(
            title="What is wrong",
            unit="none",
            kind=Kind.TABLE,
            width=24,
            says="Alerts that fire. infra/RUNBOOK.md has a section on each.",
            queries=[
                Query('max by (alertname, severity, partition, instance, feed, config) (ALERTS{alertstate="firing"})')
            ],
        ),
    ],
)

FLOW = Row(
    title="Records, rows and values",
    panels=[
        Panel(
            title="Rows",
            unit="suffix:/s",
            says="Rows read, stored, stored late and rejected, a second, all partitions.",
            queries=_each(
                ("forewarn_rows_read_total", "read"),
                ("forewarn_rows_stored_total", "stored"),
                ("forewarn_rows_late_total", "late"),
                ("forewarn_rows_rejected_total", "rejected"),
            ),
        ),
        Panel(
            title="Rejected, by reason",
            unit="suffix:/s",
            stacked=True,
            says="Values that were not stored, a second. `forewarn dead-letters list` has examples of each reason.",
            queries=[Query(f"{_rate('forewarn_rejected_total', 'reason')} > 0", "{{reason}}")],
        ),
        Panel(
            title="Share of values rejected",
            unit="percentunit",
            red=0.05,
            says="Of the values that were read. From 5 % on for 15 min, ForewarnRejectedMuch fires.",
            queries=[
                Query(
                    f"{_rate('forewarn_values_rejected_total')} / ({_rate('forewarn_values_read_total')} > 0)",
                    "rejected",
                )
            ],
        ),
        Panel(
            title="Lag",
            unit="short",
            red=10_000,
            says="Records that wait on each partition, as the consumer last saw it.",
            queries=_by_partition("forewarn_lag_records"),
        ),
        Panel(
            title="Latency",
            unit="s",
            red=0.2,
            says="From a record's arrival at the broker to the acknowledgement of what it made, by two clocks.",
            queries=[_quantile("forewarn_latency_seconds", share) for share in (0.5, 0.9, 0.99)],
        ),
        Panel(
            title="What is published",
            unit="suffix:/s",
            says="Forecasts, revisions of warnings, and notices, a second.",
            queries=_each(
                ("forewarn_forecasts_total", "forecasts"),
                ("forewarn_alerts_total", "warnings"),
                ("forewarn_notices_total", "notices"),
            ),
        ),
    ],
)

WORK = Row(
    title="Steps and state",
    panels=[
        Panel(
            title="Time at work",
            unit="percentunit",
            red=0.9,
            says="Share of time that steps take, by worker: near 1 there is no room to catch up.",
            queries=[Query(_rate("forewarn_step_seconds_sum", "instance"), "{{instance}}")],
        ),
        Panel(
            title="Seconds of a step",
            unit="s",
            says="Mean of a step over a batch, by partition.",
            queries=[
                Query(
                    f"{_rate('forewarn_step_seconds_sum', 'partition')} / "
                    f"({_rate('forewarn_step_seconds_count', 'partition')} > 0)",
                    "partition {{partition}}",
                )
            ],
        ),
        Panel(
            title="Records of a step",
            unit="short",
            says="Half of the batches have no more than p50, all but one in a hundred p99.",
            queries=[_quantile("forewarn_batch_records", share) for share in (0.5, 0.99)],
        ),
        Panel(
            title="Age of snapshots",
            unit="s",
            red=120,
            says=(
                "Since a snapshot was last kept, or nothing new was found to keep: so much is read again at a takeover."
            ),
            queries=_by_partition("forewarn_snapshot_age_seconds"),
        ),
        Panel(
            title="Bytes of snapshots and state",
            unit="bytes",
            says="Of the last snapshots, and of the state's arrays in memory.",
            queries=[
                Query("sum(max by (partition) (forewarn_snapshot_bytes))", "snapshots"),
                Query("sum(max by (partition) (forewarn_state_bytes))", "state"),
            ],
        ),
        Panel(
            title="Memory of processes",
            unit="bytes",
            says="Resident memory of each worker and feed.",
            queries=[Query('process_resident_memory_bytes{job=~"forewarn-.*"}', "{{instance}}")],
        ),
    ],
)

STORE = Row(
    title="InfluxDB",
    panels=[
        Panel(
            title="Posts, by answer",
            unit="suffix:/s",
            stacked=True,
            width=12,
            says=(
                "`stored` is good; `again` and `late` are tried again; `bad-lines` are divided until the bad one "
                "is found."
            ),
            queries=[Query(_rate("forewarn_influx_posts_total", "answer"), "{{answer}}")],
        ),
        Panel(
            title="Posts sent again",
            unit="suffix:/s",
            width=12,
            says="Tries after the first, by worker.",
            queries=[Query(_rate("forewarn_influx_retries_total", "instance"), "{{instance}}")],
        ),
    ],
)

FEEDS = Row(
    title="Feeds",
    panels=[
        Panel(
            title="Readings",
            unit="suffix:/s",
            says="Values that each feed reads, a second.",
            queries=_by_feed(f"rate(forewarn_feed_readings_total{SPAN})"),
        ),
        Panel(
            title="Unread, by reason",
            unit="suffix:/s",
            stacked=True,
            says="What came and could not be used, a second.",
            queries=[Query(_rate("forewarn_feed_unread_by_reason_total", "reason"), "{{reason}}")],
        ),
        Panel(
            title="Kafka is away",
            unit="none",
            says="1 while Kafka does not take what a feed sends; it waits on disk.",
            queries=_by_feed("forewarn_feed_kafka_away"),
            red=1,
        ),
        Panel(
            title="Spool",
            unit="percentunit",
            red=0.5,
            says="What waits on disk, of what may. When it is full, the oldest are dropped.",
            queries=[
                Query(
                    "max by (feed, config) (forewarn_feed_spool_bytes / (forewarn_feed_spool_limit_bytes > 0))",
                    "{{feed}}:{{config}}",
                )
            ],
        ),
        Panel(
            title="Sent and spooled",
            unit="suffix:/s",
            says="Records that Kafka took, and those that went to disk first.",
            queries=_each(("forewarn_feed_sent_total", "sent"), ("forewarn_feed_spooled_total", "spooled")),
        ),
        Panel(
            title="Lost",
            unit="none",
            red=1,
            says="Records dropped within an hour, since Kafka was away and the spool full.",
            queries=_by_feed("increase(forewarn_feed_dropped_total[1h])"),
        ),
    ],
)

ROLES = Row(
    title="Other roles",
    panels=[
        Panel(
            title="Seconds since a role looked",
            unit="s",
            red=60,
            says="Roles look at their topics every second or two; a span that is rebuilt takes minutes.",
            queries=[Query("max by (role) (forewarn_role_look_age_seconds)", "{{role}}")],
        ),
        Panel(
            title="Done and failed",
            unit="none",
            says="Notifications, plans, suggestions and spans within an hour, by role.",
            queries=[
                Query("sum by (role) (increase(forewarn_role_done_total[1h]))", "{{role}} done"),
                Query("sum by (role) (increase(forewarn_role_failed_total[1h]))", "{{role}} failed"),
            ],
        ),
        Panel(
            title="Notifications that are not delivered",
            unit="none",
            stacked=True,
            says="New ones, those that sinks failed to take so far, and those that were refused for good.",
            queries=[Query("sum by (state) (forewarn_deliveries)", "{{state}}")],
        ),
        Panel(
            title="Age of the plan",
            unit="s",
            red=7200,
            width=12,
            says="Since production was planned last, while there are orders: at most an hour, and what planning takes.",
            queries=[Query("max(forewarn_plan_age_seconds)", "plan")],
        ),
        Panel(
            title="Open suggestions",
            unit="none",
            width=12,
            says="Suggested settings that wait for somebody's answer.",
            queries=[Query("max(forewarn_suggestions_open)", "open")],
        ),
    ],
)

SCORING = Row(
    title="Scoring",
    panels=[
        Panel(
            title="Minutes",
            unit="suffix:/s",
            says=(
                "Minutes of settled running that became due, those that the model was asked about, and those "
                "that were as before."
            ),
            queries=_each(
                ("forewarn_minutes_due_total", "due"),
                ("forewarn_minutes_scored_total", "scored"),
                ("forewarn_minutes_unchanged_total", "unchanged"),
            ),
        ),
        Panel(
            title="Share that is not asked about",
            unit="percentunit",
            says="Of due minutes, those whose features are as they were: nothing is lost by not scoring them.",
            queries=[
                Query(
                    f"{_rate('forewarn_minutes_unchanged_total')} / ({_rate('forewarn_minutes_due_total')} > 0)",
                    "unchanged",
                )
            ],
        ),
        Panel(
            title="Forecasts",
            unit="suffix:/s",
            says="Published, and those that said what the minute's last one had and were not.",
            queries=_each(("forewarn_forecasts_total", "published"), ("forewarn_forecasts_repeated_total", "repeated")),
        ),
        Panel(
            title="Assets in memory",
            unit="none",
            says="Assets that each partition remembers.",
            queries=_by_partition("forewarn_state_assets"),
        ),
        Panel(
            title="Releases that were refused",
            unit="none",
            red=1,
            says=(
                "Appointments of models that a partition could not follow, within a day: `forewarn model "
                "releases` has the reason."
            ),
            queries=[
                Query(
                    'sum by (partition) (increase(forewarn_rejected_total{reason="model-refused"}[1d]))',
                    "partition {{partition}}",
                )
            ],
        ),
        Panel(
            title="Baselines that were refused",
            unit="none",
            red=1,
            says=(
                "Healthy baselines that did not fit, within a day: `forewarn dead-letters list --reason "
                "unfit-baseline`."
            ),
            queries=[
                Query(
                    'sum by (partition) (increase(forewarn_rejected_total{reason="unfit-baseline"}[1d]))',
                    "partition {{partition}}",
                )
            ],
        ),
    ],
)


def service(more: Sequence[Row] = ()) -> Dashboard:
    """The service, `more` after what Prometheus has."""
    return Dashboard(
        uid="forewarn-service",
        title="Forewarn: service",
        says="Whether Forewarn does its work: what is read, stored and rejected, how late, and what is wrong.",
        rows=[AT_A_GLANCE, FLOW, WORK, STORE, FEEDS, ROLES, *more],
    )
