"""Where the console meets a plant's topics, InfluxDB and clock, for all that does not stand in memory."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Callable, Iterator

import msgspec
import polars as pl
import typer
from msgspec.structs import asdict, replace

from connectors.console.place import Sees, Unwelcome
from connectors.console.said import Acted, Books, Column, KpisOf, Page, Part, Signals, Table, ValueOf, Worked, Works
from connectors.influx.query import InfluxReader
from connectors.kafka.plain import LogProducer
from models.alerting.kpis import kpis
from models.alerting.page import parts, title
from models.alerting.prose import masked_names
from models.alerting.value import value
from models.alerting.wishes import Wish
from models.plant import Plant
from models.records import Alert, Suggestion, SuggestionAnswer, Verdict, encode, key_of
from pipelines.cli import spans
from pipelines.cli.acting import NoMove, put
from pipelines.cli.board import now_us
from pipelines.cli.books import document_of
from pipelines.cli.page.gather import facts_of
from pipelines.cli.persons import person
from pipelines.cli.revisions import alerts_of
from pipelines.cli.valued import maintenance_until, rows_of
from pipelines.console.standing import Standing
from pipelines.ledger import Ledger
from pipelines.main import influx_target
from pipelines.settings import Settings
from pipelines.told import MAINTENANCE, WORK_ORDERS, maintenance_of, orders_of
from pipelines.topics import Topic, named

DAY_US = 86_400_000_000
POINTS = 720
"""Steps of a picture: about as many as it is wide. Our choice."""
STEPS_US = tuple(minutes * 60_000_000 for minutes in (1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 720))
"""Steps that people can read on a clock."""


class ConsoleDesk:
    """A `connectors.console.place.Desk`; `standing` says which plant it is, and when machines were heard of last."""

    def __init__(self, settings: Settings, standing: Standing) -> None:
        self._settings, self._standing = settings, standing

    @property
    def _plant(self) -> Plant:
        return self._standing.plant

    def act(self, case: Alert, wish: Wish) -> Acted:
        """Put a move on the log. Raises Unwelcome, KafkaUnreachable, NotSent."""
        try:
            is_news = put(self._settings, case, wish, self._now_us())
        except NoMove as wrong:
            raise Unwelcome(str(wrong)) from wrong
        said = "on the log; its worker does the rest" if is_news else "it is so already: nothing was done"
        return Acted(done=(f"{wish.move} of {case.asset}: {said}",), is_news=is_news)

    def person(self, name: str) -> str:
        """By which name a person is told on the log. Raises PlanError."""
        return person(self._settings, name)

    def answer(self, suggestion: Suggestion, said: Verdict, by: str, why: str, values: dict[str, float]) -> Acted:
        """Put an answer to a suggestion on its topic, behind the suggestion. Raises KafkaUnreachable, NotSent."""
        record = SuggestionAnswer(
            plant=suggestion.plant, suggestion=suggestion.id, answer=said, by=by, why=why,
            time_us=max(self._now_us(), suggestion.made_us), values=values,  # a clock may be behind its maker's
        )  # fmt: skip
        topic = named(self._settings.topic_prefix, Topic.SUGGESTIONS)
        with LogProducer(self._settings.cluster) as producer:
            producer.send(topic, key_of(suggestion.plant, suggestion.asset), encode(record))
        what = ", ".join(one.parameter for one in suggestion.settings)
        then = "; its maker takes it past the rails" if suggestion.model else ""
        return Acted(done=(f"{what} of {suggestion.asset}: {said}; on the log{then}",), is_news=True)

    def page(self, id_: str) -> Page:
        """A warning's page. Raises Unwelcome, PlantError, KafkaUnreachable."""
        warnings = {id_: case.alert for id_, case in list(self._standing.cases.items())}
        try:
            facts = facts_of(self._settings, id_, self._now_us(), warnings)
        except NoMove as gone:
            raise Unwelcome(str(gone)) from gone
        return Page(
            title=title(facts),
            parts=tuple(
                Part(title=one.title, lines=one.lines, table=Table(**one.table._asdict()) if one.table else None)
                for one in parts(facts)
            ),
        )

    def kpis(self, week: str | None, sees: Sees) -> KpisOf:
        """A week's. Raises Unwelcome for a week that is none, KafkaUnreachable."""
        zone = self._plant.timezone
        span = _span(spans.week, week, zone) if week else spans.week_of(self._now_us(), zone)
        so_far_us = self._now_us() + 1
        found = kpis(self._alerts(sees), self._plant.budget, span.from_us, span.to_us, so_far_us)
        return KpisOf(week=span.name, thinned=spans.thinned(span, self._now_us()), **asdict(found))

    def value(self, month: str | None, sees: Sees, hours: float | None) -> ValueOf:
        """A month's. Raises Unwelcome for a month that is none, KafkaUnreachable, StoreDown."""
        zone = self._plant.timezone
        span = _span(spans.month, month, zone) if month else spans.month_of(self._now_us(), zone)
        plant = self._seen(sees)
        work = asyncio.run(maintenance_until(self._settings, plant, span.to_us))
        found = value(self._alerts(sees), work, plant, span.from_us, span.to_us, hours)
        return ValueOf(month=span.name, thinned=spans.thinned(span, self._now_us()), **asdict(found))

    def value_csv(self, month: str | None, sees: Sees) -> bytes:
        """The same for a spreadsheet; who closed a warning is an alias in it, and free text has no names."""
        found = self.value(month, sees, None)
        text = io.StringIO(newline="")
        csv.writer(text).writerows(rows_of(masked_names(found.entries), self._plant, found.currency))
        return text.getvalue().encode("utf-8-sig")

    def ledger(self) -> Books:
        """The books, as the topic of state is followed."""
        found = dict(sorted(self._standing.ledgers.items()))
        return msgspec.convert(document_of(self._settings, found, Ledger.total(found.values())), Books)

    async def signals(self, asset: str, days: float) -> Signals:
        """Its numbers over the last days up to when it was heard of last. Raises StoreDown."""
        plant = self._plant
        kind = plant.types[plant.assets[asset].type]
        fields = [name for name, signal in kind.signals.items() if signal.kind.python_type is float]
        span_us = round(days * DAY_US)
        step_us = next((step for step in STEPS_US if span_us / step <= POINTS), STEPS_US[-1])
        async with InfluxReader(influx_target(self._settings)) as reader:
            to_us = await self._heard_us(reader, plant.assets[asset].type, asset)
            from_us = to_us - span_us
            found = await reader.windows(plant.assets[asset].type, asset, fields, (from_us, to_us), step_us)
        return _signals(found, fields, from_us, to_us, step_us)

    async def work(self, asset: str) -> Works:
        """What was done to it. Raises StoreDown."""
        async with InfluxReader(influx_target(self._settings)) as reader:
            events = await reader.read(MAINTENANCE, 0, now_us() + 1, [asset])
            orders = await reader.read(WORK_ORDERS, 0, now_us() + 1, [asset])
        plant = self._plant.plant
        found = [Worked(time_us=one.time_us, kind=str(one.action), mode=one.mode, order="") for one in
                 maintenance_of(events, plant)]  # fmt: skip
        found += [
            Worked(time_us=one.finished_us, kind=str(one.kind), mode=one.mode, order=one.order)
            for one in orders_of(orders, plant)
        ]
        return Works(work=tuple(sorted(found, key=lambda one: -one.time_us)))

    def _now_us(self) -> int:
        """By the plant's clock."""
        return self._standing.now_us(now_us())

    async def _heard_us(self, reader: InfluxReader, measurement: str, asset: str) -> int:
        """Up to when there is something of it; one without a model has no forecast that says so."""
        known = self._standing.forecasts.get(asset)
        if known is not None:
            return known.window_end_us
        last_us = await reader.last_us(measurement, asset, now_us())
        return self._now_us() if last_us is None else last_us + 1

    def _alerts(self, sees: Sees) -> Iterator[Alert]:
        return (one for one in alerts_of(self._settings) if sees(one.asset))

    def _seen(self, sees: Sees) -> Plant:
        plant = self._plant
        return replace(plant, assets={name: one for name, one in plant.assets.items() if sees(name)})


def _span(made: Callable[[str, str], spans.Span], text: str, zone: str) -> spans.Span:
    try:
        return made(text, zone)
    except typer.BadParameter as wrong:
        raise Unwelcome(wrong.message.removeprefix("--")) from wrong


def _signals(found: dict[str, pl.DataFrame], fields: list[str], from_us: int, to_us: int, step_us: int) -> Signals:
    """All steps that any signal has, in order; a gap in one of them is null.

    Rows may come between the three questions, so that one of the answers has steps that another has not.
    """
    times = pl.concat([frame.select("time_us") for frame in found.values()]).unique().sort("time_us")
    even = {which: times.join(frame, on="time_us", how="left", maintain_order="left") for which, frame in found.items()}

    def of(which: str, name: str) -> tuple[float | None, ...]:
        frame = even[which]
        return tuple(frame[name].to_list() if name in frame.columns else [None] * len(frame))

    columns = {
        name: Column(mean=of("mean", name), low=of("min", name), high=of("max", name))
        for name in fields if name in even["mean"].columns
    }  # fmt: skip
    told = tuple(times["time_us"].to_list())
    return Signals(from_us=from_us, to_us=to_us, step_us=step_us, time_us=told, signals=columns)
