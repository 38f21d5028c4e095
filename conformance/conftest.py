"""One private server per test module, on free ports of the loopback, stopped and removed at the end."""

import pathlib
import tomllib

import boto3
import pytest
from botocore.config import Config

from trunkline_server import Server

HERE = pathlib.Path(__file__).parent


def pytest_collection_modifyitems(items):
    skips = tomllib.loads((HERE / "skips.toml").read_text())["skips"]
    known = {item.nodeid.removeprefix("conformance/") for item in items}
    if len(known) > 50:
        assert set(skips) <= known, f"skips.toml names tests that do not exist: {set(skips) - known}"
    for item in items:
        reason = skips.get(item.nodeid.removeprefix("conformance/"))
        if reason:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("trunkline")) as running:
        yield running


@pytest.fixture(scope="module")
def voice(server):
    return server.client()


@pytest.fixture
def connector(voice):
    """A plain connector whose termination lets the loopback in."""
    made = voice.create_voice_connector(Name="conformance", RequireEncryption=False)["VoiceConnector"]
    voice.put_voice_connector_termination(
        VoiceConnectorId=made["VoiceConnectorId"],
        Termination={
            "CpsLimit": 100,
            "CallingRegions": ["US"],
            "CidrAllowedList": ["127.0.0.1/32"],
        },
    )
    yield made
    # A test may have deleted it already.
    try:
        voice.delete_voice_connector(VoiceConnectorId=made["VoiceConnectorId"])
    except voice.exceptions.NotFoundException:
        pass
