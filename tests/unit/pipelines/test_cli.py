"""The command line as its users meet it: help with examples, errors that say what to do, no server."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import pytest

from connectors.scada.feeds import FEEDS
from models.inference import ModelError
from pipelines.cli.clocks import shift_us
from pipelines.cli.doctor import examine
from pipelines.cli.faults import TELLING, told
from pipelines.cli.of_feeds import READS
from pipelines.main import work
from pipelines.settings import STARTER, Settings

ROOT = Path(__file__).parents[3]
NOWHERE = {"kafka": "127.0.0.1:1", "influx_url": "http://127.0.0.1:1"}
COMMANDS = [
    "up",
    "down",
    "status",
    "doctor",
    "worker",
    "simulate",
    "demo",
    "schema",
    "budget",
    "value",
    "deliver",
    "size",
]
GROUPS = [
    ["model", "train"],
    ["model", "export"],
    ["model", "verify"],
    ["model", "new"],
    ["model", "evaluate"],
    ["model", "card"],
    ["model", "quantize"],
    ["model", "wrap"],
    ["model", "key"],
    ["model", "publish"],
    ["model", "releases"],
    ["model", "compare"],
    ["model", "judge"],
    ["model", "promote"],
    ["model", "rollback"],
    ["model", "end-shadow"],
    ["model", "pin"],
    ["model", "freeze"],
    ["model", "unpin"],
    ["alerts", "watch"],
    ["alerts", "list"],
    ["alerts", "move"],
    ["alerts", "explain"],
    ["labels", "warnings"],
    ["alerts", "page"],
    ["alerts", "kpis"],
    ["subscriptions", "list"],
    ["subscriptions", "check"],
    ["subscriptions", "test"],
    ["subscriptions", "add"],
    ["subscriptions", "remove"],
    ["deliveries", "list"],
    ["deliveries", "retry"],
    ["connect", "discover"],
    ["connect", "opcua"],
    ["labels", "import"],
    ["labels", "review"],
    ["baseline", "list"],
    ["baseline", "propose"],
    ["baseline", "approve"],
    ["clock", "list"],
    ["clock", "decide"],
    ["audit", "list"],
    ["audit", "verify"],
]


def forewarn(*arguments: str, folder: Path = ROOT, **environ: str) -> subprocess.CompletedProcess[str]:
    nowhere = {"FOREWARN_KAFKA": "127.0.0.1:1", "FOREWARN_INFLUX_URL": "http://127.0.0.1:1", "COLUMNS": "200"}
    return subprocess.run(
        [sys.executable, "-m", "pipelines.cli", *arguments],
        cwd=folder,
        env=os.environ | nowhere | environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("command", [[name] for name in COMMANDS] + GROUPS, ids=" ".join)
def test_help_has_an_example(command):
    shown = forewarn(*command, "--help")
    assert shown.returncode == 0
    assert f"forewarn {' '.join(command)}" in shown.stdout.split("Example")[1]


@pytest.mark.parametrize("command", [["worker"], ["simulate", "--days", "1"], ["alerts", "watch"]], ids=" ".join)
def test_without_servers_a_clear_error_comes_at_once(command):
    forewarn("--help")  # so that the measured start is a warm one
    began_s = time.monotonic()
    shown = forewarn(*command)
    assert time.monotonic() - began_s < 6
    assert shown.returncode == 1
    assert "Traceback" not in shown.stderr
    assert "127.0.0.1:1" in shown.stderr
    assert "forewarn up" in shown.stderr


def test_the_doctor_finds_what_is_missing_and_says_what_to_do():
    shown = forewarn("doctor", "--json")
    findings = {finding["what"]: finding for finding in json.loads(shown.stdout)}
    assert shown.returncode == 1
    assert findings["plant file"]["good"]
    assert findings["models"]["good"]
    for what in ("Kafka", "topics", "InfluxDB"):
        assert not findings[what]["good"]
        assert "FOREWARN_" in findings[what]["detail"]


def test_every_fault_that_is_told_by_name_exists():
    for name in TELLING:
        module, _, kind = name.rpartition(".")
        assert issubclass(getattr(importlib.import_module(module), kind), Exception)


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"FOREWARN_PARTITIONS": "many"}, "FOREWARN_PARTITIONS"),
        ({"FOREWARN_LATENESS_S": "-1"}, "FOREWARN_LATENESS_S"),
    ],
)
def test_a_wrong_setting_is_named(environ, said):
    shown = forewarn("worker", **environ)
    assert shown.returncode == 1
    assert said in shown.stderr
    assert "Traceback" not in shown.stderr


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"FOREWARN_PLANT": "nowhere.toml"}, "nowhere.toml cannot be read"),
        ({"FOREWARN_MODELS": "nowhere"}, "model 'pump' cannot be read from nowhere"),
    ],
)
def test_the_doctor_names_files_that_are_missing(environ, said):
    assert said in forewarn("doctor", **environ).stdout


@pytest.fixture
def misfit(tmp_path):
    """A plant whose type names the starter's model without a signal that it needs."""
    file = tmp_path / "plant.toml"
    starter = (STARTER / "pumps.toml").read_text()
    file.write_text(starter.replace("[types.pump.signals.running_hours_h]", "[types.pump.signals.hours_h]"))
    return file


def test_the_doctor_finds_a_model_that_misfits_its_type(misfit):
    finding = {each.what: each for each in examine(Settings(instance="nowhere", plant=misfit, **NOWHERE))}["models"]
    assert not finding.good
    assert "model 'pump' needs signals ['running_hours_h'], which type 'pump' does not have" in finding.detail


def test_a_worker_with_a_model_that_misfits_says_so_before_it_looks_for_a_server(misfit):
    with pytest.raises(ModelError, match="running_hours_h") as wrong:
        asyncio.run(work(Settings(instance="nowhere", plant=misfit, **NOWHERE)))
    assert told(wrong.value) is not None


def test_the_token_is_never_printed():
    shown = forewarn("doctor", FOREWARN_INFLUX_TOKEN="very-secret")
    assert "very-secret" not in shown.stdout + shown.stderr


def test_the_schema_is_json():
    assert json.loads(forewarn("schema").stdout)["title"] == "Forewarn records"
    assert json.loads(forewarn("schema", "--asyncapi").stdout)["asyncapi"] == "3.0.0"


def test_options_of_simulate_that_do_not_go_together_are_refused():
    assert forewarn("simulate", "--map", "x.toml").returncode == 2
    assert forewarn("simulate", "--pumps", "100").returncode == 2
    assert forewarn("simulate", "--history-only", "--from", "x.csv", "--map", "x.toml").returncode == 2


def test_verify_checks_the_shipped_model():
    shown = forewarn("model", "verify", "models/starter/pump.onnx", "--json")
    assert shown.returncode == 0
    assert json.loads(shown.stdout)["version"].startswith("pump@")


def test_a_model_that_does_not_fit_its_card_is_refused(tmp_path):
    onnx = (ROOT / "models" / "starter" / "pump.onnx").read_bytes()
    (tmp_path / "pump.onnx").write_bytes(onnx[:-1])
    (tmp_path / "pump.json").write_bytes((ROOT / "models" / "starter" / "pump.json").read_bytes())
    shown = forewarn("model", "export", str(tmp_path / "pump.onnx"), str(tmp_path / "to"))
    assert shown.returncode == 1
    assert "sha256" in shown.stderr
    assert not (tmp_path / "to").exists()


def test_serving_imports_no_training_library():
    code = (
        "import sys, pipelines.main, pipelines.cli.feed, pipelines.cli.demo;"
        "print([m for m in ('sktime', 'sklearn', 'pandas', 'lightgbm', 'onnx', 'scipy') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_a_history_of_many_pumps_is_simulated_without_servers(tmp_path):
    done = forewarn("simulate", "--history-only", "--pumps", "120", "--days", "2", FOREWARN_CACHE=str(tmp_path))
    assert done.returncode == 0, done.stderr
    folder, told = done.stdout.strip().split(": ")
    assert {file.name for file in Path(folder).iterdir()} >= {"day-000.parquet", "day-001.parquet", "whole"}
    assert told.startswith("34,560 rows, ") and told.endswith(" s")


@pytest.mark.parametrize(
    ("text", "us"), [("-1h", -3_600_000_000), ("+5.5h", 19_800_000_000), ("30min", 1_800_000_000), ("+0h", 0)]
)
def test_a_shift_of_a_clock_is_read_with_its_sign(text, us):
    assert shift_us(text) == us


@pytest.mark.parametrize("text", ["", "1", "h", "-1 hour", "25h", "--1h"])
def test_what_is_no_shift_is_told_with_an_example(text):
    with pytest.raises(ValueError, match="write it like -1h"):
        shift_us(text)


@pytest.mark.parametrize("choice", [[], ["--as-is", "--discard"], ["--shift=soon"]], ids=" ".join)
def test_a_decision_about_a_clock_is_one_of_three(choice):
    shown = forewarn("clock", "decide", "line-1", *choice)
    assert shown.returncode == 2
    assert "--shift" in shown.stderr or "no shift" in shown.stderr


def test_the_version_is_told():
    assert forewarn("--version").stdout == f"forewarn {version('forewarn')}\n"


def test_an_error_keeps_its_brackets():
    assert "error: the plant file no[scada].toml cannot be read" in forewarn("plant", "check", "no[scada].toml").stderr


def test_the_doctor_names_a_key_of_releases_that_is_none():
    (found,) = [one for one in json.loads(forewarn("doctor", "--json", FOREWARN_RELEASE_KEYS="team-a:secret").stdout)
                if one["what"] == "releases"]  # fmt: skip
    assert not found["good"] and "the key 'team-a'" in found["detail"]


def test_a_finding_of_the_doctor_keeps_its_brackets():
    assert "no[scada].toml" in forewarn("doctor", FOREWARN_PLANT="no[scada].toml").stdout


def test_a_plant_file_that_is_not_there_can_be_named_as_the_argument():
    assert "as the argument or by FOREWARN_PLANT" in forewarn("plant", "check", "nowhere.toml").stderr


@pytest.mark.parametrize("command", [["status"], ["down"], ["up"]], ids=" ".join)
def test_servers_hear_the_file_of_settings_as_all_commands_do(tmp_path, command):
    (tmp_path / "forewarn.env").write_text("FOREWARN_SERVERS=ufo\n")
    assert "FOREWARN_SERVERS is 'ufo'" in forewarn(*command, folder=tmp_path).stderr


def test_the_cache_of_local_servers_may_be_named_in_the_file_of_settings(tmp_path):
    (tmp_path / "forewarn.env").write_text("FOREWARN_CACHE=here\nFOREWARN_INSTANCE=mine\n")
    folder = tmp_path / "here" / "instances" / "mine"
    folder.mkdir(parents=True)
    server = {"address": "127.0.0.1:1", "how": "cache", "version": "4", "pid": 1, "started": "another-boot/1"}
    (folder / "kafka.json").write_text(json.dumps(server))
    assert "Kafka 4: ended" in forewarn("status", folder=tmp_path).stdout


def test_the_environment_goes_before_the_file_of_settings(tmp_path):
    (tmp_path / "forewarn.env").write_text("FOREWARN_SERVERS=ufo\n")
    assert "nothing runs" in forewarn("status", folder=tmp_path, FOREWARN_SERVERS="", FOREWARN_CACHE="x").stdout


def test_the_doctor_names_a_variable_that_is_no_setting():
    shown = forewarn("doctor", "--json", FOREWARN_KAKFA="kafka:9092")
    (told,) = (finding for finding in json.loads(shown.stdout) if finding["what"] == "settings")
    assert not told["good"] and "FOREWARN_KAKFA or FOREWARN_KAFKA" in told["detail"]


@pytest.mark.parametrize("address", ["http://localhost:9092", "localhost", "a:9092,b"])
def test_an_address_of_kafka_that_is_none_says_how_to_write_it(address):
    shown = forewarn("doctor", FOREWARN_KAFKA=address)
    assert shown.stderr.strip() == (
        f"error: setting FOREWARN_KAFKA: write host:port[,host:port], without http://, but it is '{address}'"
    )


def test_help_of_each_feed_says_what_it_reads():
    assert list(READS) == list(FEEDS)
    for feed, reads in READS.items():
        assert reads in forewarn("connect", feed, "--help").stdout
