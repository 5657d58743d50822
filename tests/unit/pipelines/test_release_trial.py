"""A release is tried in a process that can do no harm, leaves nothing behind, and says why it ended."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import stat
import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import msgspec
import onnx
import pytest
import uvloop
from msgspec.structs import replace
from onnx import TensorProto, helper

from models import starter
from models.release import File, Part, Refusal, Refused
from pipelines.releases import trial
from pipelines.releases.measure import rows_of
from pipelines.releases.trial import lay, tried
from tests.kit import tiny

FEATURES = len(tiny.hazard().spec.names)


def laid(folder: Path, content: bytes, card=None) -> Path:
    """A graph with the tiny hazard's card of it."""
    card = replace(card or tiny.hazard().card, sha256=File.of(content).sha256)
    lay(folder, {Part.ONNX: content, Part.CARD: msgspec.json.encode(card)})
    return folder


def changed(folder: Path, change: Callable[[onnx.ModelProto], object]) -> Path:
    model = onnx.load_from_string(tiny.graph(FEATURES))
    change(model)
    return laid(folder, model.SerializeToString())


def refused(folder: Path, **how) -> Refused:
    with pytest.raises(Refused) as found:
        asyncio.run(tried(folder, **how))
    return found.value


def script(folder: Path, text: str) -> str:
    """What is started in the place of Python."""
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


ENDS = {Part.ONNX: "onnx", Part.CARD: "json", Part.CASES: "cases.json"}


@pytest.mark.parametrize("stem", ["pump", "pump.health"])
def test_what_is_shipped_passes(stem: str, tmp_path) -> None:
    held = {part: files(starter).joinpath(f"{stem}.{end}") for part, end in ENDS.items()}
    lay(tmp_path, {part: path.read_bytes() for part, path in held.items() if path.is_file()})
    found = asyncio.run(tried(tmp_path))
    assert found.rows == len(rows_of(57)) == 256 + 4 * 58
    assert 0.0 < found.batch_mean_ms < 20.0


def test_a_worker_s_own_loop_runs_it_too(tmp_path) -> None:
    laid(tmp_path, tiny.graph(FEATURES))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(tried(tmp_path)).rows > 256


def test_the_tiny_health_model_passes_and_one_without_an_index_does_not(tmp_path) -> None:
    tiny.write_health(tmp_path)
    content, card = ((tmp_path / f"tiny.health.{end}").read_bytes() for end in ("onnx", "json"))
    lay(tmp_path, {Part.ONNX: content, Part.CARD: card})
    assert asyncio.run(tried(tmp_path)).rows > 256
    model = onnx.load_from_string(content)
    last = next(node for node in model.graph.node if "index" in node.output)
    last.output[0] = "before"
    model.graph.node.append(helper.make_node("Neg", ["before"], ["negative"]))
    model.graph.node.append(helper.make_node("Log", ["negative"], ["index"]))
    laid(tmp_path, model.SerializeToString(), tiny.health().card)
    found = refused(tmp_path)
    assert found.reason is Refusal.NOT_FINITE
    assert "an index in 0 to 100" in found.detail


def falling(model: onnx.ModelProto) -> None:
    """Chances are taken from 1: they fall where they rose."""
    model.graph.node[-1].output[0] = "rising"
    model.graph.node.append(helper.make_node("Sub", ["one", "rising"], ["chances"]))


def beyond(model: onnx.ModelProto) -> None:
    model.graph.node[-1].output[0] = "right"
    model.graph.node.append(helper.make_node("Add", ["one", "right"], ["chances"]))


@pytest.mark.parametrize("change", [falling, beyond])
def test_chances_that_fall_or_exceed_1_are_refused(tmp_path, change: Callable[[onnx.ModelProto], None]) -> None:
    assert refused(changed(tmp_path, change)).reason is Refusal.NOT_FINITE


def renamed(model: onnx.ModelProto) -> None:
    model.graph.input[0].name = "rows"
    for node in model.graph.node:
        node.input[:] = ["rows" if name == "features" else name for name in node.input]


def without_width(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_param = "wide"


@pytest.mark.parametrize(("change", "said"), [(renamed, "must go from 'features'"), (without_width, "a fixed number")])
def test_what_loading_says_of_inputs_is_told_as_such(tmp_path, change, said: str) -> None:
    found = refused(changed(tmp_path, change))
    assert found.reason is Refusal.WRONG_INPUTS
    assert said in found.detail


def test_what_onnxruntime_cannot_load_is_no_onnx(tmp_path) -> None:
    found = refused(changed(tmp_path, lambda model: setattr(model.graph.node[0], "op_type", "Nothing")))
    assert found.reason is Refusal.NOT_ONNX
    assert "Nothing" in found.detail


def test_a_card_that_loading_refuses_is_wrong(tmp_path) -> None:
    found = refused(laid(tmp_path, tiny.graph(FEATURES), replace(tiny.hazard().card, warning_limit=2.0)))
    assert found.reason is Refusal.WRONG_CARD
    assert "warning limit" in found.detail


def huge(model: onnx.ModelProto) -> None:
    """Some bytes of file that ask for 4 TB when they are run."""
    model.graph.initializer.append(helper.make_tensor("huge", TensorProto.INT64, [2], [1_000_000, 1_000_000]))
    model.graph.node.append(helper.make_node("Shape", ["features"], ["shape"]))
    model.graph.node.append(helper.make_node("Mul", ["shape", "huge"], ["larger"]))
    model.graph.node.append(helper.make_node("ConstantOfShape", ["larger"], ["zeros"]))
    model.graph.node.append(helper.make_node("ReduceSum", ["zeros"], ["nothing"]))
    model.graph.node.append(helper.make_node("Add", ["quick", "nothing"], ["chances"]))
    next(node for node in model.graph.node if "chances" in node.output).output[0] = "quick"


def test_memory_has_an_end_and_what_was_not_foreseen_is_told_as_it_is(tmp_path) -> None:
    found = refused(changed(tmp_path, huge))
    assert found.reason is Refusal.CRASHED
    assert "RuntimeException" in found.detail and "alloc" in found.detail.lower()


def test_files_that_are_not_there_are_told(tmp_path) -> None:
    assert refused(tmp_path).reason is Refusal.NO_CARD
    lay(tmp_path, {Part.CARD: msgspec.json.encode(tiny.hazard().card)})
    found = refused(tmp_path)
    assert found.reason is Refusal.CRASHED
    assert "KeyError: <Part.ONNX" in found.detail


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL, signal.SIGABRT, signal.SIGRTMIN + 3])
def test_a_signal_is_named(tmp_path, number: int) -> None:
    found = refused(tmp_path, python=script(tmp_path, f"echo last words >&2; kill -{int(number)} $$"))
    assert found.reason is Refusal.CRASHED
    assert (number.name if isinstance(number, signal.Signals) else f"signal {number}") in found.detail
    assert "last words" in found.detail


@pytest.mark.parametrize("text", ["exit 0", "exit 3", "echo hello", "echo '{}'", "printf '\\377'", "echo '[[[['"])
def test_a_process_that_says_nothing_readable_has_crashed(tmp_path, text: str) -> None:
    found = refused(tmp_path, python=script(tmp_path, f"echo why >&2; {text}"))
    assert found.reason is Refusal.CRASHED
    assert "no result: why" in found.detail


def test_a_result_of_a_process_that_then_fails_counts_for_nothing(tmp_path) -> None:
    well = json.dumps({"type": "Tried", "rows": 1, "vectors": 0, "load_ms": 1, "batch_mean_ms": 1, "batch_p99_ms": 1})
    assert refused(tmp_path, python=script(tmp_path, f"echo '{well}'; exit 4")).reason is Refusal.CRASHED
    assert asyncio.run(tried(tmp_path, python=script(tmp_path, f"echo noise; echo '{well}'"))).rows == 1


def test_a_process_that_never_stops_talking_is_not_kept_in_memory(tmp_path) -> None:
    found = refused(tmp_path, python=script(tmp_path, "yes"), timeout_s=0.5)
    assert found.reason is Refusal.TOO_SLOW


def is_alive(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


async def started(path: Path) -> int:
    """The number that a process wrote."""
    while not path.exists() or not path.read_text().endswith("\n"):
        await asyncio.sleep(0.01)
    return int(path.read_text())


def test_a_trial_that_takes_too_long_is_ended(tmp_path) -> None:
    python = script(tmp_path, f"echo $$ > {tmp_path}/number; exec sleep 60")
    found = refused(tmp_path, python=python, timeout_s=0.5)
    assert found.reason is Refusal.TOO_SLOW
    assert "0.5 s" in found.detail
    assert not is_alive(asyncio.run(started(tmp_path / "number")))


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_a_trial_that_is_cancelled_is_ended(tmp_path, loop) -> None:
    async def cancelled() -> int:
        python = script(tmp_path, f"echo $$ > {tmp_path}/number; exec sleep 60")
        task = asyncio.create_task(tried(tmp_path, python=python))
        number = await started(tmp_path / "number")
        assert is_alive(number)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return number

    with asyncio.Runner(loop_factory=loop) as runner:
        assert not is_alive(runner.run(cancelled()))


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
@pytest.mark.parametrize("turns", range(8))
def test_a_trial_that_is_cancelled_while_it_starts_is_ended(tmp_path, monkeypatch, loop, turns: int) -> None:
    """After so many turns of the loop: the process may be there before the loop knows it."""
    begun = []
    really = asyncio.create_subprocess_exec

    async def seen(*args, **how):
        begun.append(await really(*args, **how))
        return begun[-1]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", seen)

    async def cancelled() -> None:
        task = asyncio.create_task(tried(tmp_path, python=script(tmp_path, "exec sleep 60")))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(cancelled())
    assert not any(is_alive(process.pid) for process in begun)


def test_a_process_that_uses_up_its_processor_time_is_too_slow(tmp_path) -> None:
    burns = "import resource; resource.setrlimit(resource.RLIMIT_CPU, (1, 9))\nwhile True: pass"
    found = refused(tmp_path, python=script(tmp_path, f"exec {sys.executable} -c '{burns}'"))
    assert found.reason is Refusal.TOO_SLOW
    assert "processor time" in found.detail


def test_a_trial_has_neither_sockets_nor_passwords(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("FOREWARN_INFLUX_TOKEN", "secret")
    laid(tmp_path, tiny.graph(FEATURES))
    python = script(tmp_path, f'ls -l /proc/$$/fd > {tmp_path}/open; env > {tmp_path}/env; exec {sys.executable} "$@"')
    with socket.socket() as mine:
        mine.bind(("127.0.0.1", 0))
        mine.listen()
        mine.set_inheritable(True)
        assert asyncio.run(tried(tmp_path, python=python)).rows > 256
    assert "socket:" not in (tmp_path / "open").read_text()
    assert "secret" not in (tmp_path / "env").read_text()


def test_a_process_runs_under_its_limits(tmp_path) -> None:
    code = (
        "import resource as r; from pipelines.releases import trial; trial._limit(7.2);"
        "print([r.getrlimit(n)[0] for n in (r.RLIMIT_CPU, r.RLIMIT_AS, r.RLIMIT_STACK, r.RLIMIT_FSIZE, r.RLIMIT_CORE)])"
    )

    async def limits() -> str:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE, env=trial._environment()
        )
        return (await process.communicate())[0].decode().strip()

    assert json.loads(asyncio.run(limits())) == [7, trial.MOST_MEMORY, trial.STACK, 0, 0]
