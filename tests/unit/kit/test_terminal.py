"""A terminal's recording and its picture show what a command said, when it said it."""

from __future__ import annotations

import json
import os
import sys

from tests.kit.terminal import LONGEST_S, Said, animated, cast, frames, recorded


def words(frame) -> list[str]:
    return [text for line in frame.lines if (text := "".join(run[0] for run in line).rstrip())]


def test_a_command_is_recorded_with_its_times_and_its_status():
    program = "import sys, time; print('one', flush=True); time.sleep(0.4); print(sys.stdout.isatty()); sys.exit(3)"
    heard: list[str] = []
    said, status = recorded([sys.executable, "-c", program], 40, 5, os.environ, heard.append)
    assert status == 3
    assert "".join(one.text for one in said).split() == ["one", "True"] == "".join(heard).split()
    assert said[-1].at_s - said[0].at_s > 0.3


def test_a_recording_is_what_asciinemas_players_read():
    head, event = map(json.loads, cast([Said(0.5, "hello\r\n")], 80, 24, "demo").splitlines())
    assert (head["version"], head["width"], head["height"]) == (2, 80, 24)
    assert event == [0.5, "o", "hello\r\n"]


def test_frames_follow_cursor_and_colours_and_long_pauses_are_cut():
    said = [Said(0.0, "\x1b[32mok\x1b[0m two"), Said(10.0, "\x1b[2J\x1b[Hthree"), Said(10.1, " four")]
    first, last = frames(said, 20, 3)
    assert (words(first), words(last)) == (["ok two"], ["three four"])
    assert first.lines[0][0] == ("ok", "green", False)
    assert first.seconds == LONGEST_S


def test_the_picture_has_each_frame_once_in_its_time_and_nothing_that_is_fetched():
    said = [Said(0.0, "<one>"), Said(1.0, "\r\ntwo")]
    svg = animated(list(frames(said, 20, 3)), 20, 3, "a & b")
    assert svg.count("<g id=") == 2 and "&lt;one&gt;" in svg and "a &amp; b" in svg
    assert "two\u00a0\u00a0three" in animated(list(frames([Said(0.0, "two  three")], 20, 3)), 20, 3, "t")
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "") and "<script" not in svg
    assert "0.000%,20.000%{visibility:visible}" in svg
