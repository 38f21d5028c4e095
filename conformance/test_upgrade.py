"""Databases that earlier releases made, opened by this one: every resource, key and credential still works.

`upgrade/make_fixture.py` made them, each with the build of its release.
"""

import configparser
import json
import pathlib
import shutil

import pytest

from trunkline_server import Server

UPGRADE = pathlib.Path(__file__).parent / "upgrade"
RELEASES = sorted(path.name for path in UPGRADE.iterdir() if (path / "answers.json").exists())
ECHO = "+12065550100"


class Upgraded(Server):
    """This release's server on a copy of what an earlier one left."""

    def __init__(self, home, release):
        super().__init__(home, TRUNKLINE_CARRIERS__SIMULATED="true")
        made = UPGRADE / release
        self.known = json.loads((made / "answers.json").read_text())
        self.data_dir.mkdir(mode=0o700)
        shutil.copy(made / "trunkline.db", self.data_dir / "trunkline.db")
        for name in ["seal.key", "credentials"]:
            shutil.copy(made / f"{name}.test-only", self.data_dir / name)
            (self.data_dir / name).chmod(0o600)


@pytest.fixture(scope="module", params=RELEASES)
def upgraded(request, tmp_path_factory):
    with Upgraded(tmp_path_factory.mktemp("upgraded"), request.param) as server:
        yield server


def test_there_is_a_database_of_an_earlier_release():
    assert RELEASES


def test_every_resource_answers_as_it_did(upgraded):
    voice = upgraded.client()
    assert len(upgraded.known["answers"]) > 20
    for name, members, expected in upgraded.known["answers"]:
        answer = getattr(voice, name)(**members)
        answer.pop("ResponseMetadata")
        assert_within(expected, json.loads(json.dumps(answer, default=str)), name)


def assert_within(expected, found, where):
    """What was answered then is answered now; an answer may have learnt to say more since."""
    if isinstance(expected, dict):
        for key, value in expected.items():
            # A calling name that was pending then has taken effect when its time is over.
            if key == "CallingNameStatus":
                continue
            assert key in found, f"{where}.{key} is missing"
            assert_within(value, found[key], f"{where}.{key}")
    elif isinstance(expected, list):
        assert len(expected) == len(found), f"{where}: {found}"
        for at, (one, other) in enumerate(zip(expected, found)):
            assert_within(one, other, f"{where}[{at}]")
    else:
        assert expected == found, where


def test_a_digest_key_that_was_sealed_then_lets_a_call_in_now(upgraded, tmp_path):
    known = upgraded.known
    (tmp_path / "pw").write_text(known["sip_user"]["password_test_only"] + "\n")
    (tmp_path / "wrong").write_text("battery staple\n")
    upgraded.run("carrier", "remove", "upstream")
    # Its SIP rule gives the connector's calls to an application, and no release runs those yet.
    voice = upgraded.client()
    for rule in voice.list_sip_rules()["SipRules"]:
        voice.update_sip_rule(SipRuleId=rule["SipRuleId"], Name=rule["Name"], Disabled=True)
    call = ["call", "--from", known["owned"], "--to", ECHO, "--seconds", "1", "--connector", known["connector"]]
    call += ["--username", known["sip_user"]["username"], "--password-file"]
    upgraded.run(*call, str(tmp_path / "pw"))
    assert upgraded.run(*call, str(tmp_path / "wrong"), check=False).returncode == 1


def test_an_access_key_of_another_account_still_has_its_policy(upgraded):
    key = upgraded.known["read_only_key_test_only"]
    voice = upgraded.client(key["id"], key["secret"])
    assert voice.list_voice_connectors()["VoiceConnectors"] == []
    with pytest.raises(voice.exceptions.AccessDeniedException):
        voice.create_voice_connector(Name="no", RequireEncryption=False)


def test_calls_of_then_are_explained_now(upgraded):
    assert upgraded.known["calls"]
    for call in upgraded.known["calls"]:
        told = json.loads(upgraded.run("explain", call, "--output", "json").stdout)
        assert told["transaction_id"] == call and told["decisions"]


def test_what_was_there_can_be_changed_backed_up_and_restored(upgraded, tmp_path):
    voice = upgraded.client()
    it = {"VoiceConnectorId": upgraded.known["connector"]}
    voice.put_voice_connector_termination_credentials(**it, Credentials=[{"Username": "new", "Password": "p"}])
    upgraded.run("backup", str(tmp_path / "backup"))
    seal_key = str(upgraded.data_dir / "seal.key")
    upgraded.run("restore", str(tmp_path / "backup"), "--data-dir", str(tmp_path / "new"), "--seal-key", seal_key)
    first = configparser.ConfigParser()
    first.read(tmp_path / "new" / "credentials")
    assert first["trunkline"]["aws_access_key_id"] == upgraded.credentials["aws_access_key_id"]
