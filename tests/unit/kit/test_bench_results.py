"""Benchmarks' results: what is folded, how pages and pictures are made of it, and that the tree's pages are so made."""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict

import pytest

from tests.kit import bench, bench_bars, bench_page, benches, peers, results
from tests.kit.bench import ROOT, Row
from tests.kit.bench_shown import END, NO_FIGURE, NOT_RUN, bar_said, filled, loses, rendered, shown

OURS = Row.of([9.0, 12.0, 10.0], name="single: Forewarn", unit="rows/s", bar=11.0)
PEER = Row.of([8.0, 20.0, 15.0], name="single: Telegraf", unit="rows/s", peer="Telegraf", ours=10.0)


def document(rows=(OURS, PEER), parts=(), name="step", **more):
    return {
        "name": name, "quick": False, "when": "2026-11-27T06:00Z", "took_s": 90.4, "machine": "x86_64, 2 cores",
        "versions": {"numpy": "2.4.6"}, "peers": {"telegraf": "1.37.2"}, "commit": "ab" * 20, "changed": False,
        "rows": [asdict(row) | {"holds": row.holds} for row in rows], "parts": [asdict(row) for row in parts],
    } | more  # fmt: skip


@pytest.fixture
def file(tmp_path):
    return tmp_path / "folder" / "results.json"


def test_a_row_of_rounds_is_their_median_with_the_least_and_the_most():
    assert (OURS.value, OURS.low, OURS.high, OURS.runs, OURS.holds) == (10.0, 9.0, 12.0, 3, False)


def test_a_round_without_a_figure_leaves_none_and_no_bar_holds():
    row = Row.of([9.0, math.nan], name="n", unit="", bar=0.0)
    assert math.isnan(row.value) and row.runs is None and not row.holds


HALF = ({"low": 1.0}, {"low": 2.0, "high": 1.0, "runs": 2}, {"ours": 1.0}, {"ours": 1.0, "theirs": 1.0, "peer": "p"})


@pytest.mark.parametrize("wrong", HALF)
def test_a_row_is_refused_that_says_half_of_something(wrong):
    with pytest.raises(ValueError, match="n: "):
        Row(name="n", value=1.0, unit="", **wrong)


def test_the_better_one_is_larger_unless_less_is_asked_for():
    def row(ours, theirs, at_most=False):
        return Row(name="n", value=ours, theirs=theirs, unit="", peer="p", at_most=at_most)

    assert [loses(row(1.0, 2.0)), loses(row(2.0, 1.0)), loses(row(1.0, 1.0))] == [True, False, False]
    assert [loses(row(1.0, 2.0, True)), loses(row(2.0, 1.0, True))] == [False, True]
    assert loses(PEER) and not loses(OURS) and not loses(row(math.nan, 1.0))


def test_rows_come_back_as_they_were_told(file):
    lost = Row(name="lost", value=math.nan, unit="s", bar=math.nan, at_most=True)
    results.fold(document([OURS, PEER, lost]), file)
    ours, peer, found = results.rows_of(results.load(file)["step"])
    assert (ours, peer) == (OURS, PEER)
    assert math.isnan(found.value) and not found.holds


def test_a_fold_keeps_other_benches_and_replaces_its_own(file):
    results.fold(document(), file)
    results.fold(document(name="rules"), file)
    results.fold(document([PEER]), file)
    found = results.load(file)
    assert {name: len(entry["rows"]) for name, entry in found.items()} == {"rules": 2, "step": 1}
    assert file.read_text() == results.encoded(found)


def test_of_parts_those_beside_a_peer_are_kept_and_the_rest_is_counted(file):
    results.fold(document([OURS], [PEER, OURS, OURS]), file)
    entry = results.load(file)["step"]
    assert (results.rows_of(entry), entry["left_out"]) == ([OURS, PEER], 2)


@pytest.mark.parametrize("wrong", [{"quick": True}, {"name": "no-bench"}])
def test_a_quick_run_and_a_stranger_are_refused(file, wrong):
    with pytest.raises(results.Refused):
        results.fold(document(**wrong), file)
    assert not file.exists()


@pytest.mark.parametrize("key", results.TOLD)
def test_a_document_that_leaves_out_what_it_ran_on_is_refused(file, key):
    told = document()
    del told[key]
    with pytest.raises(results.Refused, match=f"does not say {key}"):
        results.fold(told, file)


def test_under_the_variable_for_trying_every_report_is_a_quick_one(tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "FOLDER", tmp_path)
    monkeypatch.setenv("BENCH_QUICK", "1")
    with pytest.raises(SystemExit) as ended:
        bench.report("step", [OURS])
    assert ended.value.code == 1
    assert [path.name for path in tmp_path.iterdir()] == ["step-quick.json"]
    assert json.loads((tmp_path / "step-quick.json").read_text())["quick"]


def test_a_report_is_what_a_fold_takes(tmp_path, file, monkeypatch):
    monkeypatch.setattr(bench, "FOLDER", tmp_path)
    monkeypatch.delenv("BENCH_QUICK", raising=False)
    with pytest.raises(SystemExit) as ended:
        bench.report("step", [PEER], [OURS])
    assert ended.value.code == 0
    results.fold(json.loads((tmp_path / "step.json").read_text()), file)
    entry = results.load(file)["step"]
    assert set(results.TOLD) < set(entry) and entry["left_out"] == 1
    assert bench_page.page({"step": entry})


SHOWN = ((120134.4, "120,134"), (0.030741, "0.03074"), (5.0, "5"), (math.nan, "no figure"))


@pytest.mark.parametrize(("value", "said"), SHOWN)
def test_figures_have_four_digits_or_all_before_the_point(value, said):
    assert shown(value) == said


def test_templates_take_values_spreads_bars_and_formats():
    told = "{{single: Forewarn}} ({{single: Forewarn | spread}}), {{single: Forewarn [rows/s] | .1f}}"
    told += ": {{single: Forewarn | bar}}"
    assert filled(told, [OURS]) == "10 (9 to 12), 10.0: the bar of at least 11 is not reached"
    assert bar_said(Row(name="n", value=1.0, unit="", bar=2.0, at_most=True)) == "the bar is at most 2"


def test_a_name_alone_is_ours_where_a_peer_has_the_same_and_a_peers_is_asked_for_by_its_name():
    rows = [Row(name="recall", value=0.9, unit="share"), Row(name="recall", value=0.5, unit="share", peer="age alone")]
    assert filled("{{recall | .0%}} for {{recall @ age alone | .0%}}, {{recall [share] @ age alone}}", rows) == (
        "90% for 50%, 0.5"
    )
    assert filled("{{recall @ nobody}}", rows) == NO_FIGURE


@pytest.mark.parametrize("asked", ["{{nothing}}", "{{single: Forewarn [s]}}", "{{single: Forewarn}}"])
def test_a_template_that_no_row_or_several_rows_fit_says_so(asked):
    assert filled(asked, [OURS, Row(name="single: Forewarn", value=1.0, unit="CPU-s")]) == NO_FIGURE


def test_blocks_are_rendered_between_their_comments_and_again_the_same(file):
    results.fold(document(), file)
    found = results.load(file)
    text = f"before\n<!-- bench: step\nIt is {{{{single: Telegraf}}}}.\n-->\n%s{END}\nafter\n"
    once = rendered(text % "old\n", found)
    assert once == text % "It is 15.\n"
    assert rendered(once, found) == once
    assert rendered(once, {}) == text % f"`make bench ONLY=step`: {NOT_RUN}.\n"


def test_the_page_says_first_where_a_bar_is_missed_and_where_a_peer_is_better(file):
    results.fold(document(), file)
    told = bench_page.page(results.load(file))
    first, rest = told.split("## Summary")
    assert "1 bar does not hold" in first and "| single: Forewarn | 10 | rows/s | at least 11 |" in first
    assert "1 figure of a peer is better than ours" in first and "| Telegraf | 15 | 10 | rows/s |" in first
    assert "| 9 to 12 (3) | at least 11 | **no** |" in rest
    assert "Ran 2026-11-27 on x86_64, 2 cores; it took 90 s; commit `abababababab`." in rest
    assert "Peers: telegraf 1.37.2." in rest


def test_where_all_is_well_the_page_says_that(file):
    results.fold(document([Row(name="n", value=2.0, unit="", bar=1.0)]), file)
    told = bench_page.page(results.load(file))
    assert "All bars of the benches that ran hold." in told
    assert "No peer's figure is better than ours" in told


def test_every_bench_has_a_section_with_what_it_says_of_itself():
    told = bench_page.page({})
    for name in results.names():
        assert results.docstring(name), f"{name} says nothing of itself"
        assert f"## {name}\n\n{results.docstring(name)}\n" in told
    assert told.count(f"**{NOT_RUN.capitalize()}.**") == len(results.names())


def test_peers_versions_are_those_of_the_locks():
    told = peers.versions()
    assert told["telegraf"] == peers.telegraf_version()
    pinned = (peers.FOLDER / "peers.lock").read_text()
    for name in set(told) - {"telegraf"}:
        assert re.search(rf"^{name}(\[.*\])?=={re.escape(told[name])}[ ;]", pinned, re.MULTILINE), name
    assert {"quixstreams", "bytewax", "faust-streaming"} < set(told)


def test_bars_are_drawn_of_ours_and_its_peers_the_same_each_time(tmp_path):
    other = Row(name="single: Bytewax", value=7.25, unit="rows/s", peer="Bytewax", ours=10.0)
    drawn = bench_bars.panels([OURS, PEER, other])
    assert drawn == [("single, rows/s", 10.0, [PEER, other])]
    bench_bars.draw(drawn, tmp_path / "one.svg")
    bench_bars.draw(drawn, tmp_path / "two.svg")
    told = (tmp_path / "one.svg").read_text()
    assert told == (tmp_path / "two.svg").read_text()
    assert all(f">{word}<" in told for word in ("Forewarn", "Telegraf", "Bytewax", "7.25", "15"))


def test_a_run_goes_on_after_failures_and_lists_them(tmp_path, file, capsys):
    def run(name):
        if name == "rules":
            return 1
        quick = "-quick" * (name == "store")
        told = document(name=name, quick=bool(quick))
        (tmp_path / f"{name}{quick}.json").write_text(json.dumps(told))
        return 1

    (tmp_path / "rules.json").write_text(json.dumps(document(name="rules")))  # of an earlier run
    outcome = benches.run_all(["rules", "step", "store"], run, tmp_path, file)
    assert outcome.unmeasured == ["rules: ended with 1 and measured nothing"]
    assert outcome.missed == ["step: single: Forewarn", "store: single: Forewarn"]
    assert list(results.load(file)) == ["step"]
    benches.run_all(["step"], run, tmp_path, file)
    said = capsys.readouterr().err
    assert "2 of 3: step, which has no result yet" in said and "1 of 1: step, which took 90 s on 2026-11-27" in said


def test_names_are_chosen_by_hand_or_by_what_is_missing(monkeypatch):
    found = {"step": {"commit": "0" * 40, "changed": False}, "store": {"changed": True}}
    monkeypatch.setattr(results, "load", lambda: found)
    assert benches.chosen("step,rules", missing=False) == ["rules", "step"]
    assert benches.chosen("", missing=True) == results.names()
    monkeypatch.setattr(results, "is_of_this_tree", lambda entry: not entry["changed"])
    assert benches.chosen("step,store", missing=True) == ["store"]
    with pytest.raises(SystemExit, match="no benchmark is named steps"):
        benches.chosen("steps", missing=False)


def test_a_result_is_of_this_tree_unless_its_commit_is_another_or_files_differed():
    told = bench.tree()
    assert results.is_of_this_tree({"commit": told["commit"], "changed": False})
    assert not results.is_of_this_tree({"commit": told["commit"], "changed": True})
    assert not results.is_of_this_tree({"commit": "0" * 40, "changed": False})


def test_the_pages_of_the_tree_are_what_its_results_say():
    found = results.load()
    assert bench_page.PAGE.read_text() == bench_page.page(found), "make benchmarks"
    assert ROOT / "README.md" in bench_page.TEMPLATED
    for path in bench_page.TEMPLATED:
        text = path.read_text(encoding="utf-8")
        assert text == rendered(text, found), f"{path}: make benchmarks"
        assert NO_FIGURE not in text, path


def test_pictures_of_the_pages_are_there_and_show_the_results():
    found = results.load()
    for name, entry in found.items():
        rows = results.rows_of(entry)
        for path in bench_page.pictures(name, rows):
            told = path.read_text()
            if path.parent.name == "bench":
                for _, ours, of in bench_bars.panels(rows):
                    assert all(f">{shown(value)}<" in told for value in (ours, *(row.value for row in of))), path
    drawn = {path.stem for path in (ROOT / "infra" / "pictures" / "bench").glob("*.svg")}
    assert drawn <= set(found)


def test_results_are_written_as_they_are_read():
    assert results.FILE.read_text() == results.encoded(results.load())
    assert set(results.load()) <= set(results.names())
