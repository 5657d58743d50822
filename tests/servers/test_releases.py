"""Releases on a running installation: published, promoted and rolled back under traffic; bad ones refused meanwhile."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from msgspec import Raw
from rich.console import Console

from connectors.kafka.plain import LogProducer, read
from connectors.releases import keys
from models.plant import parse
from models.records import Forecast, Frame, ModelChange, Notice, Release, ReleaseMove, Shadow, Tick, decode, encode
from models.release import Kind, Part, Refusal, Refused, Role, decoded
from pipelines.cli import comparing
from pipelines.cli import releasing as by_hand
from pipelines.cli.board import board_of, offices
from pipelines.releases.board import PARTITION, key_of
from pipelines.releases.moves import ReleaseError, Who
from pipelines.topics import Topic, named
from tests.kit import bad_releases, figures, releasing, tiny
from tests.kit.installation import PARTITIONS, Installation, Undisturbed, check_outputs
from tests.kit.streams import MINUTE_US, START_US

pytestmark = pytest.mark.servers

WHO = Who("A. Person", "a test")
SLOPES = (0.5, 0.8)
VERSIONS = {releasing.manifest(slope).version: tiny.hazard(slope=slope) for slope in SLOPES}
FIRST, SECOND = VERSIONS


class Signing:
    """A key of a test's own."""

    def __init__(self, folder: Path) -> None:
        pem, self.public = keys.new_key("team")
        (folder / "team.pem").write_bytes(pem)
        self.option = f"team:{folder / 'team.pem'}"


def model(folder: Path, slope: float) -> Path:
    """A hazard's files in a folder; where its ONNX file is."""
    onnx = folder / f"{slope}.onnx"
    for part, content in releasing.files(slope).items():
        onnx.with_suffix(".onnx" if part is Part.ONNX else ".json").write_bytes(content)
    return onnx


def rows(first: int, last: int) -> list[Frame]:
    return [
        Frame(plant="tiny", asset=f"pump-0{pump}", source="t", times_us=[START_US + minute * MINUTE_US],
              signals={"pressure_bar": [5.0 + minute % 5 / 10], "temp_degc": [60.0]})
        for minute in range(first, last) for pump in (1, 2)
    ]  # fmt: skip


def check_replay(installation: Installation) -> Undisturbed:
    """All that was published is, byte for byte, what the log makes in memory, whoever worked it."""
    found = Undisturbed.of_log(installation, VERSIONS)
    topics = (Topic.FORECASTS, Topic.SHADOWS, Topic.ALERTS, Topic.DEAD_LETTERS)
    check_outputs(installation, found, repeats=True, topics=topics)
    return found


def models(installation: Installation) -> set[str]:
    """Of all forecasts."""
    found = (decode(one) for of in installation.published(Topic.FORECASTS).values() for one in of)
    return {one.model for one in found if isinstance(one, Forecast)}


def changes(installation: Installation) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {p: [] for p in range(PARTITIONS)}
    for record in read(installation.settings.kafka, installation.records):
        one = decode(record.value or b"")
        if isinstance(one, ModelChange) and one.role is Role.CHAMPION:
            found[record.partition].append(one.version)
    return found


def moves(installation: Installation) -> list[ReleaseMove]:
    topic = named(installation.settings.topic_prefix, Topic.AUDIT)
    found = [decode(one.value or b"") for one in read(installation.settings.kafka, topic)]
    return [one for one in found if isinstance(one, ReleaseMove)]


def publish(installation: Installation, signing: Signing, slopes: Sequence[float] = SLOPES) -> None:
    for slope in slopes:
        by_hand.publish(
            installation.settings, model(installation.folder, slope), by_hand.Signer(signing.option), Console()
        )


@pytest.fixture
def signing(tmp_path: Path) -> Signing:
    return Signing(tmp_path)


def test_a_release_takes_over_and_back_under_traffic_and_a_replay_gives_the_same_bytes(servers, tmp_path, signing):
    with Installation(tmp_path, release_keys=signing.public, registry=str(tmp_path / "registry")) as installation:
        installation.worker_at_work()
        installation.feed(rows(0, 300), 12.0)
        publish(installation, signing)
        offices(installation.settings).promote(FIRST, WHO)
        offices(installation.settings).promote(SECOND, WHO)
        offices(installation.settings).roll_back("tiny", WHO)
        installation.finish()
        installation.send([*rows(300, 310), Tick(plant="tiny", time_us=START_US + 400 * MINUTE_US)])
        installation.finish()
        check_replay(installation)
        assert changes(installation) == {at: [FIRST, SECOND, FIRST] for at in range(PARTITIONS)}
        assert models(installation) == {tiny.hazard().card.version, FIRST, SECOND}
        assert installation.ledger().rows_read == 620 and installation.ledger().balances
        told = [(one.version, str(one.to), one.by) for one in moves(installation) if one.by == "A. Person"]
        assert told == [
            (FIRST, "champion", "A. Person"), (SECOND, "champion", "A. Person"), (FIRST, "retired", "A. Person"),
            (FIRST, "champion", "A. Person"), (SECOND, "retired", "A. Person"),
        ]  # fmt: skip


def test_workers_that_come_and_go_end_on_the_same_champion_and_one_that_was_away_catches_up(servers, tmp_path, signing):
    with Installation(tmp_path, release_keys=signing.public, registry=str(tmp_path / "registry")) as installation:
        first = installation.worker_at_work()
        publish(installation, signing)
        installation.feed(rows(0, 300), 10.0)
        installation.worker()
        offices(installation.settings).promote(FIRST, WHO)
        installation.stop(first)
        offices(installation.settings).promote(SECOND, WHO)
        installation.finish()
        installation.stop(*(one for one in installation.workers if one.poll() is None))
        installation.send(rows(300, 310))
        installation.worker()
        installation.finish()
        found = check_replay(installation)
        assert [partition.meant["tiny"].version for partition in found.partitions] == [SECOND] * PARTITIONS


def test_a_release_that_nobody_trusts_is_refused_and_cannot_be_promoted(servers, tmp_path, signing):
    with Installation(tmp_path, release_keys=signing.public, registry=str(tmp_path / "registry")) as installation:
        installation.worker_at_work()
        (tmp_path / "other").mkdir()
        stranger = Signing(tmp_path / "other")
        with pytest.raises(ReleaseError, match="bad-signature"):
            publish(installation, stranger, [0.5])
        with pytest.raises(ReleaseError, match=f"{FIRST} is refused by the workers of partitions 0, 1, 2"):
            offices(installation.settings).promote(FIRST, WHO)
        installation.send(rows(0, 5))
        installation.finish()
        assert models(installation) == {tiny.hazard().card.version}
        assert changes(installation) == {at: [] for at in range(PARTITIONS)}
        refused = [one for one in moves(installation) if one.refusal]
        assert {str(one.refusal) for one in refused} == {"bad-signature"}


def test_a_candidate_runs_beside_the_champion_and_is_compared_with_it_in_warnings(servers, tmp_path, signing):
    with Installation(tmp_path, release_keys=signing.public, registry=str(tmp_path / "registry")) as installation:
        installation.worker_at_work()
        publish(installation, signing, [0.5])
        installation.send([*rows(0, 60), Tick(plant="tiny", time_us=START_US + 90 * MINUTE_US)])
        installation.finish()
        shadows = [decode(one) for of in installation.published(Topic.SHADOWS).values() for one in of]
        assert {one.model for one in shadows if isinstance(one, Shadow)} == {FIRST}
        assert len(shadows) >= 100
        found = comparing.of_live(installation.settings, None, Console(quiet=True))
        assert (found.champion, found.candidate) == (tiny.hazard().card.version, FIRST)
        champion, candidate = found.whole.sides
        assert champion.worth.warnings == 2 and candidate.worth.warnings == 0
        assert len(champion.alone_us) == 2 and not found.whole.both
        offices(installation.settings).promote(FIRST, WHO)
        installation.send(rows(100, 105))
        installation.finish()
        assert board_of(installation.settings).version_of("tiny", Role.SHADOW) == ""


def test_an_asset_type_that_is_frozen_stays_with_its_release_whatever_is_promoted(servers, tmp_path, signing):
    with Installation(tmp_path, release_keys=signing.public, registry=str(tmp_path / "registry")) as installation:
        installation.worker_at_work()
        publish(installation, signing)
        with pytest.raises(ReleaseError, match="publish and promote one first"):
            offices(installation.settings).freeze("pump", WHO)
        offices(installation.settings).promote(FIRST, WHO)
        offices(installation.settings).freeze("pump", WHO)
        offices(installation.settings).promote(SECOND, WHO)
        installation.send(rows(0, 5))
        installation.finish()
        assert models(installation) == {FIRST}
        offices(installation.settings).unpin("pump", WHO)
        installation.send(rows(5, 10))
        installation.finish()
        check_replay(installation)
        assert models(installation) == {FIRST, SECOND}


def test_a_worker_that_cannot_load_its_release_goes_on_by_the_folder_and_heals_when_it_can(servers, tmp_path, signing):
    places = {"registry": str(tmp_path / "registry"), "cache": str(tmp_path / "cache")}
    with Installation(tmp_path, release_keys=signing.public, **places) as installation:
        worker = installation.worker_at_work()
        publish(installation, signing, [0.5])
        offices(installation.settings).promote(FIRST, WHO)
        installation.stop(worker)
        (tmp_path / "registry").rename(tmp_path / "away")
        shutil.rmtree(tmp_path / "cache" / "releases")
        installation.worker()
        installation.send(rows(0, 5))
        installation.finish()
        assert models(installation) == {tiny.hazard().card.version}
        notices = [decode(one) for of in installation.published(Topic.NOTICES).values() for one in of]
        assert {str(one.kind) for one in notices if isinstance(one, Notice)} == {"model"}
        (tmp_path / "away").rename(tmp_path / "registry")
        log = installation.folder / "worker-1.log"
        installation.wait(lambda: log.read_text().count("model-told") == PARTITIONS, 30)
        installation.send(rows(5, 10))
        installation.finish()
        assert models(installation) == {tiny.hazard().card.version, FIRST}


def figure(installation: Installation, kind: Kind, slope: float) -> Path:
    """A wrapped model's files in a folder; where its ONNX file is."""
    onnx = installation.folder / f"{kind}-{slope}.onnx"
    for part, content in figures.files(kind, slope).items():
        onnx.with_suffix(".onnx" if part is Part.ONNX else ".json").write_bytes(content)
    return onnx


def test_energy_and_defect_releases_go_the_whole_way_of_a_plant_that_names_them(servers, tmp_path, signing):
    """Published, loaded, promoted, pinned and rolled back; what is said of machines is what it is without them."""
    with Installation(tmp_path, release_keys=signing.public, registry=str(tmp_path / "registry")) as installation:
        (installation.folder / "plant.toml").write_text(figures.PLANT_TOML)
        settings = installation.settings
        installation.worker_at_work()
        installation.feed(rows(0, 200), 12.0)
        loads = [figures.model(Kind.ENERGY, slope) for slope in SLOPES]
        weld = figures.model(Kind.DEFECT)
        for slope in SLOPES:
            by_hand.publish(
                settings, figure(installation, Kind.ENERGY, slope), by_hand.Signer(signing.option), Console()
            )
        by_hand.publish(settings, figure(installation, Kind.DEFECT, 1.0), by_hand.Signer(signing.option), Console())
        for one in (*loads, weld):
            offices(settings).promote(one.card.version, WHO)
        offices(settings).roll_back("line-load", WHO)
        offices(settings).roll_back("weld", WHO)
        offices(settings).pin(loads[1].card.version, "pump", WHO)
        installation.finish()
        shelf = {one.card.version: one for one in (*loads, weld)}
        check_outputs(installation, Undisturbed.of_log(installation, shelf, parse(figures.PLANT_TOML)), repeats=True)
        for state in installation.states():
            meant = {name: one.version for name, one in state.meant.items()}
            first, second = (one.card.version for one in loads)
            assert meant == {"line-load": first, "weld": "", "line-load/pin/pump": second}
        assert models(installation) == {tiny.hazard().card.version}
        assert installation.ledger().rows_read == 400 and installation.ledger().balances


def test_the_folder_s_own_file_is_offered_and_runs_beside_nothing(servers, tmp_path, signing):
    with Installation(tmp_path, release_keys=signing.public, registry=str(tmp_path / "registry")) as installation:
        installation.worker_at_work()
        own = installation.folder / "tiny.onnx"
        by_hand.publish(installation.settings, own, by_hand.Signer(signing.option), Console())
        board = board_of(installation.settings)
        assert tiny.hazard().card.version in board.releases and not board.appointed


def offered(offer: bad_releases.Offer) -> Release:
    """The record of an offer, whatever its manifest says."""
    try:
        version = decoded(offer.manifest).version
    except Refused:
        version = f"tiny@{hashlib.sha256(offer.manifest).hexdigest()[:12]}"
    return Release(
        plant="tiny", name="tiny", version=version, manifest=Raw(offer.manifest), signatures=offer.signatures
    )


def offer(installation: Installation, folder: Path, made: bad_releases.Offer) -> Release:
    bad_releases.serve(made, folder)
    record = offered(made)
    with LogProducer(installation.settings.kafka) as producer:
        topic = named(installation.settings.topic_prefix, Topic.RELEASES)
        producer.send(topic, key_of(record), encode(record), PARTITION)
    return record


def test_each_bad_release_is_refused_for_its_own_reason_while_the_champion_serves_on(servers, tmp_path):
    registry = tmp_path / "registry"
    with Installation(tmp_path, release_keys=bad_releases.TRUSTED, registry=str(registry)) as installation:
        worker = installation.worker_at_work()
        installation.feed(rows(0, 600), 45.0)
        champion = offer(installation, registry, bad_releases.good("champion", bad_releases.CHAMPION_MADE_US))
        offices(installation.settings).promote(champion.version, WHO)
        told: dict[Refusal, str] = {}
        stranger = msgspec.structs.replace(offered(bad_releases.good("elsewhere")), version="tiny@eeeeeeeeeeee")
        for reason, maker in bad_releases.bad_releases().items():
            record = offer(installation, registry, maker())
            if reason is Refusal.NOT_FETCHED:
                installation.wait(lambda: "release-not-fetched" in installation.told(), 20)
                continue
            told[reason] = refused(installation, record.version)
        assert {reason for reason, why in told.items() if not why.startswith(f"{reason}: ")} == set(), told
        assert len(told) == 21
        with LogProducer(installation.settings.kafka) as producer:
            topic = named(installation.settings.topic_prefix, Topic.RELEASES)
            producer.send(topic, key_of(stranger), encode(stranger), PARTITION)
        assert refused(installation, stranger.version).startswith("replayed: ")
        installation.finish()
        assert worker.poll() is None
        assert models(installation) == {tiny.hazard().card.version, champion.version}
        assert installation.ledger().rows_read == 1200


def refused(installation: Installation, version: str) -> str:
    """What the owners of all partitions say against a release."""
    board = board_of(installation.settings)

    def all_refuse() -> bool:
        nonlocal board
        board = board_of(installation.settings)
        return len(board.refused(version)) == PARTITIONS

    installation.wait(all_refuse, 30)
    (why,) = set(board.refused(version).values())
    return why
