"""What is generated agrees with what is written: diagram, schema, AsyncAPI."""

from __future__ import annotations

import tomllib
from pathlib import Path
from pkgutil import iter_modules

import pipelines.stages
from models.records import AnyRecord
from pipelines.schema import RECORDS, asyncapi_document, json_schema
from pipelines.topics import Topic
from pipelines.topology import STAGES, diagram

ROOT = Path(__file__).parents[3]


def test_the_architecture_shows_the_diagram_that_is_generated():
    assert f"```mermaid\n{diagram()}\n```" in (ROOT / "ARCHITECTURE.md").read_text()


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
        "Frame", "Tick", "Maintenance", "WorkOrder", "FeedReport", "PlantChange", "ClockDecision", "Rebuilt",
        "HealthyBaseline",
    }  # fmt: skip


def test_every_point_of_the_contract_names_tests_that_exist():
    section = (ROOT / "ARCHITECTURE.md").read_text().split("## The contract")[1].split("\n## ")[0]
    table = [line for line in section.splitlines() if line.startswith("| ")][2:]
    assert len(table) == 9
    for line in table:
        for name in (part for part in line.split("`") if part.startswith("tests/")):
            file, _, test = name.partition("::")
            assert f"def {test}" in (ROOT / file).read_text(), name
