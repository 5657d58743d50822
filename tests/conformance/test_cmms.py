"""Every module of connectors.cmms.systems keeps to what a maintenance system is; a new one is tested by being there."""

from __future__ import annotations

import tomllib
from importlib import import_module
from itertools import product
from pathlib import Path

import pytest
from msgspec.structs import replace

from connectors.cmms.maps import SHIPPED, maps_of, read_map
from connectors.cmms.reader import read, read_equipment
from connectors.cmms.systems import MODULES, systems
from models.failure.labels import Label, Outcome, label_of
from models.failure.merging import merged
from tests.unit.connectors.cmms.kit import plant

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "infra/examples/labels"
LISTS = {
    "csv": [EXAMPLES / "plain.csv"],
    "maximo": [EXAMPLES / "maximo.csv"],
    "sap-pm": [EXAMPLES / "sap-notifications.csv", EXAMPLES / "sap-orders.csv"],
}
"""Of each system a list by hand that tells, among others, of the two events that all of them saw."""

of_each = pytest.mark.parametrize("system", sorted(systems()))


def labels(system: str) -> dict[str, Label]:
    """Labels of the example by the text of their documents."""
    own = [EXAMPLES / "sap-map.toml"] if system == "sap-pm" else []
    found = read(LISTS[system], system, maps_of(system, own), plant(), read_equipment(EXAMPLES / "equipment.csv"))
    assert found.letters == []
    return {label.text: label for label in merged((), found.documents).labels}


def test_every_system_has_an_example_and_maps_that_are_shipped() -> None:
    assert sorted(LISTS) == sorted(systems()) and len(MODULES) == len(systems()) > 0
    named = [name for module in systems().values() for name in module.MAPS]
    assert sorted(named) == sorted(path.stem for path in SHIPPED.glob("*.toml"))


@of_each
def test_a_system_says_what_it_reads(system: str) -> None:
    module = systems()[system]
    assert len((module.__doc__ or "").split()) >= 8
    assert import_module(module.__name__).number_of("4711") == "4711"


@of_each
def test_its_maps_say_where_they_are_from_and_how_sure_that_is(system: str) -> None:
    for name in systems()[system].MAPS:
        head = (SHIPPED / f"{name}.toml").read_text().partition("\nsource")[0]
        assert all(line.startswith("#") for line in head.splitlines()) and len(head) > 100
        assert (
            tomllib.loads((SHIPPED / f"{name}.toml").read_text())["source"] == read_map(SHIPPED / f"{name}.toml").source
        )


TEXTS = ("Bearing hot, pump tripped", "Seal replaced after warning")


@pytest.mark.parametrize(("system", "text"), list(product(sorted(systems()), TEXTS)))
def test_a_document_that_means_the_same_gives_the_same_label(system: str, text: str) -> None:
    def meant(label: Label) -> Label:
        aside = {"id": "", "system": "any", "document": "any", "component": "", "cause": "", "documents": ()}
        return replace(label, **aside)

    assert meant(labels(system)[text]) == meant(labels("csv")[text])


@of_each
def test_a_repair_after_a_warning_is_censored_never_a_negative(system: str) -> None:
    assert labels(system)["Seal replaced after warning"].outcome is Outcome.REPAIRED_IN_TIME


@of_each
def test_the_same_list_gives_the_same_labels_again(system: str) -> None:
    found = labels(system)
    assert (
        merged(found.values(), [part for label in found.values() for part in label.documents]).labels
        == merged(found.values(), []).labels
    )
    assert all(label_of(label.documents) == label for label in found.values())
