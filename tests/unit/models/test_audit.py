"""Chains of the audit: what is done to them is found, and told by what it is."""

from __future__ import annotations

import hashlib

from msgspec.structs import replace

from models.audit import Check, Fault, hash_of, sealed, verified
from models.records import decode, encode
from tests.kit.auditing import chain_name, entry, log

ONE = log([1] * 6)
TWO = log([1, 1, 2, 1, 2, 2, 3])


def faults(entries) -> list[tuple[Fault, str, int, int]]:
    return [tuple(one) for one in verified(entries)]


def test_a_log_as_it_was_written_has_no_fault():
    assert verified([]) == verified(ONE) == verified(TWO) == ()


def test_an_entry_travels_and_its_hash_is_of_its_wire_form_with_an_empty_hash():
    text = encode(ONE[3])
    assert decode(text) == ONE[3]
    plain = text.replace(b'"hash":"%s"' % ONE[3].hash.encode(), b'"hash":""')
    assert ONE[3].hash == hashlib.sha256(plain).hexdigest()


def test_each_entry_has_the_hash_of_the_one_before_it_and_the_first_that_of_another_chain_s():
    assert [one.before for one in ONE[1:]] == [one.hash for one in ONE[:-1]]
    assert (TWO[2].number, TWO[2].before, TWO[2].before_chain) == (0, TWO[1].hash, chain_name(1))
    assert (ONE[0].before, ONE[0].before_chain) == ("", "")


def test_a_changed_entry_is_found():
    changed = [*ONE[:2], replace(ONE[2], status=500), *ONE[3:]]
    assert faults(changed) == [(Fault.CHANGED, chain_name(1), 2, 2)]


def test_a_changed_entry_that_was_sealed_again_does_not_fit_the_one_behind_it():
    changed = [*ONE[:2], sealed(replace(ONE[2], by="somebody else")), *ONE[3:]]
    assert faults(changed) == [(Fault.UNLINKED, chain_name(1), 3, 3)]


def test_removed_entries_are_found_as_one_span():
    assert faults([*ONE[:2], *ONE[4:]]) == [(Fault.REMOVED, chain_name(1), 2, 3)]


def test_a_beginning_that_was_removed_is_found():
    assert faults(ONE[2:]) == [(Fault.REMOVED, chain_name(1), 0, 1)]


def test_entries_in_another_order_are_found_and_are_not_told_to_be_missing():
    assert faults([*ONE[:2], ONE[3], ONE[2], *ONE[4:]]) == [(Fault.REORDERED, chain_name(1), 2, 2)]


def test_an_entry_put_between_others_is_found():
    forged = sealed(replace(ONE[3], by="somebody else"))
    assert faults([*ONE[:3], forged, *ONE[3:]]) == [
        (Fault.FORKED, chain_name(1), 3, 3),
        (Fault.UNLINKED, chain_name(1), 4, 4),
    ]


def test_an_entry_that_is_there_twice_is_found():
    assert faults([*ONE[:3], ONE[2], *ONE[3:]]) == [(Fault.FORKED, chain_name(1), 2, 2)]


def test_an_older_chain_s_end_that_was_cut_off_is_found_by_the_chain_that_began_after_it():
    entries = log([1, 1, 1, 2, 2])
    assert faults([*entries[:2], *entries[3:]]) == [(Fault.ORPHAN, chain_name(2), 0, 0)]


def test_a_whole_older_chain_that_was_removed_is_found():
    assert faults(log([1, 1, 2, 2])[2:]) == [(Fault.ORPHAN, chain_name(2), 0, 0)]


def test_a_chain_that_says_to_be_the_first_long_after_others_is_found():
    late = sealed(replace(entry(9, 0), time_us=ONE[0].time_us + 60_000_001))
    assert faults([*ONE, late]) == [(Fault.ORPHAN, chain_name(9), 0, 0)]


def test_two_processes_that_begin_an_empty_topic_at_once_are_no_fault():
    assert not verified([ONE[0], sealed(entry(9, 0)), *ONE[1:]])


def test_the_end_that_was_cut_off_is_not_found_but_is_no_head_any_more():
    whole, cut = Check(), Check()
    for one in ONE:
        whole.see(one)
    for one in ONE[:-1]:
        cut.see(one)
    (head,) = whole.heads()
    assert not cut.broken()
    assert (head.number, head.hash) == (5, ONE[-1].hash)
    assert whole.has(head.hash) and not cut.has(head.hash)


def test_heads_are_ends_that_no_chain_began_after():
    check = Check()
    for one in log([1, 2, 1, 3]):
        check.see(one)
    assert [(head.chain, head.number) for head in check.heads()] == [(chain_name(2), 0), (chain_name(3), 0)]


def test_a_number_far_away_costs_no_more_than_another():
    far = sealed(replace(ONE[5], number=2**52))
    assert faults([*ONE[:5], far]) == [(Fault.REMOVED, chain_name(1), 5, 2**52 - 1)]


def test_a_fault_is_told_in_a_sentence():
    (broken,) = verified([*ONE[:2], *ONE[3:]])
    assert str(broken) == f"chain {chain_name(1)}: entry 2 is not there"
    assert hash_of(ONE[0]) == ONE[0].hash
