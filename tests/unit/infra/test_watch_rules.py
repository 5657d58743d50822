"""What Prometheus is told: promtool takes all of it, every alert is tried both ways, and names are those declared."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.bin import promtool
from infra.bin.layout import Options, ServicesError
from pipelines.settings import Settings
from tests.unit.infra.test_watch_dashboards import known, metrics_in, promql

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "infra" / "prometheus"
RULES = yaml.safe_load((FOLDER / "rules" / "forewarn.yml").read_text())["groups"]
TESTS = yaml.safe_load((FOLDER / "rules_test.yml").read_text())
CONFIG = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
EVERY: list[dict[str, Any]] = [rule for group in RULES for rule in group["rules"]]
ALERTS = {rule["alert"]: rule for rule in EVERY if "alert" in rule}
RECORDED = {rule["record"] for rule in EVERY if "record" in rule}
FIRING = re.compile(r'ALERTS\{alertname="(\w+)", alertstate="firing"')


@pytest.fixture(scope="session")
def tool() -> promtool.Program:
    try:
        return promtool.provide(Options())
    except ServicesError as missing:
        pytest.skip(str(missing))


def run(tool: promtool.Program, *arguments: str) -> str:
    """What it says of files that are right; fails with its words otherwise."""
    done = subprocess.run(
        [str(tool.path), *arguments], cwd=ROOT, env=tool.environ(os.environ), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def wrong(tool: promtool.Program, *arguments: str) -> bool:
    return subprocess.run([str(tool.path), *arguments], cwd=ROOT, capture_output=True, timeout=60).returncode != 0


def test_promtool_takes_config_rules_and_targets(tool) -> None:
    assert "SUCCESS" in run(tool, "check", "config", "infra/prometheus/prometheus.yml")
    assert f"{len(EVERY)} rules found" in run(tool, "check", "rules", "infra/prometheus/rules/forewarn.yml")


def test_every_alert_fires_when_it_should_and_not_when_all_is_well(tool) -> None:
    assert "SUCCESS" in run(tool, "test", "rules", "infra/prometheus/rules_test.yml")


def test_rules_that_are_wrong_are_found_by_their_tests(tool, tmp_path) -> None:
    rules, tests = (FOLDER / "rules" / "forewarn.yml").read_text(), (FOLDER / "rules_test.yml").read_text()
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "forewarn.yml").write_text(rules.replace("> 120", "> 12000"))
    (tmp_path / "rules_test.yml").write_text(tests)
    assert "> 120" in rules and wrong(tool, "test", "rules", str(tmp_path / "rules_test.yml"))


def test_every_question_of_a_dashboard_is_one_that_prometheus_can_read(tool, tmp_path) -> None:
    def rules(asked: list[str]) -> str:
        told = [{"record": f"asked:{at}", "expr": expr} for at, expr in enumerate(asked)]
        (tmp_path / "asked.yml").write_text(yaml.safe_dump({"groups": [{"name": "asked", "rules": told}]}))
        return str(tmp_path / "asked.yml")

    assert len(promql()) > 30
    run(tool, "check", "rules", rules(promql()))
    assert wrong(tool, "check", "rules", rules(["sum(up"]))


def test_every_alert_has_a_test_that_it_fires_one_that_it_waits_and_is_part_of_the_one_where_all_is_well() -> None:
    well, *others = TESTS["tests"]
    assert {"expr": "ALERTS", "eval_time": "59m", "exp_samples": []} in well["promql_expr_test"]
    fires, waits = set(), set()
    for one in others:
        for asked in one["promql_expr_test"]:
            (name,) = FIRING.findall(asked["expr"])
            assert one["name"] == name
            (fires if asked["exp_samples"] else waits).add(name)
            assert all(f'severity="{ALERTS[name]["labels"]["severity"]}"' in s["labels"] for s in asked["exp_samples"])
    assert fires == waits == ALERTS.keys()
    told = {series["series"].partition("{")[0] for series in well["input_series"]}
    exprs = [rule["expr"] for rule in EVERY]
    asked_for = {name for expr in exprs for name in metrics_in(expr)} - RECORDED
    assert asked_for <= told, asked_for - told


def test_every_metric_that_a_rule_names_is_declared_or_recorded_here() -> None:
    for rule in EVERY:
        found = metrics_in(rule["expr"])
        assert found and found <= known() | RECORDED, found - known() - RECORDED


def test_tests_feed_rules_no_metric_that_nobody_serves() -> None:
    told = {series["series"].partition("{")[0] for one in TESTS["tests"] for series in one["input_series"]}
    assert told <= known(), told - known()


def test_every_alert_says_how_bad_it_is_what_it_is_and_where_to_read_on() -> None:
    for name, rule in ALERTS.items():
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}
        assert rule["annotations"]["runbook_url"] == f"infra/RUNBOOK.md#{name.lower()}"


def test_every_limit_of_an_alert_has_its_reason_beside_it() -> None:
    lines = (FOLDER / "rules" / "forewarn.yml").read_text().splitlines()
    for at, line in enumerate(lines):
        if "- alert:" in line:
            assert lines[at + 1].strip().startswith("# "), line


def test_limits_that_are_settings_too_are_their_defaults() -> None:
    default = {name: field.default for name, field in Settings.model_fields.items()}
    assert f">= {default['notice_lag']}\n" in ALERTS["ForewarnLagGrows"]["expr"].replace(" and", "\n")
    assert ALERTS["ForewarnStoreDown"]["expr"].endswith(f">= {default['notice_down_s']:g}")
    assert f"[{default['notice_no_data_s'] / 60:g}m]" in ALERTS["ForewarnNoData"]["expr"]
    assert ALERTS["ForewarnSnapshotOld"]["expr"].endswith(f"> {24 * default['snapshot_s']:g}")


def test_jobs_that_alerts_go_by_are_scraped_and_their_targets_are_files_here() -> None:
    jobs = {one["job_name"]: one["file_sd_configs"][0]["files"] for one in CONFIG["scrape_configs"]}
    named = {job for rule in EVERY for job in re.findall(r'job="([\w-]+)"', rule["expr"])}
    assert named == jobs.keys()
    targets = {str(FOLDER / file) for files in jobs.values() for file in files}
    assert targets == {str(file) for file in (FOLDER / "targets").glob("*.yml")}
    assert f"127.0.0.1:{Settings.model_fields['metrics_port'].default}" in (FOLDER / "targets/worker.yml").read_text()
