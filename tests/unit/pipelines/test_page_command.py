"""`forewarn alerts page` before any server is asked: HTML, text, and what is made of rows."""

from __future__ import annotations

import polars as pl
from rich.console import Console

from pipelines.cli import page, picture
from pipelines.cli.page import html as html_of
from pipelines.cli.page import sections, write_page
from pipelines.cli.page.gather import HOUR_US, drawn, hourly, series
from tests.kit.paged import facts, trend
from tests.kit.runs import START_US

ROWS = pl.DataFrame(
    {
        "time_us": [START_US, START_US + 60_000_000, START_US + HOUR_US, START_US + 2 * HOUR_US],
        "vibration_mm_s": [1.0, 3.0, None, 5.0],
        "medium": ["water", None, "slurry", None],
    }
)


def html(of) -> str:
    return html_of(of, sections(of))


def written(monkeypatch, tmp_path, to=None, *, text: bool) -> str:
    console = Console(record=True, width=200)
    monkeypatch.setattr(page, "facts_of", lambda *_: facts())
    monkeypatch.chdir(tmp_path)
    write_page(None, "3fa9", to, 0, console, text=text, prose=False)
    return console.export_text()


def test_the_page_needs_nothing_else_and_is_one_sheet_of_a4():
    made = html(facts())
    assert "@page { size: A4;" in made
    assert "http" not in made.replace("http://www.w3.org", "")
    assert made.count("<svg") == 1
    assert "vibration_mm_s of pump-01 over 14 days" in made


def test_names_that_people_typed_are_escaped():
    from msgspec.structs import replace

    made = html(facts(replace(facts().case, assigned="<b>kim</b>")))
    assert "<b>kim" not in made
    assert "&lt;b&gt;kim" in made


def test_without_matplotlib_the_table_stands_alone_and_the_page_says_what_adds_pictures(monkeypatch):
    def missing():
        raise picture.NoMatplotlib("pictures are drawn by matplotlib")

    monkeypatch.setattr(picture, "check", missing)
    made = html(facts())
    assert "<svg" not in made
    assert "Without pictures: pictures are drawn by matplotlib" in made
    assert "3.5, healthy mean" in made


def test_without_a_file_it_is_named_by_the_warning_and_text_is_printed(monkeypatch, tmp_path):
    assert "warning-3fa9c1d2.html" in written(monkeypatch, tmp_path, text=False)
    assert (tmp_path / "warning-3fa9c1d2.html").read_text().startswith("<!doctype html>")
    told = written(monkeypatch, tmp_path, text=True)
    assert "Next planned stop: 2026-12-19" in told
    assert "NAMUR NE 107" in told


def test_text_goes_into_a_file_where_one_is_named(monkeypatch, tmp_path):
    written(monkeypatch, tmp_path, tmp_path / "page.txt", text=True)
    assert "First check: Measure both" in (tmp_path / "page.txt").read_text()


def test_hourly_means_are_of_the_hours_that_have_a_value():
    assert hourly(ROWS, "vibration_mm_s") == ((START_US, 2.0), (START_US + 2 * HOUR_US, 5.0))
    assert hourly(ROWS, "unheard_of") == ()
    assert drawn((trend(),), ROWS)[0].points == hourly(ROWS, "vibration_mm_s")


def test_a_series_is_a_signals_values_by_time():
    assert series(ROWS, "medium") == [(START_US, "water"), (START_US + HOUR_US, "slurry")]
    assert series(ROWS, "unheard_of") == ()
