"""Which requests read a map of registers."""

from __future__ import annotations

from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from connectors.scada.feeds.modbus.blocks import halves, plan
from tests.kit.plc import register

WIDTHS = {"uint16": 1, "float32": 2, "int64": 4}
MAPS = st.lists(st.tuples(st.integers(0, 400), st.sampled_from(sorted(WIDTHS))), min_size=1, max_size=25)


def spans(registers, most_gap):
    return [(str(block.table), block.first, block.size) for block in plan(registers, most_gap)]


def test_registers_that_follow_one_another_are_read_together():
    assert spans([register("b", 12, "float32"), register("a", 10, "float32")], 0) == [("holding", 10, 4)]


def test_a_gap_is_read_over_up_to_the_most():
    assert spans([register("a", 0), register("b", 9)], 8) == [("holding", 0, 10)]
    assert spans([register("a", 0), register("b", 10)], 8) == [("holding", 0, 1), ("holding", 10, 1)]


def test_tables_are_read_apart():
    assert spans([register("a", 0), register("b", 1, table="input")], 8) == [("holding", 0, 1), ("input", 1, 1)]


def test_a_request_has_at_most_125_registers():
    assert spans([register(str(at), at) for at in range(126)], 8) == [("holding", 0, 125), ("holding", 125, 1)]


def test_a_value_is_not_torn_between_two_requests():
    registers = [*(register(str(at), at) for at in range(124)), register("wide", 124, "float32")]
    assert spans(registers, 8) == [("holding", 0, 124), ("holding", 124, 2)]


def test_a_request_has_at_most_2000_bits():
    assert spans([register(str(at), at, "bool", "coil") for at in range(2001)], 8) == [
        ("coil", 0, 2000),
        ("coil", 2000, 1),
    ]


def test_bits_of_one_word_share_a_request():
    assert spans([register(str(bit), 5, "bool", bit=bit) for bit in range(16)], 0) == [("holding", 5, 1)]


def fewest(places, most_gap):
    """By trying every cut of the ordered places."""

    @cache
    def need(begin):
        if begin == len(places):
            return 0
        best, end = len(places), places[begin][0]
        for after, (first, width) in enumerate(places[begin:], begin + 1):
            if first - end > most_gap:
                break
            end = max(end, first + width)
            if end - places[begin][0] <= 125:
                best = min(best, 1 + need(after))
        return best

    return need(0)


@given(MAPS, st.integers(0, 20))
def test_every_register_is_read_once_and_whole_in_as_few_requests_as_can_be(places, most_gap):
    registers = [register(str(number), at, kind) for number, (at, kind) in enumerate(places)]
    blocks = plan(registers, most_gap)
    assert sorted(its.address for block in blocks for its in block.registers) == sorted(r.address for r in registers)
    for block in blocks:
        assert block.size <= 125
        assert block.first == min(its.register for its in block.registers)
        assert block.first + block.size == max(its.register + its.width for its in block.registers)
    assert len(blocks) == fewest(tuple(sorted((at, WIDTHS[kind]) for at, kind in places)), most_gap)


def test_a_block_is_parted_at_its_widest_gap():
    (block,) = plan([register("a", 0), register("b", 5), register("c", 7), register("d", 8)], 8)
    assert [(part.first, part.size) for part in halves(block)] == [(0, 1), (5, 4)]


def test_a_block_without_a_gap_is_parted_in_the_middle():
    (block,) = plan([register(str(at), at) for at in range(8)], 8)
    assert [(part.first, part.size) for part in halves(block)] == [(0, 4), (4, 4)]
