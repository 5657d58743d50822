"""The whole API in memory: a plant of two sites that is followed, with desks that remember, and keys of all callers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from msgspec.structs import asdict

from connectors.console.app import application
from connectors.console.audit_log import AuditLog
from connectors.console.callers import KeysAndTokens
from connectors.console.gate import Gate
from connectors.console.keys import Role, api_keys, new_key
from connectors.console.place import Sees, Unwelcome
from connectors.console.plant import add_console
from connectors.console.rates import Limits
from connectors.console.said import Acted, Books, Column, KpisOf, Page, Part, Signals, ValueOf, Worked, Works
from connectors.memory import MemoryBoard
from connectors.memory_audit import MemoryAudit
from connectors.releases.registry import Registry
from models.alerting.kpis import kpis
from models.alerting.lifecycle import Impossible, moved_by
from models.alerting.value import value
from models.alerting.wishes import Wish
from models.records import Action, Alert, Suggestion, Verdict
from pipelines.cli.serving import PlantModels
from pipelines.console.role import Follower
from pipelines.console.standing import Standing
from pipelines.releases.offices import Place
from tests.kit import tiny
from tests.kit.api_parts import HOSTS, Subscriptions, Workers
from tests.kit.followed import PLANT, MemoryLog, books, came, forecast, health, silent
from tests.kit.planned import demand, effect, plan, refused, result, suggestion, trial, tuned
from tests.kit.warned import alert, at

QUAY, MILL = alert("pump-01", severity=700), alert("fan-01", severity=300)
PLANNED, QUAY_SETTING, MILL_SETTING = plan(alert=QUAY.id), suggestion(), suggestion("fan-01", "s-2")
QUAY_TUNED = tuned()
"""Of a process, at the quay; what its model had refused, a wish that was, a trial and an effect are there, too."""
SITES: dict[str, tuple[str, ...]] = {"all": (), "quay": ("quay",), "mill": ("mill",)}


class Desk:
    """A `connectors.console.place.Desk`; `acted` is what came of it. Figures are worked out as the real one does."""

    def __init__(self, standing: Standing) -> None:
        self.acted: list[Action] = []
        self.answered: list[tuple[str, Verdict, str, str, dict[str, float]]] = []
        self._standing = standing

    def act(self, case: Alert, wish: Wish) -> Acted:
        action = Action(plant=case.plant, asset=case.asset, alert=case.id, time_us=at(5), **wish._asdict())
        try:
            is_news = moved_by(case, action) is not None
        except Impossible as wrong:
            raise Unwelcome(str(wrong)) from wrong
        self.acted.append(action)
        return Acted(done=("on the log",), is_news=is_news)

    def person(self, name: str) -> str:
        return name

    def answer(self, suggestion: Suggestion, said: Verdict, by: str, why: str, values: dict[str, float]) -> Acted:
        self.answered.append((suggestion.id, said, by, why, values))
        return Acted(done=("on the log",), is_news=True)

    def page(self, id_: str) -> Page:
        return Page(title=id_, parts=(Part(title="What it asks", lines=("Plan a check.",), table=None),))

    def kpis(self, week: str | None, sees: Sees) -> KpisOf:
        if week == "2026-W99":
            raise Unwelcome("week 2026-W99: write year and week, as 2026-W47")
        found = kpis(self._alerts(sees), PLANT.budget, at(0), at(168), at(24))
        return KpisOf(week="2026-W01", thinned="", **asdict(found))

    def value(self, month: str | None, sees: Sees, hours: float | None) -> ValueOf:
        found = value(self._alerts(sees), [], PLANT, at(0), at(700), hours)
        return ValueOf(month=month or "2026-01", thinned="", **asdict(found))

    def value_csv(self, month: str | None, sees: Sees) -> bytes:
        return b"kind\r\n"

    def ledger(self) -> Books:
        return Books(balances=True, total={}, partitions={}, topics={})

    async def signals(self, asset: str, days: float) -> Signals:
        column = Column(mean=(1.0, None), low=(0.5, None), high=(2.0, None))
        return Signals(from_us=at(0), to_us=at(1), step_us=60, time_us=(at(0), at(0) + 60), signals={"a": column})

    async def work(self, asset: str) -> Works:
        return Works(work=(Worked(time_us=at(0), kind="repaired", mode="bearing", order=""),))

    def _alerts(self, sees: Sees) -> list[Alert]:
        return [case.alert for case in self._standing.cases.values() if sees(case.alert.asset)]


class WholeApi:
    """`app` is an ASGI application; `keys` are by role and site of SITES."""

    def __init__(self, folder: Path, **more: Any) -> None:
        made = {
            (role, place): new_key(f"{role}-{place}", role, sites) for role in Role for place, sites in SITES.items()
        }
        self.keys = {of: key for of, (key, _) in made.items()}
        standing = Standing(PLANT)
        records = came(QUAY, MILL, forecast("pump-01", 1, 0.4), health("fan-01", 1, 70.0), silent("pump-02", 1))
        records += came(PLANNED, result(), demand(), QUAY_SETTING, MILL_SETTING)
        records += came(QUAY_TUNED, effect(), refused(), refused(id_=QUAY_TUNED.id), trial())
        self.changes = list(standing.take([*records, books(0, rows_read=2, rows_stored=2)]))
        self.follower, self.desk = Follower(MemoryLog(), standing, ()), Desk(standing)
        self.follower.is_following = True
        self.audit = MemoryAudit()
        keys = KeysAndTokens(api_keys(",".join(told for _, told in made.values())))
        limits = Limits("1000000/minute", "1000000/minute")
        self.gate = Gate(keys, **{"limits": limits, "hosts": HOSTS, "audit": AuditLog(self.audit, "north"), **more})
        place = Place(MemoryBoard("tiny", Workers()), tiny.plant, 2, lambda: 1_000, lambda _: "", 0.0)
        models = PlantModels(place, Registry(str(folder / "registry")), lambda name: {"of": name})
        self.app = application(self.gate, models, Subscriptions())
        add_console(self.app, self.follower, self.desk)

    def headers(self, role: Role, place: str = "all") -> dict[str, str]:
        return {"Authorization": f"Bearer {self.keys[role, place]}"}
