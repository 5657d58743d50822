"""Every `forewarn` command that a Markdown file names is one; what guides and their harness are like."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from tests.kit import commands, guides
from tests.kit.guide_reader import Reader
from tests.unit.infra.deployed import ROOT, SETTINGS, named_settings

TEXTS = {name: path.read_text(encoding="utf-8") for name, path in guides.MARKDOWN.items()}
WRITTEN = {name: list(commands.written(text, name)) for name, text in TEXTS.items()}
TABLE = TEXTS["README.md"].partition("\n## Guides\n")[2].partition("\n## ")[0]
OF_PEOPLE = {"CHANGELOG.md", "ARCHITECTURE.md", "README.md"}
"""No guides: the history, the design, the reference."""
REFERENCE = re.findall(r"\]\(([^)#]+)\)", TEXTS["README.md"].partition("\n## Reference\n")[2].partition("\n## ")[0])
NOT_RUN = 2
"""Blocks that no test can run: each is one that may rot."""


@pytest.mark.parametrize("name", [name for name, found in WRITTEN.items() if found])
def test_the_command_line_takes_every_command_of_a_file(name):
    assert [said for one in WRITTEN[name] if (said := commands.wrong(one))] == []


def test_commands_are_found_where_they_are():
    assert sum(one.whole for name in ("README.md", *REFERENCE) for one in WRITTEN[name]) > 80
    assert len(guides.FILES) >= 5
    assert all(len(WRITTEN[name]) > 4 for name in (*guides.FILES, "infra/DEPLOY.md", "infra/RUNBOOK.md"))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A=1 forewarn model card x.onnx | head -3", [("model", "card", "x.onnx")]),
        ("timeout 7 forewarn backfill \\\n  --resume || echo forewarn", [("backfill", "--resume")]),
        ("sudo -u forewarn /opt/bin/forewarn doctor > out.txt", [("doctor",)]),
        ("docker run --rm forewarn:0.1.0 api key kim", [("api", "key", "kim")]),
        ("docker tag forewarn:0.1.0 x; helm install forewarn chart; cd forewarn", []),
        ("python -c 'print(1)\nprint(2)'\nforewarn up  # and that's all", [("up",)]),
        ("forewarn plan --at '2026-01-01 06:00'", [("plan", "--at", "2026-01-01 06:00")]),
    ],
)
def test_a_command_is_known_among_what_a_shell_reads(text, found):
    assert [one.words for one in commands.written(f"```sh\n{text}\n```\n", "t") if one.whole] == found


@pytest.mark.parametrize(
    "line",
    [
        "modle card x.onnx",
        "model card x.onnx --jsn",
        "model",
        "model key",
        "model key a b --out c",
        "up --influx",
        "model judge --every",
        "subscriptions test --severity high --asset a",
        "subscriptions test --asset a --advice later",
    ],
)
def test_what_the_command_line_would_not_take_is_told(line):
    assert commands.wrong(commands.Written(where="t", words=tuple(line.split())))


def test_in_prose_names_and_options_have_to_be_right_alone():
    (right,) = commands.written("do `forewarn model key` first", "t")
    (wrong,) = commands.written("do `forewarn model key --output x` first", "t")
    assert commands.wrong(right) is None and "--output" in (commands.wrong(wrong) or "")


def test_every_guide_is_in_the_table_of_the_readme():
    of_infra = {path.relative_to(ROOT).as_posix() for path in (ROOT / "infra").glob("*.md")}
    others = {path.name for path in ROOT.glob("*.md")} - OF_PEOPLE
    linked = re.findall(r"\]\(([^)#]+)\)", TABLE)
    assert set(linked) >= {*guides.FILES, *of_infra, *others}
    assert all((ROOT / target).exists() for target in linked) and len(linked) == len(set(linked))


def test_a_newcomer_finds_every_page_that_stands_beside_what_it_describes():
    beside = {name for name in TEXTS if "/" in name and not name.startswith("infra/")}
    assert len(REFERENCE) > 10 and beside <= set(re.findall(r"\]\(([^)#]+)\)", TEXTS["README.md"]))


@pytest.mark.parametrize("name", guides.MARKDOWN)
def test_every_link_of_a_page_leads_somewhere(name):
    path = guides.MARKDOWN[name]
    for target, anchor in re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)", TEXTS[name]):
        found = (path.parent / target).resolve() if target else path
        assert found.exists(), target
        if anchor:
            heads = re.findall(r"^#+ (.*)$", found.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}, anchor


@pytest.mark.parametrize("name", guides.FILES)
def test_a_guide_says_how_long_it_takes_and_its_steps_add_up_to_that(name):
    text = TEXTS[name]
    (said,) = re.findall(r"^# .* in (\d+) minutes$", text, re.MULTILINE)
    steps = [int(minutes) for minutes in re.findall(r"^## \d+\. .*\((\d+) minutes?\b.*\)$", text, re.MULTILINE)]
    assert len(steps) == len(re.findall(r"^## \d+\. ", text, re.MULTILINE))
    assert 0 <= int(said) - sum(steps) <= 3


@pytest.mark.parametrize("name", guides.FILES)
def test_every_setting_of_a_guide_is_one(name):
    assert named_settings(TEXTS[name]) <= SETTINGS


def test_blocks_that_are_not_run_are_few_and_say_why():
    left = [block for name in guides.FILES for block in guides.read(name) if block.why_not is not None]
    assert all(block.why_not for block in left) and len(left) <= NOT_RUN
    run = [block for name in guides.FILES for block in guides.read(name) if block.typed and block.why_not is None]
    assert len(run) > 10 * len(left)


def test_guides_that_share_a_folder_are_followed_in_order_and_each_once():
    chains = list(guides.chains())
    followed = [name for chain in chains for name in chain]
    assert sorted(followed) == sorted(guides.FILES)
    assert all(guides.before(later) == earlier for chain in chains for earlier, later in pairwise(chain))
    assert max(len(chain) for chain in chains) > 1


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("a", "a\n"), ("a...c", "abc"), ("...\nb", "x\nb"), ("...\nb", "b"), ("b\n...", "b"), ("b\n...", "b\nc"),
        ("a\n...\nb", "a\nb"), ("a\n...\nb", "a\nq\nr\nb"), ("x...y...z", "xyz"), ("a\nb", "a  \nb\n\n"),
        ("a", "\x1b[1ma\x1b[0m"),
    ],
)  # fmt: skip
def test_shown_output_fits_what_was_printed(shown, printed):
    assert guides.misfit(shown, printed) is None


@pytest.mark.parametrize(
    ("shown", "printed"),
    [("a", "b"), ("a", "a\nb"), ("a...b", "ab c"), ("aXa...Xa", "aXa"), ("a\n...\nb", "b\na"), ("x...yy...z", "xyz")],
)
def test_shown_output_that_was_not_printed_is_told(shown, printed):
    assert guides.misfit(shown, printed)


def guide(tmp_path: Path, monkeypatch, text: str) -> Reader:
    """A reader of a guide named g."""
    path = tmp_path / "G.md"
    path.write_text(text)
    monkeypatch.setitem(guides.FILES, "g", path)
    return Reader(tmp_path / "reader")


RIGHT = """
`a/b.toml`:
```toml
x = 1
```

```sh
cat a/b.toml
export Y=1
```
```text
x = 1
```

```sh role
echo begun; sleep 60
```
```text
begun
```

```sh again
date +%s >> tries; wc -l < tries
```
```text
2
```

```sh end
echo "${Y:-gone}"
```
```text
gone
```
"""


def test_a_guide_is_followed_and_what_it_left_running_is_ended(tmp_path, monkeypatch):
    with guide(tmp_path, monkeypatch, RIGHT) as reader:
        assert len(reader.follow("g")) == 9
        assert reader.running == 0


@pytest.mark.parametrize(
    ("block", "told"),
    [
        ("```sh\nfalse\necho on\n```\n", "status 1"),
        ("```sh\necho a\n```\n```text\nb\n```\n", "printed was:\na"),
        ("```sh role\nexit 3\n```\n```sh\nsleep 1\n```\n```sh end\ntrue\n```\n", "ended by itself"),
        (
            "```sh role\ntrap 'exit 3' TERM; echo on; while sleep 0.1; do :; done\n```\n```text\non\n```\n"
            "```sh end\ntrue\n```\n",
            "status 3",
        ),
        ("```toml\nx = 1\n```\n", "nor a file"),
        ("```text\nx\n```\n", "no command before"),
        ("```sh later\ntrue\n```\n", "is no way"),
        ("```sh\ntrue\n", "left open"),
        ("`../out.toml`:\n```toml\nx = 1\n```\n", "outside"),
    ],
)
def test_where_a_guide_is_wrong_is_told(tmp_path, monkeypatch, block, told):
    with guide(tmp_path, monkeypatch, block) as reader, pytest.raises(guides.GuideError, match=told):
        reader.follow("g")


def test_a_reader_has_no_setting_of_this_session_but_the_programs(tmp_path, monkeypatch):
    monkeypatch.setenv("FOREWARN_KAFKA", "elsewhere:9092")
    text = "```sh\nenv | grep ^FOREWARN_ | cut -d= -f1 | sort\n```\n```text\nFOREWARN_CACHE\nFOREWARN_SERVERS\n```\n"
    with guide(tmp_path, monkeypatch, text) as reader:
        reader.follow("g")


def each(command, path=()):
    """All commands and groups below one, each with its name."""
    yield " ".join(path), command
    for name, below in getattr(command, "commands", {}).items():
        yield from each(below, (*path, name))


ALL = dict(each(commands.CLI))


@pytest.mark.parametrize("name", [name for name, one in ALL.items() if not hasattr(one, "commands")])
def test_the_help_of_every_command_ends_with_an_example_that_the_command_line_takes(name):
    epilog = ALL[name].epilog or ""
    assert re.match(r"Examples?: ", epilog), name
    examples = re.sub(r"^Examples?: ", "", epilog).split("   |   ")
    found = [one for example in examples for one in commands.written(f"```sh\n{example.split('   (')[0]}\n```\n", name)]
    assert len(found) >= len(examples), name
    assert any(" ".join(one.words).startswith(name) for one in found), name
    assert [said for one in found if (said := commands.wrong(one))] == []


@pytest.mark.parametrize("name", [name for name, one in ALL.items() if name and hasattr(one, "commands")])
def test_the_help_of_every_group_says_what_it_is_of(name):
    assert ALL[name].help


def completed(line: str) -> list[str]:
    """What bash is offered at the end of a line."""
    words = line.split(" ")
    environ = os.environ | {
        "_FOREWARN_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1),
        "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    code = "import sys; sys.argv[0] = 'forewarn'; from pipelines.cli import run; run()"
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_bash_completes_commands_and_options():
    assert completed("forewarn mod") == ["model"]
    assert "promote" in completed("forewarn model pro")
    assert "--resume" in completed("forewarn backfill --res")
