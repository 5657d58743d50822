"""`python -m pipelines.cli` is the `forewarn` command."""

from pipelines.cli import run

run()
