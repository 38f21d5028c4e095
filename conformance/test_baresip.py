"""baresip places a call with audio, and what it heard is measured.

baresip 1.0, which Debian 12 has, gives up on a 407 in which any challenge names an algorithm other than MD5, even
behind one that it knows. So this server offers MD5 alone, as docs/operating.md tells the owners of such devices.
"""

import json

import pytest

from account import connector_of
from audio import loudest_second, share_of_tone
from baresip import OWNED, Baresip
from trunkline_server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    home = tmp_path_factory.mktemp("trunkline")
    with Server(home, TRUNKLINE_SIP__DIGEST_ALGORITHMS='["MD5"]') as running:
        yield running


@pytest.fixture(scope="module")
def connector(server):
    server.run("number", "add", OWNED, "--account", "000000000000")
    return connector_of(server, "baresip", "secret")


@pytest.mark.parametrize("called, hertz", [("+12065550120", 1000), ("+12065550100", 440)])
def test_the_audio_that_baresip_hears_is_the_far_ends(server, connector, tmp_path, called, hertz):
    """…0120 plays a 1 kHz tone; …0100 sends back the 440 Hz that baresip plays."""
    agent = Baresip(tmp_path, server, connector["OutboundHostName"], "secret")
    agent.call(f"sip:{called}@{connector['OutboundHostName']}", seconds=6)
    samples, rate = agent.heard()
    assert len(samples) > 2 * rate, agent.log.read_text(errors="replace")
    window = loudest_second(samples, rate)
    assert share_of_tone(window, rate, hertz) > 0.9
    assert share_of_tone(window, rate, 440 if hertz == 1000 else 1000) < 0.05


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_the_audio_of_a_call_over_a_connection_is_the_far_ends(server, connector, tmp_path, transport):
    agent = Baresip(tmp_path, server, connector["OutboundHostName"], "secret", transport)
    agent.call(f"sip:+12065550120@{connector['OutboundHostName']};transport={transport}", seconds=6)
    samples, rate = agent.heard()
    assert len(samples) > 2 * rate, agent.log.read_text(errors="replace")
    assert share_of_tone(loudest_second(samples, rate), rate, 1000) > 0.9


def test_the_record_of_a_heard_call_tells_its_quality(server, connector):
    listed = json.loads(
        server.run("calls", "--connector", connector["VoiceConnectorId"], "--output", "json").stdout
    )
    answered = [it for it in listed["calls"] if it["state"] == "completed"]
    assert len(answered) == 4
    for it in answered:
        assert [leg["leg"] for leg in it["quality"]] == ["caller", "called"]
        for leg in it["quality"]:
            assert leg["packets"] > 100 and leg["mos"] > 4.0
