"""What benchmarks feed and read from outside: partitions store and score the rows of a load; gauges see children."""

from __future__ import annotations

import subprocess
import sys

import numpy as np

from models.plant import parse
from pipelines.main import read_named
from pipelines.partition import Partition
from pipelines.ports import RawRecord
from pipelines.settings import STARTER
from pipelines.topics import partition_of
from tests.kit.gauges import cpu_s, peak_mib, tree
from tests.kit.loads import MINUTE_S, SECOND_US, Load, names, plant_text, rounds

BEGIN_US = 1_767_225_600 * SECOND_US
NOW_MS = BEGIN_US // 1000 + 86_400_000


def worked(load: Load) -> Partition:
    plant = parse(plant_text(load.assets))
    partition = Partition(plant, read_named(plant, STARTER))
    partition.receive(
        [RawRecord(at, NOW_MS, message) for at, (_, message) in enumerate(load.messages(BEGIN_US))],
    )
    return partition


def test_all_rows_of_a_load_are_stored_and_each_minute_that_closes_is_scored():
    for rows_a_frame in (1, 60):
        load = Load(rows=5 * MINUTE_S * 3, assets=3, rows_a_frame=rows_a_frame)
        ledger = worked(load).ledger
        assert (ledger.rows_stored, ledger.values_rejected, ledger.forecasts) == (load.total, 0, 4 * 3)
        assert load.total == 5 * MINUTE_S * 3


def test_rows_are_the_same_in_both_forms():
    single, frames = (worked(Load(rows=120 * 3, assets=3, rows_a_frame=n)).ledger for n in (1, 60))
    assert single.values_stored == frames.values_stored


def test_a_round_has_the_messages_of_each_partition_and_no_more_rows_than_asked():
    load = Load(rows=1000, assets=20)
    found = np.zeros(4, int)
    for batches in rounds(load, BEGIN_US, 4, rows=100):
        counts = {partition: batch.record_count() for partition, batch in batches}
        assert sum(counts.values()) <= 100
        for partition, count in counts.items():
            found[partition] += count
    wanted = np.bincount([partition_of(f"bench/{name}".encode(), 4) for name in names(20)], minlength=4) * 50
    assert found.tolist() == wanted.tolist()


def test_processor_time_and_memory_are_of_a_process_with_its_children():
    # A little over what is asked for below: /proc counts whole ticks, of user and of system each.
    burn = "import time; t = bytearray(80 << 20)\nwhile time.process_time() < 0.33: pass\nprint(flush=True); input()"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}])"
    with subprocess.Popen([sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        assert len(tree(process.pid)) == 2
        assert cpu_s(process.pid) >= 0.3
        assert peak_mib(process.pid) > 80
        process.communicate(b"\n")
