"""Every record that travels, declared once: what is on the topics is what stands here.

Long, since it is the whole interface: who reads the wire has one file to read, and records share their words.
Field order is wire order. Nothing here reads a clock or a file; ids are functions of what they identify.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from enum import IntEnum, StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw, Struct

from models.release import Cause, Refusal, Role, Signature, office
from models.release import State as ReleaseState

HORIZONS_H: tuple[int, ...] = (12, 24, 48, 72, 120, 168)
"""Horizons of a forecast in hours; 72 h is the one warnings speak of (labels of 72 h only would give shorter leads)."""

WARNING_HORIZON_H = 72

Name = Annotated[str, Meta(min_length=1, max_length=200)]
TimeUs = Annotated[int, Meta(ge=0, le=253_402_300_800_000_000)]
Sample = float | bool | str | None


class Record(Struct, frozen=True, kw_only=True, tag_field="type"):
    """What all records share: a `type` on the wire, then the plant they belong to."""


class Quality(IntEnum):
    """Quality of a sample on the wire, the severity ends of OPC UA status codes: good unless a feed says otherwise."""

    GOOD = 0
    UNCERTAIN = 1
    BAD = 4


class Frame(Record, frozen=True, kw_only=True, tag="frame"):
    """Samples of one asset, columnar: `signals[name][i]` was read at `times_us[i]`.

    A signal that is absent has nothing new; a null is a bad value, counted and not stored. Times are microseconds
    since 1970 UTC, none before 2000. Every column has the length of `times_us`. It lies on the partition of its key,
    `plant/asset`, among those of its topic as Kafka's Java client reckons it (murmur2).
    """

    plant: Name
    asset: Name
    source: Name
    times_us: Annotated[list[TimeUs], Meta(min_length=1)]
    signals: dict[Name, list[Sample]]
    quality: dict[Name, list[int]] = msgspec.field(default_factory=dict)


class Tick(Record, frozen=True, kw_only=True, tag="tick"):
    """The time, once a minute per partition, from whoever feeds the log. Doubles are harmless."""

    plant: Name
    time_us: TimeUs


class MaintenanceAction(StrEnum):
    """What was done to a machine, or to a sensor of it."""

    FAILED = "failed"
    REPAIRED = "repaired"
    RECALIBRATED = "recalibrated"
    SENSOR_REPLACED = "sensor-replaced"


OF_SENSORS = frozenset({MaintenanceAction.RECALIBRATED, MaintenanceAction.SENSOR_REPLACED})
"""What is done to sensors: the machine is the same, and its signals are not comparable with those before."""


class Maintenance(Record, frozen=True, kw_only=True, tag="maintenance"):
    """A failure or a repair of an asset, from the CMMS or the simulator. A repair starts a new life of the machine.

    `mode` is the failure as found. Of what is done to a sensor it is the signal, empty for all of the machine: no life
    begins, but rules that look at its change begin another baseline.
    """

    plant: Name
    asset: Name
    time_us: TimeUs
    action: MaintenanceAction
    mode: str = ""

    @property
    def done_us(self) -> int:
        """When it was, in the order of history."""
        return self.time_us


class OperatingState(StrEnum):
    """What a machine is doing; running means settled: its windows count from a stated time after the start."""

    UNKNOWN = "unknown"
    OFF = "off"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    IDLE = "idle"
    MAINTENANCE = "maintenance"


class WorkOrderKind(StrEnum):
    """What a work order was for."""

    CORRECTIVE = "corrective"
    SERVICE = "service"


class WorkOrder(Record, frozen=True, kw_only=True, tag="work-order"):
    """A finished order of the maintenance system, with its dates as people typed them: they can be days off.

    `mode` is the failure as found, empty for a service. Unlike a `Maintenance` record it starts no new life.
    """

    plant: Name
    asset: Name
    order: Name
    kind: WorkOrderKind
    mode: str = ""
    reported_us: TimeUs
    started_us: TimeUs
    finished_us: TimeUs

    @property
    def done_us(self) -> int:
        """When it was, in the order of history: nobody knows any more when it was told."""
        return self.finished_us


class FeedReport(Record, frozen=True, kw_only=True, tag="feed-report"):
    """What a feed counted since it was first started: read, sent, dropped, and what it could not read, by reason."""

    plant: Name
    source: Name
    time_us: TimeUs
    counts: Annotated[dict[Name, Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]], Meta(max_length=40)]


class PlantChange(Record, frozen=True, kw_only=True, tag="plant-change"):
    """The plant as it is from here on in the log; `content` is its JSON without tags, which are the feeds'."""

    plant: Name
    version: Name
    content: Raw


class Appointed(Record, frozen=True, kw_only=True):
    """The release that a model's name means, that runs beside it, or that a type stays with.

    `number` counts those of an office: one that is not over the last one's changes nothing. An empty version is the
    file of that name in the models' folder, no shadow, or no pin; only a pin has an asset type.
    """

    plant: Name
    name: Name
    role: Role = Role.CHAMPION
    asset_type: str = ""
    version: Annotated[str, Meta(max_length=200)]
    number: Annotated[int, Meta(ge=1, le=2**53)]

    @property
    def office(self) -> str:
        """What the release is appointed to."""
        return office(self.name, self.role, self.asset_type)


class ModelChange(Appointed, frozen=True, kw_only=True, tag="model-change"):
    """An appointment as it holds from here on in the log."""


class ClockDecision(Record, frozen=True, kw_only=True, tag="clock-decision"):
    """What to do with the clock of a source that jumped: from here on in the log its times are moved by `shift_us`.

    That is from what the source says, whatever was decided before; 0 takes them as they are, None leaves the clock
    alone and ends the question. It is about some assets, or about all where none is named.
    """

    plant: Name
    source: Name
    shift_us: Annotated[int, Meta(ge=-86_400_000_000, le=86_400_000_000)] | None
    assets: tuple[Name, ...] = ()


class Rebuilt(Record, frozen=True, kw_only=True, tag="rebuilt"):
    """An asset's bins and states as they are with all rows that came too late, up to `until_us`, a whole minute.

    `number` is that of the notice it answers. `content` is a slice of a partition's state for that asset, as
    `pipelines.slices` encodes it.
    """

    plant: Name
    asset: Name
    until_us: TimeUs
    number: Annotated[int, Meta(ge=0, le=2**53)] = 0
    content: bytes


class Driver(Struct, frozen=True, kw_only=True):
    """A signal and how much lower the 72 h chance would be were that signal as usual for this asset, all else as it is.

    Exact, by asking the served graph once more a signal. A forecast of an asset whose usual is not known has none.

    `change` is how far it is from this asset's usual at the same load, and `per_day` how that moves, in the signal's
    unit; null for a signal of which nothing is expected or no usual is known.
    """

    signal: str
    drop: float
    change: float | None = None
    per_day: float | None = None


class ModeShare(Struct, frozen=True, kw_only=True):
    """A failure mode, and how likely a failure within the longest horizon is to be of it."""

    mode: str
    share: float


class Became(StrEnum):
    """What became of a machine once it looked like failing: it failed within the longest horizon, or outlived it."""

    FAILED = "failed"
    OUTLIVED = "outlived"


class Similar(Struct, frozen=True, kw_only=True):
    """A past case that a machine is like, how far from it, and what became of that: a failure after `lead_h`, or none.

    A distance of 1 is as far as such cases lie from each other.
    """

    outcome: Became
    mode: str
    lead_h: float | None
    distance: float


class Whose(StrEnum):
    """Whose healthy time a machine is held against."""

    OWN = "its own"
    FLEET = "the fleet's"
    BOTH = "its own for some signals, the fleet's for others"
    SOME = "its own for some signals, nobody's for others"
    NOBODY = "nobody's"


class Forecast(Record, frozen=True, kw_only=True, tag="forecast"):
    """Chance of failure within each of HORIZONS_H, as known at the end of a window. Never decreasing in the horizon.

    A machine that does not run keeps its last forecast: `running_until_us` is the end of the running minute that the
    chances rest on, so their age is `window_end_us` less that. One that never ran, or not since its repair, has none.
    `basis` says what the model learnt its chances from, `baseline` whose usual its signals are held against, `missing`
    what a window that it looks at has nothing of: nothing stands in for that. A `historical` one was made later, with
    rows that had come too late for the one of its time: it says what would have been known, and nobody acts on it.
    `modes` are the likeliest, most likely first, where the model tells them apart and the chances are not small;
    `remaining` is the time to failure, in whole hours, where the card says how far that can be told.
    """

    id: str
    revision: int
    plant: str
    asset: str
    window_end_us: int
    operating: OperatingState
    running_until_us: int | None
    chances: tuple[float, ...]
    drivers: tuple[Driver, ...]
    model: str
    basis: str
    rung: Rung
    confidence: Confidence
    completeness: float
    baseline: Whose = Whose.NOBODY
    missing: tuple[str, ...] = ()
    historical: bool = False
    modes: tuple[ModeShare, ...] = ()
    remaining: Remaining | None = None


class Rung(StrEnum):
    """What can be said of a machine rests on one of these: the first from the first day, the last on many failures."""

    RULES = "rules"
    HEALTH = "health"
    TREND = "time-to-limit"
    HAZARD = "hazard"


class Level(StrEnum):
    """How far it has come: a warning is to be planned for, an alarm to be acted upon."""

    WARNING = "warning"
    ALARM = "alarm"


class Confidence(StrEnum):
    """How well what is said is founded; `basis` beside it says in what."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Until(StrEnum):
    """What time is left to: a limit that a trend leads to, or a failure."""

    LIMIT = "limit"
    FAILURE = "failure"


class Remaining(Struct, frozen=True, kw_only=True):
    """Hours until a limit is reached or a failure, of the clock, with both ends of a 90 % interval; null: not in sight.

    Where intervals of its kind covered another share of machines that the model had not seen, `covered` is that.
    """

    low_h: float
    median_h: float | None
    high_h: float | None
    until: Until = Until.LIMIT
    covered: float | None = None


class Evidence(Struct, frozen=True, kw_only=True):
    """One thing that a warning rests on: a rule, a health index, a trend or a hazard, by name, since it holds.

    `value` is what was found when its level was reached, `limit` what it was held against, both in `unit`. `mode` is
    the failure mode that it speaks of, "any" where it tells none apart.
    """

    rung: Rung
    name: str
    level: Level
    since_us: int
    mode: str
    signals: tuple[str, ...]
    value: float | None
    limit: float | None
    unit: str
    basis: str
    confidence: Confidence


class Contribution(Struct, frozen=True, kw_only=True):
    """A signal's share in a machine's distance from health, and how far it is from what is expected, in its unit."""

    signal: str
    share: float
    over: float


class Health(Record, frozen=True, kw_only=True, tag="health"):
    """How healthy a machine is at the end of a window, once in an hour of running: 100 as ever, 50 at its limit, 0.

    The index is null where too little is known. `t2` and `spe` are Hotelling's T2 and the squared prediction error as
    shares of their limits. `remaining` is until the index, or the signal `limiting`, reaches its limit. `baseline` says
    whose healthy time it is held against. Only final minutes have one, so there is one revision. A `historical` one is
    of a backfill.
    """

    id: str
    revision: int
    plant: str
    asset: str
    window_end_us: int
    index: float | None
    t2: float
    spe: float
    drivers: tuple[Contribution, ...]
    limiting: str
    remaining: Remaining | None
    baseline: str
    model: str
    basis: str
    confidence: Confidence
    completeness: float
    historical: bool = False


class AlertState(StrEnum):
    """States of a warning, in the words of ISA-18.2; one that has an outcome is closed."""

    UNACKNOWLEDGED = "unacknowledged"
    ACKNOWLEDGED = "acknowledged"
    RETURNED = "returned-to-normal-unacknowledged"
    NORMAL = "returned-to-normal"
    CLOSED = "closed"


class AlertReason(StrEnum):
    """Why this revision of a warning was published."""

    OPENED = "opened"
    NEARER = "nearer"
    FARTHER = "farther"
    RAISED = "raised"
    LOWERED = "lowered"
    CLEARED = "cleared"
    REPAIRED = "repaired"
    RECURRED = "recurred"
    ACKNOWLEDGED = "acknowledged"
    SHELVED = "shelved"
    UNSHELVED = "unshelved"
    SUPPRESSED = "suppressed"
    UNSUPPRESSED = "unsuppressed"
    OUT_OF_SERVICE = "taken-out-of-service"
    IN_SERVICE = "returned-to-service"
    ASSIGNED = "assigned"
    RATED = "rated"
    COMMENTED = "commented"
    ORDERED = "ordered"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


class Advice(StrEnum):
    """What a warning asks of people, the least first."""

    WATCH = "watch"
    PLAN = "plan"
    ACT_NOW = "act-now"


class CloseReason(StrEnum):
    """What became of a warning: the label that a model learns from."""

    REPAIRED = "found-and-repaired"
    DEFERRED = "found-and-deferred"
    NOTHING_FOUND = "inspected-and-nothing-found"
    NOT_INSPECTED = "not-inspected"
    FAILED = "failed-before-action"
    SENSOR = "sensor"
    PROCESS_CHANGE = "process-change"
    PLANNED = "planned"


class Outcome(Struct, frozen=True, kw_only=True):
    """How a warning was closed: why, by whom, when; the failure mode and what was found, in the finder's words."""

    reason: CloseReason
    by: str
    time_us: int
    mode: str = ""
    found: str = ""


class HeldBack(StrEnum):
    """Why nobody is told of a warning for now, in the words of ISA-18.2 and OPC UA Part 9; each stands by itself."""

    SHELVED = "shelved"
    SUPPRESSED = "suppressed-by-design"
    OUT_OF_SERVICE = "out-of-service"


class Hold(Struct, frozen=True, kw_only=True):
    """That a warning is held back: since when and until when, null for until somebody ends it, by whom and why."""

    kind: HeldBack
    since_us: int
    until_us: int | None = None
    by: str
    why: str


class Bundle(Struct, frozen=True, kw_only=True):
    """What a revision of a warning was made of, so that it can be made again.

    `features` is the float32 row, little-endian, that the model of `forecast` looked at; both are empty where no hazard
    speaks. The model's version is the warning's own, with its calibration; `plant_version` is that of its rules.
    """

    plant_version: str
    forecast: str = ""
    window_end_us: int = 0
    features: bytes = b""


class Comment(Struct, frozen=True, kw_only=True):
    """What somebody wrote about a warning."""

    by: str
    time_us: int
    text: str


class Alert(Record, frozen=True, kw_only=True, tag="alert"):
    """A maintenance advisory about a machine, days ahead, and all `evidence` that it rests on.

    `rung`, `basis` and `confidence` are those of the highest rung that speaks, `level` the worst. What is said of a
    hazard is empty while none speaks: `chances`, `drivers`, `modes`, and `lead_h`, the nearest horizon over the limit.
    `mode` is what its evidence speaks of and identifies it; `modes` are what a model holds likely, and may change.
    `similar` are past cases like the machine when the hazard began to hold, the nearest first.
    What is `remaining` is until failure where a hazard speaks and says it, else what health and trend say, until a
    limit. A `historical` one says what history would have brought about: nobody acts on it.

    It is a case: `reason` is why it was moved last, `by` whom, empty for the machine's own data, `why` in their words,
    at the event time `moved_us`. `advice` is what it asks, to be done before `act_before_us`, where that is known;
    `severity` is OPC UA's, 1 to 1000, and a person's where `is_rated`. It came back `recurred` times. `held` are what
    holds it back, `order` is its number in the maintenance system, `outcome` how it was closed, `bundle` what it was
    made of when its evidence moved it last.
    """

    id: str
    revision: int
    plant: str
    asset: str
    mode: str
    state: AlertState
    reason: AlertReason
    opened_us: int
    window_end_us: int
    level: Level
    evidence: tuple[Evidence, ...]
    chances: tuple[float, ...]
    lead_h: int | None
    remaining: Remaining | None
    drivers: tuple[Driver, ...]
    model: str
    basis: str
    rung: Rung
    confidence: Confidence
    completeness: float
    historical: bool = False
    modes: tuple[ModeShare, ...] = ()
    similar: tuple[Similar, ...] = ()
    advice: Advice = Advice.WATCH
    act_before_us: int | None = None
    severity: int = 0
    is_rated: bool = False
    moved_us: int = 0
    by: str = ""
    why: str = ""
    recurred: int = 0
    assigned: str = ""
    held: tuple[Hold, ...] = ()
    comments: tuple[Comment, ...] = ()
    order: str = ""
    outcome: Outcome | None = None
    bundle: Bundle | None = None


class Move(StrEnum):
    """What somebody does with a warning."""

    ACKNOWLEDGE = "acknowledge"
    SHELVE = "shelve"
    UNSHELVE = "unshelve"
    TAKE_OUT = "take-out-of-service"
    PUT_BACK = "return-to-service"
    ASSIGN = "assign"
    RATE = "rate"
    COMMENT = "comment"
    ORDER = "order"
    CLOSE = "close"
    WITHDRAW = "withdraw"


class Action(Record, frozen=True, kw_only=True, tag="action"):
    """A move of a warning of an asset by a person, or by a program in its name: who, when, why.

    Shelving has its end `until_us`; assigning, `to` whom; rating, a `severity`; an order, its number in the maintenance
    system; closing, its `outcome`, with the failure `mode` and what was `found`. One that says what is so already
    changes nothing.
    """

    plant: Name
    asset: Name
    alert: Name
    move: Move
    time_us: TimeUs
    by: Name
    why: Annotated[str, Meta(max_length=2000)] = ""
    until_us: TimeUs | None = None
    to: Annotated[str, Meta(max_length=200)] = ""
    severity: Annotated[int, Meta(ge=1, le=1000)] | None = None
    order: Annotated[str, Meta(max_length=200)] = ""
    outcome: CloseReason | None = None
    mode: Annotated[str, Meta(max_length=200)] = ""
    found: Annotated[str, Meta(max_length=2000)] = ""


class Origin(StrEnum):
    """Whose healthy time a baseline is of."""

    FIRST_DAY = "first-day-after-repair"
    RECALIBRATED = "first-day-after-recalibration"
    RECENT = "recent-quiet-time"
    CHOSEN = "chosen"
    FLEET = "fleet"


class Doubt(StrEnum):
    """What speaks against a baseline: few minutes, a mean that moved, a limit or level passed, unlike its fleet."""

    FEW_MINUTES = "few-minutes"
    DRIFT = "drift"
    LEVEL_HELD = "level-held"
    OFF_FLEET = "off-fleet"


class HealthyBaseline(Record, frozen=True, kw_only=True, tag="baseline"):
    """What a rule's quantity was in an asset's healthy time, of which the rule looks at the change.

    On `baselines`, `number` counts an asset's baselines of a rule. On `records` it is one that somebody approved, of
    the origin chosen or fleet, still without id and number: it takes the place of what is there. `spread` is a standard
    deviation, `minutes` those with a value. Without a repair that is known, the healthy time is a recent one.
    """

    id: str = ""
    plant: Name
    asset: Name
    rule: Name
    signals: tuple[str, ...] = ()
    states: tuple[OperatingState, ...] = ()
    product: str = ""
    number: Annotated[int, Meta(ge=0, le=2**53)] = 0
    from_us: TimeUs
    to_us: TimeUs
    mean: float
    spread: Annotated[float, Meta(ge=0)]
    minutes: Annotated[int, Meta(ge=1, le=2**53)]
    origin: Origin
    doubts: tuple[Doubt, ...] = ()
    approved_by: str = ""
    confidence: Confidence


class Reject(StrEnum):
    """Why a record or a sample was not stored."""

    NOT_JSON = "not-json"
    NOT_A_RECORD = "not-a-record"
    TOO_LARGE = "too-large"
    TOO_DEEP = "too-deep"
    WRONG_PLANT = "wrong-plant"
    WRONG_PARTITION = "wrong-partition"
    UNKNOWN_ASSET = "unknown-asset"
    UNKNOWN_SIGNAL = "unknown-signal"
    UNEQUAL_COLUMNS = "unequal-columns"
    WRONG_KIND = "wrong-kind"
    NOT_A_NUMBER = "not-a-number"
    BAD_QUALITY = "bad-quality"
    OUT_OF_RANGE = "out-of-range"
    FAR_FUTURE = "far-future"
    FAR_PAST = "far-past"
    CLOCK_JUMP = "clock-jump"
    STORE_REFUSED = "store-refused"
    UNREADABLE = "unreadable"
    NO_TIME = "no-time"
    UNKNOWN_TAG = "unknown-tag"
    UNFIT_REBUILD = "unfit-rebuild"
    UNFIT_BASELINE = "unfit-baseline"
    UNFIT_ACTION = "unfit-action"
    PLANT_REFUSED = "plant-refused"
    MODEL_REFUSED = "model-refused"
    STEP_FAILED = "step-failed"


class RejectedSample(Struct, frozen=True, kw_only=True):
    """One sample that was not stored, as text so that any value can be told."""

    signal: str
    time_us: int
    value: str


class DeadLetter(Record, frozen=True, kw_only=True, tag="dead-letter"):
    """What could not be used and why: a whole record (`payload`, its beginning) or some of its samples."""

    plant: str
    reason: Reject
    detail: str
    asset: str = ""
    samples: tuple[RejectedSample, ...] = ()
    payload: str = ""
    payload_sha256: str = ""


class NoticeKind(StrEnum):
    """What a notice is about: the service, its sources and sensors; never the health of a machine."""

    SENSOR_FAULT = "sensor-fault"
    SILENT_ASSET = "silent-asset"
    LATE_SPAN = "late-span"
    CLOCK_JUMP = "clock-jump"
    LAG = "lag"
    LEDGER = "ledger"
    STORE_DOWN = "store-down"
    NO_DATA = "no-data"
    MODEL = "model"


OF_THE_SERVICE = frozenset(
    {NoticeKind.LAG, NoticeKind.LEDGER, NoticeKind.STORE_DOWN, NoticeKind.NO_DATA, NoticeKind.MODEL}
)
"""Kinds that a worker tells of itself by its own clock; all others follow from the records."""


class NoticeState(StrEnum):
    """Whether what a notice tells of still holds."""

    OPEN = "open"
    CLOSED = "closed"


class Notice(Record, frozen=True, kw_only=True, tag="notice"):
    """Something about data or service that a person or a role should look after; it says nothing of a machine.

    `since_us` is when it began and `time_us` the event time of this revision; `from_us` and `to_us` are the span of
    rows that it is about, if any; `reason` is one word for programs, `detail` a sentence for people. `number` counts
    the asset's late spans.
    """

    id: str
    revision: int
    plant: str
    asset: str
    kind: NoticeKind
    state: NoticeState
    reason: str
    since_us: int
    time_us: int
    signal: str = ""
    source: str = ""
    from_us: int | None = None
    to_us: int | None = None
    detail: str = ""
    number: int = 0


class Shadow(Record, frozen=True, kw_only=True, tag="shadow"):
    """What a release that runs beside the champion says where a forecast was published, of the same row.

    `id` and `revision` are the forecast's, `beside` is its model; nothing else comes of it. Chances are within
    HORIZONS_H.
    """

    plant: str
    id: str
    revision: int
    asset: str
    window_end_us: int
    model: str
    beside: str
    chances: tuple[float, ...]


class Release(Record, frozen=True, kw_only=True, tag="release"):
    """A model that workers may take: the bytes of its manifest as they were signed, and by whom."""

    plant: Name
    name: Name
    version: Name
    manifest: Raw
    signatures: tuple[Signature, ...] = ()


class Appointment(Appointed, frozen=True, kw_only=True, tag="appointment"):
    """An appointment as it is wished, by whom and why; `before` is the release that had the office."""

    before: str = ""
    cause: Cause
    by: Name
    why: str
    time_us: TimeUs


class Ready(Record, frozen=True, kw_only=True, tag="ready"):
    """What the worker that owns a partition has of releases: versions loaded, and refused with the reason.

    `means` is the number of the last change of each office (`models.release.office`) that the partition has met.
    """

    plant: Name
    partition: Annotated[int, Meta(ge=0)]
    worker: Name
    loaded: tuple[str, ...] = ()
    refused: dict[str, str] = {}
    means: dict[str, int] = {}


class ReleaseMove(Record, frozen=True, kw_only=True, tag="release-move"):
    """A move of a release, for the audit: `by` is a person, or the worker that fetched and checked it."""

    plant: Name
    name: Name
    version: str
    begin: ReleaseState
    to: ReleaseState
    cause: Cause
    by: Name
    why: str = ""
    refusal: Refusal | None = None
    time_us: TimeUs


class AuditEntry(Record, frozen=True, kw_only=True, tag="audit-entry"):
    """A call of the HTTP API, as an entry of the audit: who asked what from where, and the status that he was answered.

    A `chain` is of one process: `number` counts its entries from 0, and each has `before`, the hash of the one before
    it. The first has that of the last entry on the topic when the chain began, which is of `before_chain`; both are
    empty on an empty topic. `hash` is SHA-256 of the entry as it is encoded with an empty `hash`. A caller that is not
    known has no name and no role; `sites` null are all. `path` is what was asked, with its query, `route` what that
    meant, empty where it meant nothing. `left_out` calls since the chain's entry before have none of their own: those
    of callers that are not known or ask too often, where they are too many, and what came while nothing could be kept.
    """

    plant: Name
    chain: Annotated[str, Meta(pattern=r"\A[0-9a-f]{32}\Z")]
    number: Annotated[int, Meta(ge=0, le=2**53)]
    before: Annotated[str, Meta(pattern=r"\A([0-9a-f]{64})?\Z")]
    before_chain: Annotated[str, Meta(pattern=r"\A([0-9a-f]{32})?\Z")] = ""
    time_us: TimeUs
    by: Annotated[str, Meta(max_length=200)] = ""
    role: Annotated[str, Meta(max_length=20)] = ""
    sites: tuple[Name, ...] | None = None
    address: Annotated[str, Meta(max_length=64)] = ""
    method: Annotated[str, Meta(max_length=20)]
    path: Annotated[str, Meta(max_length=500)]
    route: Annotated[str, Meta(max_length=500)] = ""
    status: Annotated[int, Meta(ge=100, le=999)]
    left_out: Annotated[int, Meta(ge=0, le=2**53)] = 0
    hash: Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]


class DriftKind(StrEnum):
    """What of a model moved: what it sees, what it says, or how that fits what came."""

    INPUT = "input"
    OUTPUT = "output"
    CALIBRATION = "calibration"
    COVERAGE = "coverage"


class DriftCause(StrEnum):
    """Why it moved, as far as that can be told from the plant."""

    SENSOR_RECALIBRATED = "sensor-recalibrated"
    SENSOR_SUSPECTED = "sensor-suspected"
    NEW_PRODUCT = "new-product"
    AMBIENT = "ambient"
    DEGRADATION = "degradation"
    RELATION = "failures-otherwise"
    UNKNOWN = "unknown"


class Drift(Record, frozen=True, kw_only=True, tag="drift"):
    """A model's plant moved away from what it learned: what, on which assets, since when, and why.

    `version` is that of the model of `name` for assets of a type. `what` is a feature, or what of the model, with the
    `value` found and the `bar` it passed; no assets are all of them. `detail` is a sentence for people.
    """

    plant: Name
    name: Name
    asset_type: Name
    version: Annotated[str, Meta(max_length=200)]
    kind: DriftKind
    cause: DriftCause
    what: Name
    assets: tuple[Name, ...] = ()
    since_us: TimeUs
    value: float
    bar: float
    time_us: TimeUs
    detail: str


class UpdateStep(StrEnum):
    """What came of a round of learning on."""

    STEADY = "steady"
    NOT_TO_BE_LEARNED = "not-to-be-learned"
    WOULD_UPDATE = "would-update"
    REFUSED = "refused"
    OFFERED = "offered"
    WAITS = "waits"
    GIVEN_UP = "given-up"
    WOULD_PROMOTE = "would-promote"
    PROMOTED = "promoted"


class ModelUpdate(Record, frozen=True, kw_only=True, tag="model-update"):
    """What was done about a model's drift, or about a candidate that was learned: what, why, and by which figures.

    `parent` is what was looked at or learned from, `causes` those of drift that hold then; `candidate` is what was made
    or judged, `anew` where it was trained, not refitted. `reason` is the refit's or the verdict's own, `events` are the
    independent failures that it rests on.
    """

    plant: Name
    name: Name
    parent: str = ""
    causes: tuple[DriftCause, ...] = ()
    candidate: str = ""
    step: UpdateStep
    anew: bool = False
    reason: str = ""
    detail: str = ""
    events: Annotated[int, Meta(ge=0)] = 0
    figures: dict[str, float] = {}
    time_us: TimeUs


class DeliveryReason(StrEnum):
    """Why a notification was made: something is new, nobody acknowledged it yet, and so somebody else is told."""

    TOLD = "told"
    REPEATED = "repeated"
    ESCALATED = "escalated"


class DeliveryState(StrEnum):
    """What became of a notification: it waits to be sent, somewhere took it, or refused it for good."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    REFUSED = "refused"


class Mention(Struct, frozen=True, kw_only=True):
    """A warning in short: which revision of it was told, and why that one was to be told."""

    alert: str
    revision: int
    asset: str
    mode: str
    state: AlertState
    reason: AlertReason
    advice: Advice
    severity: int
    opened_us: int


class Notification(Record, frozen=True, kw_only=True, tag="notification"):
    """What a subscription is told at once, as it goes to its sink: the same id has the same content, whenever it goes.

    The id is a function of the subscription, the sink and the `mentions`, which are all that it tells, the worst first;
    `inhibited` are warnings of assets below those mentioned, of which nobody is told meanwhile. `alerts` are whole, of
    the first few mentioned. `number` counts repeats, or is that of the step of an escalation. `group` is what they have
    in common.
    """

    id: str
    plant: str
    subscription: str
    sink: str
    reason: DeliveryReason
    number: int = 0
    time_us: int
    group: dict[str, str] = {}
    mentions: tuple[Mention, ...]
    inhibited: tuple[Mention, ...] = ()
    title: str
    body: str
    alerts: tuple[Alert, ...] = ()


class Delivery(Record, frozen=True, kw_only=True, tag="delivery"):
    """A notification in the log of deliveries, and what became of it; `why` it was refused or failed last.

    One that waits is tried at `next_us`, the time of the next of its `attempts`. One that was delivered, at `done_us`,
    keeps what it told of without its texts and alerts.
    """

    plant: str
    notification: Notification
    state: DeliveryState = DeliveryState.WAITING
    attempts: int = 0
    next_us: int = 0
    done_us: int = 0
    why: str = ""


class Told(Struct, frozen=True, kw_only=True):
    """What a subscription was told of a warning, and what it is to be told; -1 is no revision.

    `revision` was told last, at `time_us`, and that it is over if `is_over`; since `first_us` the subscription knows of
    it, `repeats` and steps of the escalation (`escalated`) came after. `due` is to be told since `due_us` because of
    `due_reason`. `openings` are times of the last days at which it was told to have begun, `worst` the highest severity
    told; `inhibited_by` is the warning of an asset above it that keeps it back.
    """

    revision: int = -1
    time_us: int = 0
    is_over: bool = False
    first_us: int = 0
    repeats: int = 0
    escalated: int = 0
    due: int = -1
    due_us: int = 0
    due_reason: AlertReason | None = None
    openings: tuple[int, ...] = ()
    worst: int = 0
    inhibited_by: str = ""


class Followed(Record, frozen=True, kw_only=True, tag="followed"):
    """A warning that the log of deliveries follows: its last revision, and what each subscription knows of it."""

    plant: str
    alert: Alert
    told: dict[str, Told] = {}


class Subscribed(Record, frozen=True, kw_only=True, tag="subscription"):
    """A subscription by topic or API; `content` is its JSON as `models.delivery.subscriptions` has it."""

    plant: Name
    name: Name
    by: Name
    time_us: TimeUs
    content: Raw


class Redelivery(Record, frozen=True, kw_only=True, tag="redelivery"):
    """That somebody wants a notification tried again now, which was refused or waits."""

    plant: Name
    id: Name
    by: Name
    time_us: TimeUs


class OrderState(StrEnum):
    """What is to become of an order."""

    OPEN = "open"
    DONE = "done"
    CANCELLED = "cancelled"


class Order(Record, frozen=True, kw_only=True, tag="order"):
    """So many units of a product, to be done at `due_us` and not begun before `release_us`; the newest `time_us` holds.

    `late_per_h` is what an hour of delay costs in the plant's currency; none: the plant file's.
    """

    plant: Name
    order: Name
    product: Name
    units: Annotated[int, Meta(ge=1, le=1_000_000_000)]
    due_us: TimeUs
    time_us: TimeUs
    release_us: TimeUs = 0
    late_per_h: Annotated[float, Meta(ge=0, le=1e9)] | None = None
    state: OrderState = OrderState.OPEN


class Tariff(Record, frozen=True, kw_only=True, tag="tariff"):
    """Prices of energy from `begin_us` on, one a `step_min`, in the plant's currency a kWh; they may be negative.

    `co2_kg_per_kwh` is the grid's intensity in the same steps, where it is known. Of two that speak of one time the one
    with the newer `time_us` holds.
    """

    plant: Name
    begin_us: TimeUs
    step_min: Annotated[int, Meta(ge=1, le=1440)]
    price_per_kwh: Annotated[list[Annotated[float, Meta(ge=-1e6, le=1e6)]], Meta(min_length=1, max_length=10_000)]
    time_us: TimeUs
    source: Name
    co2_kg_per_kwh: Annotated[list[Annotated[float, Meta(ge=0, le=1e3)]], Meta(max_length=10_000)] = msgspec.field(
        default_factory=list
    )


class LoadForecast(Record, frozen=True, kw_only=True, tag="load-forecast"):
    """What a meter will show from `begin_us` on, in kW and steps of `step_min`, made of what was known at `made_us`.

    It stays below `q10_kw` with a chance of 0.1, and so on.
    """

    plant: str
    asset: str
    made_us: int
    begin_us: int
    step_min: int
    q10_kw: tuple[float, ...]
    q50_kw: tuple[float, ...]
    q90_kw: tuple[float, ...]
    model: str


class Learned(Struct, frozen=True, kw_only=True):
    """A figure that was learned, with its standard error; of `minutes` of data."""

    value: float
    error: float
    minutes: int


class ProductEnergy(Struct, frozen=True, kw_only=True):
    """What a machine takes for a product: kWh for each more unit, and units an hour as they were made."""

    product: str
    kwh_per_unit: Learned
    units_per_h: Learned


class EnergyProfile(Record, frozen=True, kw_only=True, tag="energy-profile"):
    """What a machine takes, learned from its power and its parts: kW by operating state, kWh of a start, kWh a unit.

    `running_kw` is what it takes while it runs before it makes anything: the constant of the process-rate law.
    """

    plant: str
    asset: str
    time_us: int
    states_kw: dict[str, Learned]
    start_kwh: Learned | None
    start_min: Learned | None
    running_kw: Learned | None
    products: tuple[ProductEnergy, ...]


class PlanReason(StrEnum):
    """Why production was planned anew."""

    FIRST = "first"
    ORDERS = "orders"
    PRICES = "prices"
    WARNING = "warning"
    BREAKDOWN = "breakdown"
    PROFILES = "profiles"
    PLANT = "plant"
    ROLLED = "rolled"


class PowerState(StrEnum):
    """What a machine is to do: the states of ISO 14955, as far as a plan decides them."""

    OFF = "off"
    START = "start-up"
    IDLE = "idle"
    SETUP = "setup"
    RUN = "run"
    MAINTENANCE = "maintenance"


class PlannedJob(Struct, frozen=True, kw_only=True):
    """A step of an order on a machine: set up from `setup_us`, made from `begin_us` to `end_us`."""

    order: str
    product: str
    units: int
    step: int
    asset: str
    setup_us: int
    begin_us: int
    end_us: int
    kwh: float
    due_us: int
    is_frozen: bool = False


class PlannedPower(Struct, frozen=True, kw_only=True):
    """What a machine does over a time, and the kW that it is expected to take."""

    asset: str
    state: PowerState
    begin_us: int
    end_us: int
    kw: float


class PlannedCare(Struct, frozen=True, kw_only=True):
    """When the work that a warning asks for costs least. `chance` is that of a failure before it is begun."""

    asset: str
    alert: str
    mode: str
    begin_us: int
    end_us: int
    deadline_us: int
    chance: float
    cost: float


class PlanFigures(Struct, frozen=True, kw_only=True):
    """What a plan takes: energy, its cost and CO2 (none where no intensity is known), the highest quarter-hour, delays.

    `demand_cost` is what the peak adds to the bill over what is paid for anyway.
    """

    kwh: float
    energy_cost: float
    demand_cost: float
    co2_kg: float | None
    peak_kw: float
    late_h: float
    late_orders: int
    units: int


class PlanSaving(Struct, frozen=True, kw_only=True):
    """What a plan is expected to save against the usual one, with an interval of 80 %, in kWh and in currency."""

    kwh: float
    kwh_low: float
    kwh_high: float
    cost: float
    cost_low: float
    cost_high: float
    co2_kg: float | None


class NotPlanned(StrEnum):
    """Why an order is in no plan."""

    UNKNOWN_PRODUCT = "unknown-product"
    NO_MACHINE = "no-machine"
    TOO_LONG = "longer-than-any-working-time"
    NO_ROOM = "no-room-in-the-horizon"
    POWER = "over-the-power-limit"


class Unplanned(Struct, frozen=True, kw_only=True):
    """An order that is left out, and why."""

    order: str
    why: NotPlanned
    detail: str


class Quarters(Struct, frozen=True, kw_only=True):
    """The quarter-hours of a plan: price a kWh, mean kW of the site by the plan, and by the usual one."""

    price_per_kwh: tuple[float, ...]
    kw: tuple[float, ...]
    usual_kw: tuple[float, ...]


class Plan(Record, frozen=True, kw_only=True, tag="plan"):
    """Which job on which machine when, what stands idle or off, when maintenance is done, from `begin_us` to `end_us`.

    `usual` is what the plant's usual rule would take: the earliest due date first, on the machine that is free first.
    `gap` is how much of the objective may at most be left to gain, None where no bound is known. `assumed` says in
    words what else it rests on. `done` are steps of open orders that ended before, which no later plan makes again.
    Nothing here is a command to a machine.
    """

    plant: str
    id: str
    revision: int
    made_us: int
    begin_us: int
    end_us: int
    reason: PlanReason
    jobs: tuple[PlannedJob, ...]
    power: tuple[PlannedPower, ...]
    care: tuple[PlannedCare, ...]
    unplanned: tuple[Unplanned, ...]
    figures: PlanFigures
    usual: PlanFigures
    saving: PlanSaving
    gap: float | None
    solver: str
    seconds: float
    moved: int
    assumed: tuple[str, ...]
    quarters: Quarters
    currency: str
    done: tuple[PlannedJob, ...] = ()


class PlanResult(Record, frozen=True, kw_only=True, tag="plan-result"):
    """What came of a plan over a time that is past: energy measured, and what the energy baseline says of that output.

    Savings are shares of the baseline; `predicted` is the plan's for the same time. `is_valid` tells whether the
    baseline may be used for it, and `why` why not.
    """

    plant: str
    plan: str
    begin_us: int
    end_us: int
    measured_kwh: float
    baseline_kwh: float
    realised: float
    realised_low: float
    realised_high: float
    predicted: float
    is_valid: bool
    why: str = ""


class Shed(Struct, frozen=True, kw_only=True):
    """A machine that may wait, what that takes off the load, for how long at most; the first costs least."""

    asset: str
    kw: float
    minutes: int
    why: str


class Unshed(Struct, frozen=True, kw_only=True):
    """A machine that must not be asked to wait, and why."""

    asset: str
    why: str


class DemandWarning(Record, frozen=True, kw_only=True, tag="demand-warning"):
    """The quarter-hour that began at `quarter_us` will have a mean over `limit_kw`, if nothing is done.

    `expected_kw` has an interval of 80 %. `shed` are machines that may be asked to wait, `kept` those that must not be
    with the reason. The last revision of a quarter says whether it was passed.
    """

    plant: str
    id: str
    revision: int
    quarter_us: int
    time_us: int
    minutes_left: float
    expected_kw: float
    low_kw: float
    high_kw: float
    limit_kw: float
    is_open: bool
    shed: tuple[Shed, ...]
    kept: tuple[Unshed, ...]
    why: str


class SuggestionState(StrEnum):
    """Life of a suggestion."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class Expected(Struct, frozen=True, kw_only=True):
    """What a suggestion is to change: a figure before and after, with an interval of 80 %.

    Where before is estimated, too, it has one of its own.
    """

    figure: str
    unit: str
    before: float
    after: float
    after_low: float
    after_high: float
    before_low: float | None = None
    before_high: float | None = None


class Setting(Struct, frozen=True, kw_only=True):
    """A parameter of a machine: what it is now, and what is proposed."""

    parameter: str
    unit: str
    now: float
    proposed: float


class Suggestion(Record, frozen=True, kw_only=True, tag="suggestion"):
    """A setting that people may change: the parameter, what it is now and what is proposed, and what that would do.

    `also` are settings that are to change with it. `rails` are limits that bind it. It says until when it holds, how it
    is reverted and `assumed` what it rests on; of a process, for which `product`, by which `model`, how many people
    must approve, and what to test anew (`revalidate`). `moved_us` is when it came to its state and `ended` why, of one
    that `failed` because parts did not show what it promised. Nothing is written to a machine.
    """

    plant: str
    asset: str
    id: str
    revision: int
    subject: str
    parameter: str
    unit: str
    now: float
    proposed: float
    expected: tuple[Expected, ...]
    why: str
    rails: tuple[str, ...]
    state: SuggestionState
    made_us: int
    valid_until_us: int
    revert: str
    assumed: tuple[str, ...] = ()
    also: tuple[Setting, ...] = ()
    product: str = ""
    model: str = ""
    approvals: int = 1
    revalidate: str = ""
    moved_us: int = 0
    ended: str = ""
    failed: bool = False

    @property
    def settings(self) -> tuple[Setting, ...]:
        """All that is to change."""
        first = Setting(parameter=self.parameter, unit=self.unit, now=self.now, proposed=self.proposed)
        return (first, *self.also)


class Verdict(StrEnum):
    """What somebody says to a suggestion."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    MODIFIED = "modified"


class SuggestionAnswer(Record, frozen=True, kw_only=True, tag="suggestion-answer"):
    """Who says what to a suggestion, and why. It lies on the partition of the suggestion's asset, behind it.

    The first answer to a suggestion that is open counts; where two must approve, the first of each of them. To accept
    is to say that people will change the setting; to modify, that they will change it to `values` instead, which must
    pass the rails as the suggestion did.
    """

    plant: Name
    suggestion: Name
    answer: Verdict
    by: Name
    time_us: TimeUs
    why: Annotated[str, Meta(max_length=2000)] = ""
    values: dict[Name, float] = {}


Masked = Annotated[str, Meta(pattern=r"^op-[0-9a-f]{16}(?!\n)$")]
"""A person who works at a station, by a pseudonym that only the plant's key gives (`models.tuning.masking`).

The pattern is one of JSON Schema, too, which knows no end but `$`; in Python that alone lets a line's end pass."""


class Part(Record, frozen=True, kw_only=True, tag="part"):
    """What a station made: one part or a batch of `units`, with the settings it was made at and what was measured.

    `settings` are by parameter, as set; `measured` are by name, conditions too. Times are of the making.
    """

    plant: Name
    asset: Name
    part: Name
    product: Name
    time_us: TimeUs
    settings: dict[Name, float] = {}
    measured: dict[Name, float] = {}
    units: Annotated[int, Meta(ge=1)] = 1
    lot: Annotated[str, Meta(max_length=200)] = ""
    operator: Masked | None = None


class QualityResult(Record, frozen=True, kw_only=True, tag="quality-result"):
    """What was found of a part or batch: how many of `units` are defective, and of which kind.

    It is joined by the id of the part, or, where there is none, by the time at which the part was made (`time_us`).
    `found_us` is when it was inspected, hours later as a rule. A later result of the same part takes the place of the
    one before.
    """

    plant: Name
    asset: Name
    time_us: TimeUs
    found_us: TimeUs
    defects: Annotated[int, Meta(ge=0)]
    part: Name | None = None
    units: Annotated[int, Meta(ge=1)] = 1
    kind: Annotated[str, Meta(max_length=200)] = ""


class TuningSwitch(Record, frozen=True, kw_only=True, tag="tuning-switch"):
    """The kill switch: while it is stopped nothing is suggested at an asset, or at any where none is named."""

    plant: Name
    is_stopped: bool
    by: Name
    time_us: TimeUs
    why: Annotated[str, Meta(max_length=2000)] = ""
    asset: Annotated[str, Meta(max_length=200)] = ""


class SuggestionRefused(Record, frozen=True, kw_only=True, tag="suggestion-refused"):
    """A change that a model proposed, or that somebody (`by`) wished instead, and the rail that did not let it pass."""

    plant: str
    asset: str
    product: str
    time_us: int
    rail: str
    detail: str
    settings: tuple[Setting, ...]
    model: str = ""
    suggestion: str = ""
    by: str = ""


class TrialRequest(Record, frozen=True, kw_only=True, tag="trial-request"):
    """A change too large to be suggested: a trial to be decided on by management of change, with `parts` in each arm.

    As of a suggestion: what is to change, why, what is expected, how it is reverted, what to test anew.
    """

    plant: str
    asset: str
    id: str
    product: str
    settings: tuple[Setting, ...]
    expected: tuple[Expected, ...]
    parts: int
    why: str
    rails: tuple[str, ...]
    model: str
    made_us: int
    revert: str
    revalidate: str = ""


class EffectVerdict(StrEnum):
    """What parts say of a change, as often as one looks."""

    NOT_YET = "not-yet"
    DELIVERS = "delivers"
    HARMS = "harms"
    FUTILE = "futile"


class Arm(Struct, frozen=True, kw_only=True):
    """Parts made at one setting: how many, how many defective, and the rate with 95 % bounds that hold at any time."""

    parts: int
    defects: int
    rate: float
    low: float
    high: float


class SuggestionEffect(Record, frozen=True, kw_only=True, tag="suggestion-effect"):
    """What came of an accepted suggestion so far: parts made as it was before against parts made as it is now.

    `e_better` and `e_worse` are e-values against "not better" and "not worse": 20 is proof at 95 %, looked at whenever.
    `least_parts` in each arm would show what was promised in four of five cases. `figures` are means of what a part
    takes, such as energy, before and after.
    """

    plant: str
    asset: str
    suggestion: str
    product: str
    time_us: int
    before: Arm
    after: Arm
    change_low: float
    change_high: float
    e_better: float
    e_worse: float
    least_parts: int
    verdict: EffectVerdict
    is_final: bool = False
    figures: tuple[Expected, ...] = ()


Control = PlantChange | ModelChange | ClockDecision | Rebuilt | HealthyBaseline | Action
"""Records that change how those after them are read: a step ends before each."""
OfNoAsset = Tick | PlantChange | ModelChange | ClockDecision
"""Records that go to every partition."""
AnyInput = (
    Frame | Tick | Maintenance | WorkOrder | FeedReport | PlantChange | ModelChange | ClockDecision | Rebuilt
    | HealthyBaseline | Action
)  # fmt: skip
AnyRelease = Release | Appointment | Ready | ReleaseMove
"""Records about models, on topics of their own."""
AnyDelivery = Notification | Delivery | Followed | Subscribed | Redelivery
"""Records about who is told of warnings, on topics of their own."""
AnyEnergy = Order | Tariff | LoadForecast | EnergyProfile | Plan | PlanResult | DemandWarning
"""Records about energy and production, on topics of their own."""
AnyTuning = (
    Suggestion | SuggestionAnswer | Part | QualityResult | TuningSwitch | SuggestionRefused | TrialRequest
    | SuggestionEffect
)  # fmt: skip
"""Records about process settings and quality, on topics of their own."""
AnyRecord = (
    AnyInput | Forecast | Shadow | Health | Alert | DeadLetter | Notice | AnyRelease | Drift | ModelUpdate | AnyDelivery
    | AuditEntry | AnyEnergy | AnyTuning
)  # fmt: skip


def key_of(plant: str, asset: str) -> bytes:
    """Key of everything about an asset: UTF-8 `plant/asset`."""
    return f"{plant}/{asset}".encode()


def key_of_chain(entry: AuditEntry) -> bytes:
    """Key of an entry of the audit; all lie on partition 0, so that they have one order."""
    return key_of(entry.plant, f"audit/{entry.chain}")


def key_of_case(alert: Alert) -> bytes:
    """Key of a warning, on the partition of its asset's key: UTF-8 `plant/asset/id`; the last revision is kept."""
    return b"%s/%s" % (key_of(alert.plant, alert.asset), alert.id.encode())


def place_of(record: AnyInput) -> bytes | None:
    """The key of a record on the log; None for one that goes to every partition."""
    if isinstance(record, OfNoAsset):
        return None
    return key_of(record.plant, "" if isinstance(record, FeedReport) else record.asset)


def id_of(kind: str, plant: str, asset: str, mode: str, window_end_us: int) -> str:
    """Id from identity alone: 128 bits of BLAKE2b in hex, the same on every machine."""
    identity = "\x1f".join((kind, plant, asset, mode, str(window_end_us)))
    return hashlib.blake2b(identity.encode(), digest_size=16).hexdigest()


def notice(kind: NoticeKind, plant: str, asset: str, what: str, since_us: int, *, is_open: bool, **said: Any) -> Notice:
    """A notice as it opens (revision 0) or closes (1); its id is its kind, asset, `what` and when it began."""
    return Notice(
        id=id_of(kind, plant, asset, what, since_us),
        revision=0 if is_open else 1,
        plant=plant,
        asset=asset,
        kind=kind,
        state=NoticeState.OPEN if is_open else NoticeState.CLOSED,
        since_us=since_us,
        **said,
    )


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(AnyRecord)


def encode(record: Record) -> bytes:
    """The one wire form of a record: compact JSON in field order."""
    return _encoder.encode(record)


def decode(payload: bytes) -> AnyRecord:
    """Read any record. Raises msgspec.DecodeError (not JSON) or msgspec.ValidationError (JSON, not a record)."""
    return _decoder.decode(payload)


def decode_of(plant: str, payload: bytes | None) -> AnyRecord | None:
    """A plant's record; None for a tombstone and for another plant's. Raises as `decode` does."""
    record = None if payload is None else decode(payload)
    return record if record is not None and record.plant == plant else None


def frame(
    plant: str, asset: str, source: str, times_us: Sequence[int], signals: Mapping[str, Sequence[Sample]]
) -> Frame:
    """A frame from columns; raises ValueError where a column's length is not that of the times."""
    uneven = {name: len(column) for name, column in signals.items() if len(column) != len(times_us)}
    if uneven:
        raise ValueError(f"columns must have {len(times_us)} samples each, but {uneven}")
    return Frame(
        plant=plant,
        asset=asset,
        source=source,
        times_us=list(times_us),
        signals={name: list(column) for name, column in signals.items()},
    )
