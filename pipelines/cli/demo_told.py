"""Where the demo's warnings are delivered: a webhook receiver on this machine, and a topic of its own.

Simulated days pass within seconds, so each warning is told by itself and at once, and none counts as flapping. One that
opens and clears between two looks of the role is told to nobody, as on a plant.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from kafka import KafkaAdminClient
from kafka.admin import NewTopic
from kafka.errors import TopicAlreadyExistsError

from connectors.kafka.plain import read
from models.delivery.facts import is_over
from models.records import Alert, Notification, decode
from pipelines.cli.summary import Told
from pipelines.settings import Settings

TOPIC = "demo-warnings"
PATIENCE_S = 30.0
BOOK = """# The subscriptions of the demo: all warnings, to a webhook and to a topic of one's own.
[sinks.hook]
kind = "webhook"
url = "{url}"
[sinks.own]
kind = "topic"
topic = "{topic}"
"""
ALL = """[subscriptions.{sink}]
sink = "{sink}"
group = {{ by = ["alert"], wait = "0s", interval = "0s", storm = 0 }}
flapping = {{ times = 100 }}
"""


class Receivers:
    """A context manager; `settings` are those that `forewarn deliver` is to run with."""

    def __init__(self, settings: Settings, build: Path) -> None:
        self._kafka, self._file = settings.cluster, build / "demo-subscriptions.toml"
        self.settings = settings.model_copy(update={"subscriptions": self._file})
        self._posts: dict[str, set[str]] = {}

    def __enter__(self) -> Receivers:
        posts = self._posts

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                posts[event["id"]] = {each["alert"] for each in event["data"]["mentions"]}
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing: the live view has the screen."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{self._server.server_address[1]}/warnings"
        self._file.parent.mkdir(exist_ok=True)
        sinks = "".join(ALL.format(sink=sink) for sink in ("hook", "own"))
        self._file.write_text(BOOK.format(url=url, topic=TOPIC) + sinks)
        self._make_topic()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def wait(self, alerts: Mapping[tuple[str, int], Alert]) -> Told:
        """What came, once all that is to be told has, or after a while."""
        given_up_s = time.monotonic() + PATIENCE_S
        while (found := self.told(alerts)).missing and time.monotonic() < given_up_s:
            time.sleep(0.2)
        return found

    def told(self, alerts: Mapping[tuple[str, int], Alert]) -> Told:
        """What came until now of the revisions of these warnings."""
        hooked = set[str]().union(*dict(self._posts).values())
        sent = [decode(record.value or b"") for record in read(self._kafka, TOPIC)]
        own = {each.alert for one in sent if isinstance(one, Notification) for each in one.mentions}
        last = {key[0]: alerts[key] for key in sorted(alerts)}
        both = hooked & own & last.keys()
        unheard = {one for one, alert in last.items() if one not in hooked | own and is_over(alert)}
        return Told(
            warnings=len(both),
            to_webhook=len(self._posts),
            to_topic=len({one.id for one in sent if isinstance(one, Notification)}),
            unheard=len(unheard),
            missing=len(last.keys() - both - unheard),
        )

    def _make_topic(self) -> None:
        client = KafkaAdminClient(bootstrap_servers=self._kafka)
        try:
            client.create_topics([NewTopic(TOPIC, 1, 1)])
        except TopicAlreadyExistsError:
            return
        finally:
            client.close()
