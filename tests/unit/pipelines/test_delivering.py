"""`forewarn deliver` around the role: the file is looked at again, and only what cannot be mended ends the process."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka.errors import KafkaConnectionError

from connectors.delivery import Place, SinkError
from connectors.sinks import open_sink
from models.delivery.errors import SubscriptionError
from pipelines.cli.delivering import BookFile, DeliveryError, End, _judged
from pipelines.ports import Fenced
from tests.kit.warned import plant

BOOK = '[sinks.own]\nkind = "topic"\ntopic = "mine"\n[subscriptions.one]\nsink = "own"\n'
MORE = BOOK + '[subscriptions.two]\nsink = "own"\n'
PLACE = Place("north", "127.0.0.1:1", "", {})


def looked(file: BookFile, path, *texts: str) -> bool:
    """Whether the file counts as changed after some looks at each of these texts."""

    async def work() -> bool:
        changed = asyncio.create_task(file.changed(plant))
        for text in texts:
            path.write_text(text)
            for _ in range(20):
                await asyncio.sleep(0.002)
        changed.cancel()
        await asyncio.wait([changed])
        return not changed.cancelled()

    return asyncio.run(work())


@pytest.fixture
def path(tmp_path):
    (tmp_path / "s.toml").write_text(BOOK)
    return tmp_path / "s.toml"


def test_a_file_that_was_edited_counts(path):
    file = BookFile(path, plant(), PLACE, look_s=0.001)
    assert looked(file, path, MORE) and list(file.book.subscriptions) == ["one", "two"]


@pytest.mark.parametrize(
    "wrong",
    ["[", BOOK.replace("own", "owl", 1), BOOK.replace('"mine"', '"alerts"'), BOOK.replace('"topic"', '"apprise"')],
)
def test_one_that_is_wrong_or_whose_sinks_do_not_open_leaves_the_one_before(path, wrong):
    file = BookFile(path, plant(), PLACE, look_s=0.001)
    assert not looked(file, path, wrong)
    assert list(file.book.subscriptions) == ["one"]
    assert looked(file, path, MORE)


def test_one_that_stays_what_it_is_changes_nothing(path):
    assert not looked(BookFile(path, plant(), PLACE, look_s=0.001), path, BOOK)


def test_a_role_begins_with_no_file_that_is_wrong(path):
    path.write_text(BOOK.replace('"mine"', '"alerts"'))
    with pytest.raises(
        SubscriptionError, match=r"s\.toml: line 3: sinks\.own\.topic 'alerts' is one of Forewarn's own"
    ):
        BookFile(path, plant(), PLACE)


def test_a_topic_sink_on_another_kafka_may_have_any_topic():
    table = {"kind": "topic", "topic": "alerts", "bootstrap": "elsewhere:9092"}
    assert open_sink("own", table, PLACE) is not None
    with pytest.raises(SinkError, match="one of Forewarn's own"):
        open_sink("own", {"kind": "topic", "topic": "x.alerts"}, PLACE._replace(prefix="x."))


def test_kafka_away_is_begun_anew_and_a_role_that_was_taken_over_ends():
    away = ExceptionGroup("", [KafkaConnectionError(), TimeoutError()])
    assert _judged(away) is End.AWAY
    with pytest.raises(DeliveryError, match="another `forewarn deliver`"):
        _judged(ExceptionGroup("", [ExceptionGroup("", [Fenced("x")])]))
    with pytest.raises(ExceptionGroup):
        _judged(ExceptionGroup("", [KafkaConnectionError(), ZeroDivisionError()]))
