"""Events: who comes back goes on behind what was seen, who missed too much is told so, sites see their own."""

from __future__ import annotations

import asyncio

import pytest

from pipelines.console.feed import Change, Feed, Kind


def put(feed: Feed, *sites: str | None) -> None:
    feed.put([Change(Kind.WARNING, site, {"at": site}) for site in sites])


def heard(feed: Feed, number: int, sees=lambda _: True, patience_s: float = 0.01) -> tuple[int, list[str]]:
    last, sent = asyncio.run(feed.after(number, sees, patience_s))
    lines = sent.decode().split("\n\n")[:-1]
    return last, [line.split("event: ")[1].replace("\ndata: ", " ") for line in lines]


def test_what_comes_after_a_number_is_heard_once_in_order():
    feed = Feed()
    put(feed, "a", "b")
    last, told = heard(feed, 0)
    assert told == ['warning {"at":"a"}', 'warning {"at":"b"}']
    assert heard(feed, last) == (last, [])


def test_who_comes_back_with_the_id_of_an_event_goes_on_behind_it():
    feed = Feed()
    put(feed, "a")
    token = feed.token
    put(feed, "b")
    number = feed.number_of(token)
    assert number is not None and heard(feed, number)[1] == ['warning {"at":"b"}']


def test_ids_in_events_are_such_tokens():
    feed = Feed()
    put(feed, "a", "b")
    _, sent = asyncio.run(feed.after(0, lambda _: True, 0.01))
    ids = [line.removeprefix("id: ") for line in sent.decode().splitlines() if line.startswith("id: ")]
    assert ids[-1] == feed.token and [feed.number_of(one) for one in ids] == [1, 2]


@pytest.mark.parametrize("token", ["", "-", "x-1", "1", "abc-²", "abc--1", "'; drop-3", "a" * 100])
def test_a_token_of_another_run_or_of_nobody_is_not_known(token):
    feed = Feed()
    put(feed, "a")
    assert feed.number_of(token) is None


def test_a_number_that_is_to_come_or_was_dropped_is_not_known():
    feed = Feed(kept=2)
    put(feed, "a", "b", "c")
    run = feed.token.rpartition("-")[0]
    assert [feed.number_of(f"{run}-{number}") for number in (0, 1, 3, 4)] == [None, 1, 3, None]


def test_who_falls_behind_by_more_than_is_kept_is_told_to_load_anew():
    feed = Feed(kept=2)
    put(feed, "a", "b", "c")
    assert heard(feed, 0) == (3, ["reset {}"])


def test_large_events_push_out_the_oldest_however_few_they_are():
    feed = Feed(kept_bytes=2_500)
    for _ in range(3):
        feed.put([Change(Kind.ASSETS, "a", "x" * 1_000)])
    assert heard(feed, 0)[1] == ["reset {}"] and len(heard(feed, 1)[1]) == 2
    feed.put([Change(Kind.ASSETS, "a", "x" * 10_000), Change(Kind.LOG, None, {})])
    assert heard(feed, 3)[1] == ["reset {}"] and heard(feed, 4) == (5, ["log {}"])


def test_a_site_hears_its_own_and_what_is_of_no_site_and_never_what_nobody_can_place():
    feed = Feed()
    put(feed, "quay", "mill", None, "")
    told = heard(feed, 0, lambda site: site == "quay")
    assert told == (4, ['warning {"at":"quay"}', 'warning {"at":null}'])


def test_at_the_end_all_who_wait_are_let_go_at_once():
    async def waits() -> tuple[int, bytes]:
        feed = Feed()
        waiting = asyncio.create_task(feed.after(0, lambda _: True, 60.0))
        await asyncio.sleep(0)
        feed.end()
        return await asyncio.wait_for(waiting, 1.0)

    assert asyncio.run(waits()) == (0, b"")


def test_whoever_waits_hears_what_comes_and_is_let_go_where_nothing_does():
    async def waits() -> tuple[int, bytes, int, bytes]:
        feed = Feed()
        waiting = asyncio.create_task(feed.after(0, lambda _: True, 5.0))
        await asyncio.sleep(0)
        put(feed, "a")
        return *await waiting, *await feed.after(1, lambda _: True, 0.001)

    number, sent, same, nothing = asyncio.run(waits())
    assert (number, b"warning" in sent, same, nothing) == (1, True, 1, b"")
