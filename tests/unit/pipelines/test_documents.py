"""What is generated agrees with what is written: diagram, schema, AsyncAPI."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from pkgutil import iter_modules
from typing import get_args

from rich.console import Console

import pipelines.stages
from models.alerting.wording import rests_on
from models.records import Alert, AnyRecord, AnyTuning, decode, encode, id_of
from pipelines.cli import watching
from pipelines.schema import RECORDS, asyncapi_document, json_schema
from pipelines.topics import TOPICS, Topic
from pipelines.topology import STAGES, diagram, release_diagram

ROOT = Path(__file__).parents[3]


def test_the_architecture_shows_the_diagram_that_is_generated():
    assert f"```mermaid\n{diagram()}\n```" in (ROOT / "ARCHITECTURE.md").read_text()


def test_the_architecture_shows_how_a_release_moves():
    assert f"```mermaid\n{release_diagram()}\n```" in (ROOT / "ARCHITECTURE.md").read_text()


def test_every_stage_is_a_module_and_the_other_way_round():
    modules = {path.stem for path in Path(pipelines.stages.__path__[0]).glob("*.py")} - {"__init__"}
    assert modules == {stage.name for stage in STAGES}


def test_the_import_contract_names_every_module_but_the_composition_root():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (named,) = [each["source_modules"] for each in contracts if "composition root" in each["name"]]
    modules = {f"pipelines.{module.name}" for module in iter_modules(pipelines.__path__)}
    assert set(named) == modules - {"pipelines.main", "pipelines.seen", "pipelines.cli"}


def test_the_schema_covers_every_record():
    assert set(RECORDS) == set(AnyRecord.__args__)
    schema = json_schema()
    assert {record.__name__ for record in RECORDS} <= schema["$defs"].keys()
    assert schema["$defs"]["Frame"]["properties"]["type"] == {"enum": ["frame"]}


def test_the_asyncapi_document_has_a_channel_a_topic():
    document = asyncapi_document()
    assert list(document["channels"]) == [str(topic) for topic in Topic]
    assert document["channels"]["records"]["messages"].keys() == {
        "Frame", "Tick", "Maintenance", "WorkOrder", "FeedReport", "PlantChange", "ModelChange", "ClockDecision",
        "Rebuilt", "HealthyBaseline", "Action",
    }  # fmt: skip


def test_the_reference_shows_a_warning_as_it_travels_says_each_of_its_fields_and_prints_it_as_the_command_does():
    section = (ROOT / "pipelines" / "OUTPUT.md").read_text().split("\n## A warning")[1].split("\n## Its life")[0]
    printed, shown = re.findall(r"```(?:json)?\n(.*?)\n```", section, re.DOTALL)
    alert = decode(shown.encode())
    assert isinstance(alert, Alert) and json.loads(encode(alert)) == json.loads(shown)
    assert alert.id == id_of("alert", alert.plant, alert.asset, alert.mode, alert.opened_us)
    said = {name for row in section.splitlines() if row.startswith("| `") for name in re.findall(r"`(\w+)`", row)}
    assert set(Alert.__struct_fields__) - said == {"plant", "asset"}
    console = Console(record=True, width=300)
    console.print(watching.line(alert), highlight=False)
    assert printed.splitlines() == [console.export_text().rstrip("\n"), *(f"    {one}" for one in rests_on(alert))]


def test_every_point_of_the_contract_names_tests_that_exist():
    section = (ROOT / "ARCHITECTURE.md").read_text().split("## The contract")[1].split("\n## ")[0]
    table = [line for line in section.splitlines() if line.startswith("| ")][2:]
    assert len(table) == 10
    for line in table:
        for name in (part for part in line.split("`") if part.startswith("tests/")):
            file, _, test = name.partition("::")
            assert f"def {test}" in (ROOT / file).read_text(), name


def test_every_record_that_a_topic_holds_is_declared_and_the_reference_names_every_topic_of_tuning():
    assert {name for spec in TOPICS for name in spec.holds.split(", ")} >= {one.__name__ for one in get_args(AnyTuning)}
    channels = asyncapi_document()["channels"]
    assert channels["quality"]["messages"].keys() == {"Part", "QualityResult"}
    assert channels["suggestions"]["messages"].keys() == {
        "Suggestion", "SuggestionAnswer", "SuggestionEffect", "SuggestionRefused", "TrialRequest", "TuningSwitch",
    }  # fmt: skip
    said = (ROOT / "pipelines" / "OUTPUT.md").read_text()
    assert "| `suggestions` |" in said and "| `quality` |" in said


def test_the_pattern_of_a_masked_operator_means_the_same_in_json_schema():
    (operator,) = (of for of in json_schema()["$defs"]["Part"]["properties"]["operator"]["anyOf"] if "pattern" in of)
    assert not set(re.findall(r"\\(\w)", operator["pattern"])) - {"n"}, "ECMA 262 has no \\A and no \\Z"
