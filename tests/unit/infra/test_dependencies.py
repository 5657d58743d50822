"""What Forewarn stands on: reasons, licences, the document of them, what an audit says, and Pythons that are found."""

from __future__ import annotations

import re
from email.message import Message
from importlib import metadata

import pytest

from infra.bin import audit, dependencies, pythons
from infra.bin.audit import Said
from infra.bin.dependencies import ALLOWED, ALLOWED_IN_DEVELOPMENT, DEVELOPMENT, NOT_HERE, PAGE, ROOT

PROJECT, LOCK = (ROOT / "pyproject.toml").read_text(), (ROOT / "requirements-dev.lock").read_text()
PINNED, ASKED = dependencies.pinned(LOCK), dependencies.asked(PROJECT)


def told_licences() -> dict[str, str]:
    """By package, as the document has them."""
    lines = [
        line.strip("| ").split(" | ")
        for line in PAGE.read_text().splitlines()
        if line.startswith("| ") and "---" not in line
    ]
    direct = {one.name for one in ASKED}
    return {line[0]: line[3] if line[0] in direct else line[2] for line in lines if len(line) == 4}


def test_every_dependency_has_a_reason():
    assert [one.wanted for one in ASKED if len(one.why) < 8] == []
    assert len(ASKED) > 50


def test_a_dependency_without_a_comment_has_none():
    text = '[project]\nname = "x"\ndependencies = [\n    "one>=1",\n    "two[a]>=2", # counts\n]\n'
    text += "[project.optional-dependencies]\n"
    assert [(one.name, one.why) for one in dependencies.asked(text)] == [("one", ""), ("two", "counts")]


def test_the_document_is_what_the_project_and_the_lock_say():
    known = told_licences()
    assert dependencies.page(PROJECT, LOCK, known.__getitem__) == PAGE.read_text(), "make dependencies"


def test_every_package_of_the_lock_is_in_the_document():
    assert set(told_licences()) - {"package"} == set(PINNED)
    assert all(one.by for one in PINNED.values())
    assert not any(parent in ("via", "-c") for one in PINNED.values() for parent in one.by)


def test_licences_in_the_document_are_those_of_what_is_installed():
    for name, told in told_licences().items():
        here = dependencies.installed(name) if name in PINNED else NOT_HERE
        versions = [version for version, _ in PINNED[name].versions] if name in PINNED else []
        if here != NOT_HERE and metadata.version(name) in versions:
            assert told == here, f"{name}: make dependencies"


def test_every_licence_may_be_taken_where_its_package_is_used():
    shipped = dependencies.ships(PINNED, ASKED)
    for name, licence in told_licences().items():
        if name in PINNED and licence != NOT_HERE:
            allowed = ALLOWED if name in shipped else ALLOWED | ALLOWED_IN_DEVELOPMENT
            assert not dependencies.refused(licence, allowed), f"{name}: {licence}"


def test_no_licence_stays_unread_but_of_other_systems_and_pythons():
    unread = {name for name, licence in told_licences().items() if licence == NOT_HERE}
    assert all(marker for name in unread for _, marker in PINNED[name].versions)


def test_each_allowed_licence_is_one_that_some_package_has_and_has_a_reason():
    have = {part for told in told_licences().values() for part in re.split(" AND | OR ", told)}
    for licence, why in (ALLOWED | ALLOWED_IN_DEVELOPMENT).items():
        assert licence in have and len(why) > 10, licence


def test_a_library_under_the_lgpl_comes_with_one_extra_alone_or_with_development():
    under = {name for name, licence in told_licences().items() if licence.startswith("LGPL")}
    assert {(one.name, one.group) for one in ASKED if one.name in under} == {
        ("asyncua", "scada"),
        ("pyte", DEVELOPMENT),
    }
    assert under == {"asyncua", "pyte"}


def test_what_only_development_may_have_is_not_shipped():
    shipped = dependencies.ships(PINNED, ASKED)
    assert "progpy" not in shipped and {"numpy", "asyncua", "aiohttp"} <= shipped
    assert {one.name for one in ASKED if one.group != DEVELOPMENT} <= shipped


@pytest.mark.parametrize(
    ("licence", "is_refused"),
    [
        ("MIT", False), ("GPL-3.0-only", True), ("GPL-3.0-only OR MIT", False), ("MIT AND GPL-3.0-only", True),
        ("BSD-2-Clause AND Apache-2.0 WITH LLVM-exception", False), ("", True),
    ],
)  # fmt: skip
def test_of_a_choice_one_is_enough_and_of_a_sum_all_count(licence, is_refused):
    assert dependencies.refused(licence, ALLOWED) is is_refused


@pytest.mark.parametrize(
    ("head", "text", "said"),
    [
        ({"License-Expression": "MIT OR Apache-2.0"}, "", "MIT OR Apache-2.0"),
        ({"License": "Apache 2.0\nand so on"}, "", "Apache-2.0"),
        ({"Classifier": "License :: OSI Approved :: MIT License"}, "", "MIT"),
        ({"License": "BSD"}, "Redistribution and use ... Neither the name of", "BSD-3-Clause"),
        ({"License": "BSD"}, "Redistribution\nand use in source", "BSD-2-Clause"),
        ({}, "Permission is hereby granted, free of charge", "MIT"),
        ({"License": "Our own"}, "All rights reserved", ""),
    ],
)
def test_a_licence_is_read_from_what_a_distribution_says(head, text, said):
    told = Message()
    for key, value in head.items():
        told[key] = value
    assert dependencies.expression(told, text) == said


def test_a_lock_tells_versions_markers_and_who_brings_a_package():
    lock = "one==1 ; python_full_version < '3.12' \\\n    --hash=sha256:00\n"
    lock += "    # via\n    #   -c requirements.lock\n    #   two\n"
    lock += "one==2 ; python_full_version >= '3.12' \\\n    --hash=sha256:01\n    # via three\n"
    one = dependencies.pinned(lock)["one"]
    assert one.versions == (("1", "python_full_version < '3.12'"), ("2", "python_full_version >= '3.12'"))
    assert one.by == ("three", "two")


ASKED_ABOUT = {"name": "one", "version": "1", "vulns": []}
HARMED = {"name": "two", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["3"]}]}
SKIPPED = {"name": "three", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("packages", "said"),
    [
        ([ASKED_ABOUT], Said.NOTHING_KNOWN),
        ([ASKED_ABOUT, HARMED], Said.FOUND),
        ([ASKED_ABOUT, SKIPPED], Said.NOT_ASKED),
        ([SKIPPED], Said.NOT_ASKED),
        ([HARMED, SKIPPED], Said.FOUND),
        ([], Said.NOT_ASKED),
    ],
)
def test_an_audit_tells_nothing_known_from_found_and_from_not_asked(packages, said):
    assert audit.judged({"dependencies": packages})[0] == said


def test_an_audit_names_what_it_found_and_what_mends_it():
    assert audit.judged({"dependencies": [HARMED]})[1] == ["two 2: CVE-1, mended in 3"]


def test_exit_statuses_of_an_audit_are_those_that_the_document_states():
    told = " ".join(PAGE.read_text().split())
    assert f"ends with {Said.NOTHING_KNOWN:d} where all were asked about" in told
    assert f"with {Said.FOUND:d} where something is known, and with {Said.NOT_ASKED:d} where the service could" in told


def test_pythons_that_are_wanted_are_those_of_the_classifiers_and_begin_with_the_oldest_allowed():
    least = re.search(r'requires-python = ">=(\S+)"', PROJECT)
    assert least and pythons.wanted(PROJECT)[0] == least[1]
    assert pythons.wanted(
        '[project]\nclassifiers = ["Programming Language :: Python :: 3.14", "Typing :: Typed"]\n'
    ) == ["3.14"]


def test_a_python_is_taken_from_the_path_or_from_the_newest_of_pyenv_if_it_is_one(tmp_path):
    for patch in ("3.12.9", "3.12.10", "3.13.1"):
        (tmp_path / "versions" / patch / "bin").mkdir(parents=True)
        (tmp_path / "versions" / patch / "bin" / "python").touch()
    shims = tmp_path / "shims"
    shims.mkdir()
    (shims / "python3.12").touch(mode=0o755)
    environ = {"PATH": str(shims), "PYENV_ROOT": str(tmp_path)}

    def says(path):
        return "" if path.parent == shims else path.parents[1].name.rpartition(".")[0]

    assert pythons.found("3.12", environ, says) == tmp_path / "versions" / "3.12.10" / "bin" / "python"
    assert pythons.found("3.12", environ, lambda _: "3.12") == shims / "python3.12"
    assert pythons.found("3.11", environ, says) is None
