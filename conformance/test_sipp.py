"""SIPp as the customer's PBX: calls that a credential admits, and refusals that say why."""

import json
import pathlib
import subprocess
import time

import pytest

from account import connector_of
from ports import TO_MEDIA, ports

SCENARIOS = pathlib.Path(__file__).parent / "sipp"
OWNED = "+12065550150"
ECHO = "+12065550100"


class Pbx:
    """A connector with one user, and SIPp to call through it."""

    def __init__(self, server, voice, tmp_path, **termination):
        self.server, self.voice, self.tmp_path = server, voice, tmp_path
        made = connector_of(server, **termination)
        self.id, self.domain = made["VoiceConnectorId"], made["OutboundHostName"]

    def put_user(self, password="secret"):
        self.voice.put_voice_connector_termination_credentials(
            VoiceConnectorId=self.id, Credentials=[{"Username": "pbx", "Password": password}]
        )

    def run(self, scenario, to=ECHO, caller=OWNED, transport="u1", password="secret", calls=1, **expect):
        text = (SCENARIOS / f"{scenario}.xml").read_text()
        for key, value in expect.items():
            text = text.replace(f"[{key.upper()}]", str(value))
        path = self.tmp_path / f"{scenario}.xml"
        path.write_text(text)
        host, port = self.server.sip("tcp" if transport.startswith("t") else "udp")
        local = next(ports)
        done = subprocess.run(
            ["sipp", f"{host}:{port}", "-sf", path, "-m", str(calls), "-r", "50", "-t", transport]
            + ["-i", "127.0.0.1", "-p", str(local), "-mi", "127.0.0.1", "-mp", str(local + TO_MEDIA)]
            + ["-key", "domain", self.domain, "-key", "from", caller, "-key", "to", to]
            + ["-au", "pbx", "-ap", password, "-timeout", "30s", "-timeout_error", "-nostdin"]
            + ["-trace_err", "-error_file", self.tmp_path / "sipp-errors.log"],
            capture_output=True,
            text=True,
            timeout=60,
            cwd=self.tmp_path,
        )
        errors = self.tmp_path / "sipp-errors.log"
        seen = errors.read_text(errors="replace") if errors.exists() else ""
        assert done.returncode == 0, f"SIPp exited {done.returncode}\n{seen}\n{self.server.log_text()[-3000:]}"

    def records(self):
        listed = json.loads(
            self.server.run("calls", "--connector", self.id, "--output", "json").stdout
        )
        return listed["calls"] if isinstance(listed, dict) else listed


@pytest.fixture(scope="module", autouse=True)
def owned_number(server):
    server.run("number", "add", OWNED, "--account", "000000000000")


@pytest.fixture
def pbx(server, voice, tmp_path):
    return Pbx(server, voice, tmp_path)


@pytest.mark.parametrize("transport", ["u1", "t1"])
def test_a_credential_put_through_the_api_admits_a_call(pbx, transport):
    pbx.put_user()
    pbx.run("authenticated_call", transport=transport)


def test_a_hundred_calls_at_fifty_a_second_all_complete(pbx):
    pbx.put_user()
    pbx.run("authenticated_call", calls=100)


def test_a_password_that_was_changed_counts_from_the_next_call(pbx):
    pbx.put_user("first")
    pbx.run("authenticated_call", password="first")
    pbx.put_user("second")
    pbx.run("authenticated_call", password="second")
    pbx.run("refused_after_digest", password="first", status=403, phrase=".*")


def test_a_wrong_password_is_refused(pbx):
    pbx.put_user()
    pbx.run("refused_after_digest", password="wrong", status=403, phrase=".*")


def test_a_user_that_was_deleted_is_refused(pbx):
    pbx.put_user()
    pbx.voice.put_voice_connector_termination_credentials(
        VoiceConnectorId=pbx.id, Credentials=[{"Username": "other", "Password": "p"}]
    )
    pbx.voice.delete_voice_connector_termination_credentials(VoiceConnectorId=pbx.id, Usernames=["pbx"])
    pbx.run("refused_after_digest", status=403, phrase=".*")


def test_a_caller_id_that_is_not_owned_is_named_in_the_reason_phrase(pbx):
    pbx.put_user()
    pbx.run(
        "refused_after_digest",
        caller="+14435550199",
        status=403,
        phrase=r"Caller Id \+14435550199 is not valid",
    )


def test_an_extension_as_caller_id_gets_the_known_phrase(pbx):
    pbx.put_user()
    pbx.run(
        "refused_after_digest",
        caller="1001",
        status=400,
        phrase="Source number is not valid E.164 or anonymous value",
    )


def test_a_country_outside_the_calling_regions_is_refused(pbx):
    pbx.put_user()
    pbx.run("refused_after_digest", to="+442079460000", status=403, phrase=".*")


def test_a_source_outside_the_allow_list_is_refused_without_a_challenge(server, voice, tmp_path):
    pbx = Pbx(server, voice, tmp_path, CidrAllowedList=["203.0.113.0/27"])
    pbx.put_user()
    pbx.run("refused_at_once", status=403, phrase=".*")


def test_a_disabled_termination_refuses(server, voice, tmp_path):
    pbx = Pbx(server, voice, tmp_path, Disabled=True)
    pbx.put_user()
    pbx.run("refused_at_once", status=403, phrase=".*")


def test_neither_credentials_nor_allow_list_lets_nothing_in(server, voice, tmp_path):
    pbx = Pbx(server, voice, tmp_path, CidrAllowedList=[])
    pbx.run("refused_at_once", status=403, phrase=".*")


def test_an_unknown_host_is_not_found(pbx):
    pbx.domain = "a" * 22 + ".voiceconnector.localhost"
    pbx.run("refused_at_once", status=404, phrase=".*")


@pytest.mark.parametrize("digits, status", [("30", 486), ("33", 404), ("34", 603)])
def test_what_the_carrier_answers_reaches_the_pbx(pbx, digits, status):
    pbx.put_user()
    pbx.run("refused_after_digest", to=f"+120655501{digits}", status=status, phrase=".*")


def test_a_ringing_call_can_be_cancelled(pbx):
    pbx.put_user()
    pbx.run("cancelled_while_ringing", to="+12065550131")


def test_options_are_answered_and_seen_as_health(pbx):
    it = {"VoiceConnectorId": pbx.id}
    pbx.run("options")
    deadline = time.monotonic() + 10
    health = {}
    while not health and time.monotonic() < deadline:
        health = pbx.voice.get_voice_connector_termination_health(**it)["TerminationHealth"]
    assert health["Source"].startswith("127.0.0.1")
    assert health["Timestamp"]


def test_each_call_leaves_one_record_and_an_explanation(pbx):
    pbx.put_user()
    pbx.run("authenticated_call")
    pbx.run("refused_after_digest", caller="+14435550199", status=403, phrase=".*")
    records = pbx.records()
    assert sorted(it["state"] for it in records) == ["completed", "rejected"]
    rejected = next(it for it in records if it["state"] == "rejected")
    told = pbx.server.run("explain", rejected["call_id"])
    assert "+14435550199" in told.stdout and "number add" in told.stdout
