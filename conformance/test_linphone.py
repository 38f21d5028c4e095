"""linphonec places calls with audio, and what it heard is measured; encrypted calls in, with a peer at either end."""

import json
import time

import pytest

from account import connector_of
from audio import share_of_tone
from authority import Authority
from baresip import Answering
from linphone import OWNED, Linphone
from ports import ports
from trunkline_server import Server

ECHO, TONE = "+12065550100", "+12065550120"
CALLER = "+13125550142"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def server(tmp_path_factory, authority):
    settings = {
        "TRUNKLINE_SIP__TLS__LISTEN": "127.0.0.1:0",
        "TRUNKLINE_SIP__TLS__CA": str(authority.bundle),
        "TRUNKLINE_CARRIERS__SIMULATED": "true",
    }
    with Server(tmp_path_factory.mktemp("trunkline"), **settings) as running:
        running.run("number", "add", OWNED, "--account", "000000000000")
        yield running


@pytest.fixture(scope="module")
def plain(server):
    return connector_of(server, "plain", "secret")


@pytest.fixture(scope="module")
def encrypted(server):
    return connector_of(server, "encrypted", "secret", encryption=True)


def latest(server, connector):
    listed = server.run("calls", "--connector", connector["VoiceConnectorId"], "--output", "json").stdout
    return json.loads(listed)["calls"][0]


def hears(agent, hertz):
    """Whether half a second of it is that tone: a busy machine may starve a user agent for moments."""
    samples, rate = agent.heard()
    windows = (samples[at : at + rate // 2] for at in range(0, len(samples) - rate // 2, rate // 8))
    return any(share_of_tone(window, rate, hertz) > 0.9 for window in windows)


@pytest.mark.parametrize("transport, srtp", [("udp", False), ("udp", True), ("tcp", False), ("tcp", True), ("tls", True)])
@pytest.mark.parametrize("called, hertz", [(TONE, 1000), (ECHO, 440)])
def test_linphone_hears_the_far_end(server, plain, encrypted, tmp_path, transport, srtp, called, hertz):
    """…0120 plays a 1 kHz tone; …0100 sends back the 440 Hz that linphone plays."""
    connector = encrypted if transport == "tls" else plain
    phone = Linphone(tmp_path, server, connector["OutboundHostName"], transport, srtp)
    log = phone.call(called, seconds=2)
    assert hears(phone, hertz), log
    explained = server.run("explain", latest(server, connector)["call_id"]).stdout
    assert ("caller's leg AES_CM_128_HMAC_SHA1_80" in explained) == srtp, explained


@pytest.fixture
def pbx(server, encrypted, authority, tmp_path):
    """baresip behind a connector that requires encryption, reached over TLS."""
    home = tmp_path / "pbx"
    home.mkdir()
    voice, it = server.client(), {"VoiceConnectorId": encrypted["VoiceConnectorId"]}
    with Answering(home, next(ports), *authority.issue("pbx")) as running:
        route = {"Host": "127.0.0.1", "Port": running.tls_port, "Protocol": "TCP", "Priority": 1, "Weight": 1}
        voice.put_voice_connector_origination(**it, Origination={"Routes": [route]})
        errors = voice.associate_phone_numbers_with_voice_connector(
            **it, E164PhoneNumbers=[OWNED], ForceAssociate=True
        )["PhoneNumberErrors"]
        assert not errors
        added = ["--transport", "tls", "--srtp", "require", "--source", "127.0.0.1/32", "--tls-insecure"]
        server.run("carrier", "add", "encrypting", "--host", "127.0.0.1", "--port", "16999", *added)
        yield running
        server.run("carrier", "remove", "encrypting")


def explained_call(server, connector):
    end = time.monotonic() + 10
    while (it := latest(server, connector))["state"] != "completed":
        assert time.monotonic() < end, it
    return server.run("explain", it["call_id"]).stdout


def test_an_encrypted_call_in_is_encrypted_on_both_legs_and_heard_at_both_ends(server, encrypted, pbx, tmp_path):
    """linphone is the carrier and plays 700 Hz; baresip is the PBX and plays 440 Hz."""
    host, _ = server.sip("tls")
    carrier = Linphone(tmp_path, server, host, "tls", srtp=True, hertz=700, user=CALLER)
    log = carrier.call(OWNED, seconds=3)
    assert hears(carrier, 440), log
    assert hears(pbx, 700), pbx.log.read_text(errors="replace")
    explained = explained_call(server, encrypted)
    for leg in ["caller's leg AES_CM_128_HMAC_SHA1_80", "called leg AES_CM_128_HMAC_SHA1_80"]:
        assert leg in explained, explained


def test_the_test_caller_calls_in_as_a_carrier_would(server, encrypted, pbx):
    done = server.run(
        "call", "--in", "--from", CALLER, "--to", OWNED, "--transport", "tls", "--srtp", "--seconds", "2", "--output", "json"
    )
    told = json.loads(done.stdout)
    assert told["answered"] and told["heard"]["packets"] > 50, told
    assert told["record"]["direction"] == "Inbound", told
    assert hears(pbx, 1000), pbx.log.read_text(errors="replace")
    in_clear = server.run("call", "--in", "--from", CALLER, "--to", OWNED, "--seconds", "1", check=False)
    assert in_clear.returncode == 1
