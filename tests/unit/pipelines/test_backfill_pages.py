"""A backfill's report as files and on the terminal: names as text, the same figures in each, nothing fetched."""

from __future__ import annotations

import json
import re
import sys
from xml.etree import ElementTree

import polars as pl
from rich.console import Console

from pipelines.backfill.results import FORECASTS
from pipelines.cli.outcome import Verdict
from pipelines.cli.report import Live, judged, write_reports
from tests.kit.runs import by_rules, failed, forecasts, ledger, minutes, mixed, plan, repaired, run, warning


def written(results, live=None) -> str:
    console = Console(record=True, width=200, force_terminal=False)
    write_reports(results, live, console)
    return console.export_text()


def busy(folder, asset="a", drawn=True):
    records = [*warning(asset, 24), failed(asset, 54), repaired(asset, 60), *warning("b", 100, 120)]
    tables = [forecasts(asset, minutes(0, 600)), forecasts("b", minutes(0, 60))]
    return run(folder, of=plan(assets=(asset, "b")), records=records, tables=tables, gaps=[(asset, 5, 9)])


HOSTILE = "<script>$x_{$|[red]*`&amp;"


def test_names_are_text_on_the_page(tmp_path):
    written(busy(tmp_path, HOSTILE), Live(alerts=tuple(warning(HOSTILE, 30)), forecasts=pl.DataFrame(schema=FORECASTS)))
    page = (tmp_path / "report.html").read_text()
    assert "<script" not in page and "&lt;script&gt;$x_{$|[red]*`&amp;amp;" in page


def test_names_are_text_in_markdown(tmp_path):
    written(busy(tmp_path, HOSTILE))
    text = (tmp_path / "report.md").read_text()
    assert r"| \<script\>$x_{$\|\[red\]\*\`\&amp; |" in text


def test_names_are_text_on_the_terminal(tmp_path):
    assert written(busy(tmp_path, HOSTILE)).count(HOSTILE) == 4  # in the plan, in two tables, with the longest gap


def test_the_document_has_the_figures_of_the_report(tmp_path):
    results = busy(tmp_path)
    written(results)
    told, report = json.loads((tmp_path / "report.json").read_text()), judged(results)
    worth = told["worth"]
    assert (worth["warned"], worth["unfounded_per_engineer_week"]) == (1, report.worth.unfounded_per_engineer_week)
    assert (told["scored"], told["problems"], told["simulated"]) == (
        {"forecasts": 662, "running_h": report.scored.running_h}, [], True,
    )  # fmt: skip
    assert told["outcome"]["warnings"][0]["verdict"] == Verdict.FAILED
    assert told["ledger"]["rows_read"] == 1000 and told["gaps"]["hours"] == 4.0


def test_the_page_shows_four_pictures_that_are_well_formed_and_named(tmp_path):
    written(busy(tmp_path))
    pictures = re.findall(r"<svg.*?</svg>", (tmp_path / "report.html").read_text(), re.DOTALL)
    titles = [ElementTree.fromstring(svg).findtext("{http://www.w3.org/2000/svg}title") for svg in pictures]
    assert len(titles) == 4 and all(titles)


def test_warnings_by_rules_alone_are_on_the_page_in_its_timeline_and_in_the_document(tmp_path):
    records = [*by_rules("a", 24), *mixed("b", 100)]
    written(run(tmp_path, records=records))
    page, told = ((tmp_path / name).read_text() for name in ("report.html", "report.json"))
    assert "rules: bearing-hot 84.2 degC over 80 degC for 24 h" in page
    assert "opened on rules" in page and "opened on hazard" in page
    document = json.loads(told)
    assert document["outcome"]["warnings"][0]["evidence"][0]["name"] == "bearing-hot"
    assert (document["rungs"]["rules"]["opened"], document["evidence"][0]["worth"]["opened"]) == (1, 2)


def test_chances_are_drawn_with_what_they_were_learned_from(tmp_path):
    written(busy(tmp_path))
    assert "while running, % (from simulated pumps)" in (tmp_path / "report.html").read_text()


def test_the_page_fetches_nothing(tmp_path):
    written(busy(tmp_path))
    page = (tmp_path / "report.html").read_text()
    assert not re.search(r"(?:src|href)=\"(?!#)|url\((?!#)|@import", page)


def test_without_matplotlib_the_page_says_what_adds_pictures(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)  # as where it is not installed
    written(busy(tmp_path))
    page = (tmp_path / "report.html").read_text()
    assert "<svg" not in page and "pip install -e &#x27;.[demo]&#x27;" in page


def test_the_same_run_gives_the_same_files(tmp_path):
    results = busy(tmp_path)
    files = []
    for _ in range(2):
        written(results)
        files.append([(tmp_path / name).read_bytes() for name in ("report.md", "report.html", "report.json")])
    assert files[0] == files[1]


def test_an_empty_run_is_written_too(tmp_path):
    assert "Nothing was read." in written(run(tmp_path, counted=ledger(rows=0)))
    assert (tmp_path / "report.html").read_text().endswith("</html>\n")
