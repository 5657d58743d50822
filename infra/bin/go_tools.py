"""Tools that check deployment files, built by Go into the cache: Helm, and a reader of compose files and Dockerfiles.

Nothing of Forewarn needs them when it runs: tests do, and whoever installs the chart from a machine without Helm.
Run as a file it builds both and prints where they are.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path

if __package__ in (None, ""):  # run as a file: our package is two folders up, and this one must not shadow others
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from infra.bin import programs
from infra.bin.influx_build import go_flags
from infra.bin.layout import Options, ServicesError

HELM_MODULE = "helm.sh/helm/v3"
HELM_VERSION = "3.19.5"
KUBERNETES = ("1", "34")
"""Of the client that this Helm is built with; what it renders for where nothing else is asked for."""
RECIPE = Path(__file__).resolve().parents[1] / "go" / "deploycheck"
OLDEST_GO = (1, 24)
"""Both modules ask for it in their go.mod."""
MINUTES = {"helm": 4, "deploycheck": 1}
"""On two cores with nothing in Go's cache."""


def helm(options: Options) -> Path:
    """Helm's path, built from its own module if it is not in the cache. Raises ServicesError."""

    def build(part: Path) -> None:
        go = programs.find_go(OLDEST_GO, "build Helm", options.environ)
        environ = {**options.environ, "GOBIN": str(part), "GOFLAGS": go_flags(go, options.environ), "CGO_ENABLED": "0"}
        stamp = f"-s -w -X {HELM_MODULE}/internal/version.version=v{HELM_VERSION}"
        for package in ("pkg/chartutil", "pkg/lint/rules"):  # as Helm's own Makefile does
            for part_of, number in zip(("Major", "Minor"), KUBERNETES, strict=True):
                stamp += f" -X {HELM_MODULE}/{package}.k8sVersion{part_of}={number}"
        command = [go, "install", "-trimpath", "-ldflags", stamp, f"{HELM_MODULE}/cmd/helm@v{HELM_VERSION}"]
        log = options.cache / "logs" / f"build-helm-{HELM_VERSION}.log"
        programs.run_logged("building Helm", command, log, environ, part)

    home, _ = programs.cached_or_built(options, f"helm-{HELM_VERSION}", build)
    return home / "helm"


def deploycheck(options: Options) -> Path:
    """The checker's path, built anew where its sources are others. Raises ServicesError."""
    content = b"".join(file.read_bytes() for file in sorted(RECIPE.iterdir()) if file.is_file())
    name = f"deploycheck-{hashlib.sha256(content).hexdigest()[:12]}"

    def build(part: Path) -> None:
        go = programs.find_go(OLDEST_GO, "build the checker of deployment files", options.environ)
        work = part / "work"
        shutil.copytree(RECIPE, work)
        environ = {**options.environ, "GOFLAGS": go_flags(go, options.environ), "CGO_ENABLED": "0"}
        command = [go, "build", "-trimpath", "-ldflags", "-s -w", "-o", str(part / "deploycheck"), "."]
        programs.run_logged(
            "building deploycheck", command, options.cache / "logs" / f"build-{name}.log", environ, work
        )
        shutil.rmtree(work)

    home, _ = programs.cached_or_built(options, name, build)
    return home / "deploycheck"


if __name__ == "__main__":
    try:
        for made in (deploycheck(Options()), helm(Options())):
            print(made)
    except ServicesError as error:
        sys.exit(f"error: {error}")
