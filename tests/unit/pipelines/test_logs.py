"""What a worker's log looks like where nobody sits before it: a JSON object a line, whoever says it, and no secrets."""

from __future__ import annotations

import json
import subprocess
import sys

from pipelines.cli.logs import secrets_of

SECRET = "admin:Xq\"ssä\\vv'Xq"

SCRIPT = """
import logging, structlog
from pipelines.cli.logs import to_stderr
to_stderr(loud={loud!r}, secrets=[{secret!r}])
secret = {secret!r}
"""


def lines(script: str, loud: bool = False) -> list[dict]:
    """What a process says on its standard error."""
    whole = SCRIPT.format(loud=loud, secret=SECRET) + script
    done = subprocess.run([sys.executable, "-c", whole], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == ""
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_ours_and_others_come_out_alike_with_their_keys():
    ours, others = lines(
        "structlog.get_logger().warning('store-down', partition=3, asset='pump-01', offset=12)\n"
        "logging.getLogger('aiokafka.consumer').error('lost %s', 'a broker', extra={'partition': 3})"
    )
    assert (ours["event"], ours["level"], ours["partition"]) == ("store-down", "warning", 3)
    assert (ours["asset"], ours["offset"]) == ("pump-01", 12)
    assert (others["event"], others["logger"], others["partition"]) == ("lost a broker", "aiokafka.consumer", 3)
    assert ours.keys() >= {"timestamp", "logger"} and others.keys() >= {"timestamp", "level"}


def test_chatter_is_for_those_who_ask():
    say = "logging.getLogger('faust').info('hello'); logging.getLogger('x').info('[^Worker]: starting')"
    assert lines(say) == []
    assert [line["event"] for line in lines(say, loud=True)] == ["hello", "[^Worker]: starting"]


NOT_YET = """
from aiokafka.errors import GroupCoordinatorNotAvailableError as E, KafkaConnectionError as K
for at_s, error in ((0, E), (0.1, K), (0.2, E), (11, E)):
    record = dict(name='aiokafka', levelno=40, levelname='ERROR', msg='request failed: %s', args=(error(),))
    logging.getLogger('aiokafka').handle(logging.makeLogRecord(record | {'created': 1e9 + at_s}))
"""


def test_that_a_new_cluster_has_no_group_topic_yet_is_an_error_once_it_lasts():
    said = [(line["event"].partition(": ")[2], line.get("left_out")) for line in lines(NOT_YET)]
    assert ["GroupCoordinator" in error for error, _ in said] == [False, True]
    assert said[-1][1] == 2
    assert len(lines(NOT_YET, loud=True)) == 4


AWAY = """
def say(name, at_s, *args, msg='Unable connect to %s'):
    record = dict(name=name, levelno=40, levelname='ERROR', msg=msg, args=args, created=1e9 + at_s)
    logging.getLogger(name).handle(logging.makeLogRecord(record))
for at in range(250):
    say('aiokafka.client', at / 10, at)
    say('aiokafka.consumer', at / 10, at)
    say('pipelines.agents', at / 10, msg='[^Worker]: lost')
    say('pipelines.runner', at / 10, msg='ours')
"""


def test_of_what_a_library_repeats_one_line_of_a_kind_is_written_in_ten_seconds():
    said = lines(AWAY)
    aiokafka = [(line["event"], line.get("left_out")) for line in said if line["logger"] == "aiokafka.client"]
    numbers = [("Unable connect to 0", None), ("Unable connect to 100", 99), ("Unable connect to 200", 99)]
    assert aiokafka == numbers
    assert [line["logger"] for line in said].count("aiokafka.consumer") == 3
    assert [line["event"] for line in said].count("[^Worker]: lost") == 3


def test_what_we_say_ourselves_is_written_each_time_and_all_of_it_for_those_who_ask():
    assert [line["event"] for line in lines(AWAY)].count("ours") == 250
    assert len(lines(AWAY, loud=True)) == 1000


def test_an_error_is_one_line_with_its_traceback():
    (line,) = lines("try: 1/0\nexcept ZeroDivisionError as e: structlog.get_logger().critical('fails', exc_info=e)")
    assert line["event"] == "fails" and "ZeroDivisionError" in line["exception"]


def test_a_secret_is_nowhere_in_what_is_written():
    said = lines(
        "structlog.get_logger().error('a', token=secret, words='Authorization: Token ' + secret)\n"
        "logging.getLogger('aiohttp').error('sent %r', secret)\n"
        "logging.getLogger('aiohttp').error('sent %s', {'password': secret.partition(':')[2]})\n"
        "try: raise ValueError(secret)\n"
        "except ValueError: structlog.get_logger().exception('b')\n"
    )
    assert len(said) == 4
    assert (said[0]["token"], said[0]["words"]) == ("***", "Authorization: Token ***")
    assert "Xq" not in str(said), said


def test_secrets_of_a_feed_are_those_that_its_config_names(tmp_path):
    config = tmp_path / "hall.toml"
    config.write_text(
        'password_env = "A"\nhost = "C"\n[[brokers]]\ntoken_env = "B"\n[registry]\npassword_env = "gone"\n'
    )
    assert sorted(secrets_of(config, {"A": "one", "B": "two", "C": "three"})) == ["one", "two"]
    config.write_text("no = toml = at all")
    assert secrets_of(config, {"A": "one"}) == secrets_of(tmp_path / "gone.toml", {}) == []
