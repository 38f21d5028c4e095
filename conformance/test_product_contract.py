"""The promises of the command line, the files, the listeners and the simulated carrier, kept from outside."""

import json
import os
import pathlib
import re
import socket
import stat
import struct
import subprocess
import time
import urllib.error
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from account import connector_of
from sip_wire import Caller, authorization, challenges, contact, to_tag
from trunkline_server import BIN, Server

OWNED = "+12065550150"
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


@pytest.fixture(scope="module", autouse=True)
def owned_number(server):
    server.run("number", "add", OWNED, "--account", "000000000000")


def called(server, connector, digits):
    return Caller(server, connector["OutboundHostName"], OWNED, f"+120655501{digits}")


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def test_the_ready_line_has_exactly_its_keys(server):
    assert list(server.ready) == ["event", "http", "admin", "sip_udp", "sip_tcp", "sip_tls", "data_dir"]
    assert server.ready["data_dir"] == str(server.data_dir)


def test_secrets_are_for_their_owner_alone(server):
    assert mode(server.data_dir) == 0o700
    for name in ["credentials", "seal.key", "trunkline.db", "nonce.key", "sip-tls.key"]:
        assert mode(server.data_dir / name) == 0o600, name


@pytest.mark.parametrize("page", ["livez", "readyz", "version", "metrics"])
def test_the_admin_listener_has_its_pages(server, page):
    with urllib.request.urlopen(f"http://{server.ready['admin']}/{page}", timeout=10) as answer:
        assert answer.status == 200 and answer.read()


def test_the_common_options_stand_before_and_after_the_command(server):
    common = ["--output", "json", "--endpoint-url", server.endpoint, "--profile", "trunkline"]
    for line in [[*common, "key", "list"], ["key", *common, "list"], ["key", "list", *common]]:
        told = server.run(*line, AWS_ENDPOINT_URL="http://127.0.0.1:9", AWS_PROFILE="")
        assert json.loads(told.stdout)["keys"][0]["account"] == "000000000000"


def test_an_error_of_the_api_names_itself_the_request_and_the_remedy(server):
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{server.endpoint}/voice-connectors", timeout=10)
    headers, body = refused.value.headers, json.loads(refused.value.read())
    assert re.fullmatch(UUID, headers["x-amzn-RequestId"])
    assert headers["x-amzn-ErrorType"].endswith("Exception")
    assert set(body) == {"Code", "Message"} and "trunkline key create" in body["Message"]


def test_names_on_the_wire_have_the_shapes_that_clients_rely_on(server, voice, connector):
    id = connector["VoiceConnectorId"]
    assert re.fullmatch(r"[a-z0-9]{22}", id)
    assert connector["VoiceConnectorArn"] == f"arn:aws:chime:us-east-1:000000000000:vc/{id}"
    assert connector["OutboundHostName"] == f"{id}.voiceconnector.localhost"
    told = json.loads(
        server.run("api", "GetVoiceConnector", "--json", f'{{"VoiceConnectorId":"{id}"}}', "--output", "json").stdout
    )["VoiceConnector"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", told["CreatedTimestamp"])


@pytest.fixture
def dialled(server, connector):
    """A call to the simulated carrier's number with these digits, with its media."""
    opened = []

    def dialled(digits):
        caller = called(server, connector, digits)
        caller.media = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        caller.media.bind(("127.0.0.1", 0))
        caller.media.settimeout(10)
        opened.append(caller)
        caller.send("INVITE", body=caller.sdp(caller.media.getsockname()[1]))
        return caller

    yield dialled
    for it in opened:
        it.socket.close()
        it.media.close()


def answered(caller):
    """The statuses up to the answer, how long it took, and the answer."""
    began, statuses = time.monotonic(), []
    while True:
        status, text = caller.receive()
        statuses.append(status)
        if status >= 200:
            assert status == 200, text
            took = time.monotonic() - began
            caller.acknowledge(text, contact(text))
            caller.relay = ("127.0.0.1", int(re.search(r"m=audio (\d+)", text).group(1)))
            return statuses, took, text


def hang_up(caller, text):
    caller.send("BYE", uri=contact(text), to_tag=to_tag(text))
    assert caller.final()[0] == 200


def talk(caller, payload, number=1):
    caller.media.sendto(struct.pack("!BBHII", 0x80, 0, number, number * 160, 7) + payload, caller.relay)


# The first, the last, and numbers that have no row of their own.
@pytest.mark.parametrize("digits", ["00", "01", "10", "19", "21", "29", "35", "43", "49", "51", "99"])
def test_it_rings_answers_and_echoes(dialled, digits):
    caller = dialled(digits)
    statuses, took, text = answered(caller)
    assert 180 in statuses and 0.09 < took < 2
    talk(caller, b"\x42" * 160)
    assert caller.media.recv(2048)[12:] == b"\x42" * 160
    hang_up(caller, text)


def test_20_answers_with_a_tone(dialled):
    caller = dialled("20")
    _, _, text = answered(caller)
    talk(caller, b"\xff" * 160)
    # 1 kHz at 8,000 samples a second repeats after eight of them.
    payload = caller.media.recv(2048)[12:]
    assert len(payload) == 160 and payload[:8] == payload[8:16] and len(set(payload[:8])) > 2
    hang_up(caller, text)


@pytest.mark.parametrize("digits, status", [("30", 486), ("33", 404), ("34", 603)])
def test_a_refusal_of_the_carriers_reaches_the_caller(dialled, digits, status):
    caller = dialled(digits)
    told, text = caller.final()
    caller.acknowledge(text)
    assert told == status


def test_32_fails_when_there_is_no_next_route(dialled):
    caller = dialled("32")
    status, text = caller.final()
    caller.acknowledge(text)
    assert 500 <= status < 600


def test_31_rings_until_it_is_cancelled(dialled):
    caller = dialled("31")
    while caller.receive()[0] != 180:
        pass
    caller.send("CANCEL", cseq=caller.cseq, branch=caller.branch)
    finals = sorted([caller.final()[0], caller.final()[0]])
    assert finals == [200, 487]


def test_40_rings_for_three_seconds(dialled):
    caller = dialled("40")
    statuses, took, text = answered(caller)
    assert 180 in statuses and 2.9 < took < 5
    hang_up(caller, text)


def test_41_has_two_seconds_of_early_tone(dialled):
    caller = dialled("41")
    while (progress := caller.receive())[0] != 183:
        pass
    caller.relay = ("127.0.0.1", int(re.search(r"m=audio (\d+)", progress[1]).group(1)))
    talk(caller, b"\xff" * 160)
    assert len(caller.media.recv(2048)) == 172
    _, took, text = answered(caller)
    assert 1.5 < took < 4
    hang_up(caller, text)


def test_42_sends_the_digits_1_2_3_and_hash(dialled):
    caller = dialled("42")
    _, _, text = answered(caller)
    talk(caller, b"\xff" * 160)
    digits = []
    while len(digits) < 4:
        packet = caller.media.recv(2048)
        event, flags = packet[12], packet[13]
        if packet[1] & 0x7F == 101 and flags & 0x80 and packet[4:8] not in [it[1] for it in digits]:
            digits.append((event, packet[4:8]))
    assert [event for event, _ in digits] == [1, 2, 3, 11]
    hang_up(caller, text)


def test_50_hangs_up_after_five_seconds(dialled):
    caller = dialled("50")
    _, _, text = answered(caller)
    began = time.monotonic()
    _, bye = caller.receive()
    assert bye.startswith("BYE ") and 4.5 < time.monotonic() - began < 7
    copied = [it for it in bye.split("\r\n") if re.match("(Via|From|To|Call-ID|CSeq):", it)]
    caller.socket.sendto("\r\n".join(["SIP/2.0 200 OK", *copied, "Content-Length: 0", "", ""]).encode(), caller.target)


def test_only_what_needs_it_is_challenged(server, voice, connector):
    voice.put_voice_connector_termination_credentials(
        VoiceConnectorId=connector["VoiceConnectorId"], Credentials=[{"Username": "pbx", "Password": "secret"}]
    )
    with called(server, connector, "00") as caller:
        caller.send("OPTIONS")
        assert caller.final()[0] == 200
        # The 204 of the credentials has left: they count.
        caller.send("INVITE", body=caller.sdp())
        told, text = caller.final()
        caller.acknowledge(text)
        assert told == 407 and [it["algorithm"] for it in challenges(text)] == ["MD5", "SHA-256"]
        header = authorization(challenges(text)[0], "pbx", "secret", "INVITE", caller.uri)
        caller.send("INVITE", headers=[header], body=caller.sdp())
        told, text = caller.final()
        assert told == 200, text
        caller.acknowledge(text, contact(text))
        hang_up(caller, text)


def test_a_nonce_from_before_a_restart_is_stale_and_its_owner_is_not_asked_for_a_password(tmp_path):
    with Server(tmp_path) as server:
        server.run("number", "add", OWNED, "--account", "000000000000")
        made = connector_of(server, "restarted", "secret")
        with called(server, made, "00") as caller:
            caller.send("INVITE", body=caller.sdp())
            _, text = caller.final()
            caller.acknowledge(text)
            header = authorization(challenges(text)[0], "pbx", "secret", "INVITE", caller.uri)
        server.stop()
        server.start()
        with called(server, made, "00") as caller:
            caller.send("INVITE", headers=[header], body=caller.sdp())
            status, text = caller.final()
            caller.acknowledge(text)
            assert status == 407 and all(it["stale"].lower() == "true" for it in challenges(text)), text


def test_the_metrics_keep_to_the_rules_of_their_format(server):
    with urllib.request.urlopen(f"http://{server.ready['admin']}/metrics", timeout=10) as answer:
        page = answer.read().decode()
    families = list(text_string_to_metric_families(page))
    assert len({it.name for it in families}) == len(families) > 30
    for family in families:
        assert family.documentation.endswith("."), family
        assert family.type in ("counter", "gauge"), family
    for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", page, re.M):
        assert name.startswith("trunkline_") and name.endswith("_total") == (kind == "counter"), name


def test_every_metric_is_on_the_page_of_metrics_and_no_other(server):
    with urllib.request.urlopen(f"http://{server.ready['admin']}/metrics", timeout=10) as answer:
        served = set(re.findall(r"^# TYPE (\S+)", answer.read().decode(), re.M))
    page = (pathlib.Path(__file__).parent.parent / "docs/metrics.md").read_text()
    told = set(re.findall(r"^\| `(trunkline_\w+)", page, re.M))
    # It exists only where the API speaks TLS.
    assert told - {"trunkline_api_tls_handshakes_failed_total"} == served


def test_every_configuration_key_is_on_its_page_with_its_default_and_its_meaning(tmp_path):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "TRUNKLINE_"))}
    told = subprocess.run(
        [BIN, "config", "print", "--output", "json"], env=kept, cwd=tmp_path, capture_output=True, check=True
    ).stdout
    page = (pathlib.Path(__file__).parent.parent / "docs/configuration.md").read_text()
    rows = set(re.findall(r"^\| `.*$", page, re.M))
    for key in json.loads(told)["keys"]:
        value = "unset" if key["value"] is None else f"`{json.dumps(key['value'], ensure_ascii=False)}`"
        row = f"| `{key['key']}` | {value} | {key['about']} |"
        assert row in rows, f"docs/configuration.md lacks: {row}"
        rows.remove(row)
    assert not rows, "docs/configuration.md has what the program does not know"
