"""The OPC UA feed against asyncua's own server with certificates and users."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import structlog
from asyncua import ua
from asyncua.crypto.cert_gen import setup_self_signed_certificate
from asyncua.crypto.permission_rules import User, UserRole
from cryptography.x509.oid import ExtendedKeyUsageOID

from connectors.scada.feed import FeedError
from connectors.scada.feeds.opcua import Security
from tests.kit.ports import free_port
from tests.unit.connectors.scada.opcua_plant import SPEED, Plant, Taken, config_of, running, until


async def _nothing() -> None: ...


async def _certificates(folder: Path, name: str, uri: str, use) -> tuple[Path, Path]:
    key, certificate = folder / f"{name}-key.pem", folder / f"{name}.der"
    await setup_self_signed_certificate(key, certificate, uri, socket.gethostname(), [use], {})
    return key, certificate


class _OneUser:
    """Takes anna and her password, nobody else."""

    def get_user(self, iserver, username=None, password=None, certificate=None):
        if isinstance(password, bytes):
            password = password.decode()
        return User(role=UserRole.User) if (username, password) == ("anna", "right") else None


@asynccontextmanager
async def _secure_plant(folder: Path):
    key, certificate = await _certificates(folder, "server", "urn:server", ExtendedKeyUsageOID.SERVER_AUTH)
    plant = Plant(free_port(), user_manager=_OneUser())
    await plant.server.init()
    await plant.server.set_application_uri("urn:server")
    plant.server.set_security_policy(
        [ua.SecurityPolicyType.Basic256Sha256_Sign, ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt]
    )
    await plant.server.load_certificate(certificate)
    await plant.server.load_private_key(key)
    plant.server.init = _nothing
    await plant.start()
    try:
        yield plant, certificate
    finally:
        await plant.stop()


async def _secured(folder: Path, security: Security, taken: Taken, *, impostor: bool = False, logs=()) -> None:
    key, certificate = await _certificates(folder, "feed", "urn:forewarn:opcua", ExtendedKeyUsageOID.CLIENT_AUTH)
    async with _secure_plant(folder) as (plant, server):
        config = config_of(
            plant, security=security, certificate=str(certificate), private_key=str(key), user="anna",
            password_env="OPCUA_TEST", server_certificate=str(certificate if impostor else server),
        )  # fmt: skip
        async with running(config, taken) as task:
            await until(lambda: taken.readings or task.done() or any(log["event"] == "opcua-away" for log in logs))
            if task.done():
                task.result()


@pytest.mark.parametrize("security", [Security.SIGN, Security.SIGN_AND_ENCRYPT])
def test_a_secure_server_is_read_with_certificate_user_and_password(security, tmp_path, monkeypatch):
    monkeypatch.setenv("OPCUA_TEST", "right")
    taken = Taken()
    asyncio.run(_secured(tmp_path, security, taken))
    assert taken.values(SPEED) == [1.0]


def test_a_wrong_password_ends_the_feed_with_its_reason(tmp_path, monkeypatch):
    monkeypatch.setenv("OPCUA_TEST", "wrong")
    with pytest.raises(FeedError, match="refuses user 'anna'"):
        asyncio.run(_secured(tmp_path, Security.SIGN_AND_ENCRYPT, Taken()))


def test_a_server_with_another_certificate_than_the_one_given_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setenv("OPCUA_TEST", "right")
    taken = Taken()
    with structlog.testing.capture_logs() as logs:
        asyncio.run(_secured(tmp_path, Security.SIGN_AND_ENCRYPT, taken, impostor=True, logs=logs))
    assert not taken.readings and "opcua-live" not in {log["event"] for log in logs}
