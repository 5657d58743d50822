"""`forewarn model coverage --live`: intervals and failures as they lie on the topics of a real Kafka."""

from __future__ import annotations

import io

import pytest
from msgspec.structs import replace
from rich.console import Console

from connectors.kafka.plain import LogProducer
from models.failure.coverage import Verdict
from models.records import Confidence, Forecast, OperatingState, Remaining, Rung, Until, encode, key_of
from pipelines.cli.coverage import of_live
from pipelines.main import read_plant
from pipelines.topics import Topic, named
from tests.kit.installation import Installation
from tests.kit.runs import at, failed, warning

pytestmark = pytest.mark.servers
ASSET, MODEL = "pump-01", "tiny@1"
LEFT = Remaining(low_h=20.0, median_h=40.0, high_h=80.0, until=Until.FAILURE)


def forecast(hours: float, left: Remaining | None = LEFT) -> Forecast:
    return Forecast(
        id=f"f{hours}", revision=0, plant="tiny", asset=ASSET, window_end_us=at(hours),
        operating=OperatingState.RUNNING, running_until_us=at(hours), chances=(0.5,) * 6, drivers=(), model=MODEL,
        basis="tests", rung=Rung.HAZARD, confidence=Confidence.LOW, completeness=1.0, remaining=left,
    )  # fmt: skip


def test_what_live_told_is_held_against_the_failures_on_the_log(servers, tmp_path) -> None:
    with Installation(tmp_path) as installation:
        settings = installation.settings
        (opened,) = warning(ASSET, 100)
        records = [
            (Topic.ALERTS, replace(opened, plant="tiny", model=MODEL, remaining=LEFT)),
            *((Topic.FORECASTS, forecast(hours)) for hours in (77.0, 78.0, 125.0)),
            (Topic.FORECASTS, forecast(400.0, None)),
            (Topic.RECORDS, replace(failed(ASSET, 150), plant="tiny")),
        ]
        with LogProducer(settings.kafka) as producer:
            for topic, record in records:
                name = named(settings.topic_prefix, topic)
                producer.send(name, key_of("tiny", ASSET), encode(record))
            producer.send(named(settings.topic_prefix, Topic.RECORDS), b"tiny/x", b'"maintenance" that is none')
        plant = read_plant(settings.plant, settings.site)
        (found,) = of_live(settings, plant, None, Console(file=io.StringIO()))
        assert (found.model, found.opened.held, found.opened.known, found.opened.events) == (MODEL, 1, 1, 1)
        assert found.opened.verdict is Verdict.INSUFFICIENT
        assert (found.before[72].held, found.before[72].known) == (1, 1)
        assert (found.before[24].held, found.before[24].known) == (1, 1)
