"""PutVoiceConnectorTerminationCredentials and its siblings, by unmodified boto3."""

import contextlib
import json
import os
import sqlite3
import stat

import pytest
from botocore.exceptions import ClientError

from trunkline_server import Server


def usernames(voice, connector):
    answer = voice.list_voice_connector_termination_credentials(
        VoiceConnectorId=connector["VoiceConnectorId"]
    )
    return answer["Usernames"]


def put(voice, connector, *credentials):
    return voice.put_voice_connector_termination_credentials(
        VoiceConnectorId=connector["VoiceConnectorId"],
        Credentials=[{"Username": name, "Password": password} for name, password in credentials],
    )


def test_the_documented_request_syntax_answers_204(voice, connector):
    response = voice.put_voice_connector_termination_credentials(
        VoiceConnectorId=connector["VoiceConnectorId"],
        Credentials=[
            {"Username": "string", "Password": "string"},
        ],
    )
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert response["ResponseMetadata"]["RequestId"]
    assert set(response) == {"ResponseMetadata"}
    assert usernames(voice, connector) == ["string"]


def test_a_put_adds_new_users_and_keeps_the_others(voice, connector):
    put(voice, connector, ("zoe", "one"), ("adam", "two"))
    put(voice, connector, ("mia", "three"), ("adam", "changed"))
    assert usernames(voice, connector) == ["adam", "mia", "zoe"]


def test_a_connector_without_users_lists_none(voice, connector):
    assert usernames(voice, connector) == []


def test_a_delete_takes_the_named_users_only(voice, connector):
    put(voice, connector, ("a", "1"), ("b", "2"), ("c", "3"))
    answer = voice.delete_voice_connector_termination_credentials(
        VoiceConnectorId=connector["VoiceConnectorId"], Usernames=["a", "c"]
    )
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert usernames(voice, connector) == ["b"]


def test_an_eleventh_user_is_refused_and_none_of_its_list_is_kept(voice, connector):
    put(voice, connector, *((f"user{n}", "p") for n in range(9)))
    with pytest.raises(ClientError) as refused:
        put(voice, connector, ("ninth", "p"), ("tenth", "p"))
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert "10" in refused.value.response["Error"]["Message"]
    assert usernames(voice, connector) == [f"user{n}" for n in range(9)]


def test_a_name_given_twice_is_a_bad_request_that_names_it(voice, connector):
    with pytest.raises(voice.exceptions.BadRequestException) as refused:
        put(voice, connector, ("twice", "one"), ("once", "two"), ("twice", "three"))
    assert "twice" in refused.value.response["Error"]["Message"]
    assert usernames(voice, connector) == []


@pytest.mark.parametrize("name", ["", 'quo"te', "co:lon", "newline\n", "naïve", "x" * 3000])
def test_a_user_name_that_cannot_stand_in_a_digest_is_a_bad_request(voice, connector, name):
    with pytest.raises(voice.exceptions.BadRequestException) as refused:
        put(voice, connector, (name, "hidden-password"))
    message = refused.value.response["Error"]["Message"]
    assert "Credentials[0].Username" in message
    assert "hidden-password" not in message


@pytest.mark.parametrize("password", ["", "pass\nword", "pässword"])
def test_a_password_that_is_not_plain_text_is_a_bad_request_that_does_not_repeat_it(
    voice, connector, password
):
    with pytest.raises(voice.exceptions.BadRequestException) as refused:
        put(voice, connector, ("user", password))
    message = refused.value.response["Error"]["Message"]
    assert "Credentials[0].Password" in message
    assert not password or password not in message


def test_an_unknown_connector_is_not_found(voice):
    with pytest.raises(voice.exceptions.NotFoundException) as refused:
        put(voice, {"VoiceConnectorId": "abcdefghijklmnopqrstuv"}, ("u", "p"))
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert "abcdefghijklmnopqrstuv" in refused.value.response["Error"]["Message"]


def test_a_connector_id_of_the_wrong_shape_is_a_bad_request(voice):
    with pytest.raises(voice.exceptions.BadRequestException) as refused:
        put(voice, {"VoiceConnectorId": "NOT-AN-ID"}, ("u", "p"))
    assert "VoiceConnectorId" in refused.value.response["Error"]["Message"]


def test_a_connector_without_termination_is_not_found(voice):
    bare = voice.create_voice_connector(Name="bare", RequireEncryption=False)["VoiceConnector"]
    with pytest.raises(voice.exceptions.NotFoundException) as refused:
        put(voice, bare, ("u", "p"))
    assert "ermination" in refused.value.response["Error"]["Message"]


def test_an_unknown_access_key_is_an_unauthorized_client(server, connector):
    stranger = server.client("AKIAXXXXXXXXXXXXXXXX", "nobody-knows-this-secret")
    with pytest.raises(stranger.exceptions.UnauthorizedClientException) as refused:
        put(stranger, connector, ("u", "p"))
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 401


def test_a_read_only_key_is_forbidden_to_put(server, voice, connector):
    made = server.run("key", "create", "--policy", "read-only", "--output", "json")
    key = json.loads(made.stdout)
    reader = server.client(key["access_key_id"], key["secret_access_key"])
    assert usernames(reader, connector) == []
    with pytest.raises(reader.exceptions.ForbiddenException) as refused:
        put(reader, connector, ("u", "p"))
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert usernames(voice, connector) == []


def test_a_key_that_asks_too_often_is_throttled(tmp_path):
    settings = {"TRUNKLINE_API__REQUESTS_PER_SECOND": "1", "TRUNKLINE_API__BURST": "3"}
    with Server(tmp_path, **settings) as server:
        voice = server.client()
        made = voice.create_voice_connector(Name="busy", RequireEncryption=False)["VoiceConnector"]
        with pytest.raises(voice.exceptions.ThrottledClientException) as refused:
            for _ in range(20):
                with contextlib.suppress(voice.exceptions.NotFoundException):
                    put(voice, made, ("u", "p"))
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429


def test_a_store_that_is_away_is_service_unavailable_and_comes_back(tmp_path):
    with Server(tmp_path) as server:
        voice = server.client()
        made = voice.create_voice_connector(Name="away", RequireEncryption=False)["VoiceConnector"]
        voice.put_voice_connector_termination(
            VoiceConnectorId=made["VoiceConnectorId"],
            Termination={"CallingRegions": ["US"], "CidrAllowedList": ["127.0.0.1/32"]},
        )
        blocker = sqlite3.connect(server.data_dir / "trunkline.db", isolation_level=None, timeout=5)
        blocker.execute("BEGIN IMMEDIATE")
        with pytest.raises(voice.exceptions.ServiceUnavailableException) as refused:
            put(voice, made, ("u", "p"))
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
        blocker.execute("ROLLBACK")
        blocker.close()
        put(voice, made, ("u", "p"))
        assert usernames(voice, made) == ["u"]


def test_a_damaged_row_is_our_own_fault_and_says_so(tmp_path):
    """ServiceFailureException is for what only the operator can mend: here, a document that cannot be read."""
    with Server(tmp_path) as server:
        voice = server.client()
        made = voice.create_voice_connector(Name="damaged", RequireEncryption=False)["VoiceConnector"]
        voice.put_voice_connector_termination(
            VoiceConnectorId=made["VoiceConnectorId"],
            Termination={"CallingRegions": ["US"], "CidrAllowedList": ["127.0.0.1/32"]},
        )
        with contextlib.closing(sqlite3.connect(server.data_dir / "trunkline.db", timeout=5)) as vandal:
            damaged = vandal.execute(
                "UPDATE resource SET document = CAST('{' AS BLOB) "
                "WHERE kind = (SELECT id FROM kind WHERE name = 'termination')"
            )
            assert damaged.rowcount == 1
            vandal.commit()
        with pytest.raises(voice.exceptions.ServiceFailureException) as refused:
            put(voice, made, ("u", "p"))
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
        assert refused.value.response["ResponseMetadata"]["RequestId"] in server.log_text()
        assert voice.list_voice_connectors()["VoiceConnectors"]


def test_passwords_are_nowhere_in_the_data_directory_or_the_log(tmp_path):
    password = "correct-horse-battery-staple"
    with Server(tmp_path) as server:
        voice = server.client()
        made = voice.create_voice_connector(Name="secret", RequireEncryption=False)["VoiceConnector"]
        voice.put_voice_connector_termination(
            VoiceConnectorId=made["VoiceConnectorId"],
            Termination={"CallingRegions": ["US"], "CidrAllowedList": ["127.0.0.1/32"]},
        )
        put(voice, made, ("user", password))
        data_dir = server.data_dir
        assert stat.S_IMODE(os.stat(data_dir).st_mode) == 0o700
        for name in ["credentials", "seal.key"]:
            assert stat.S_IMODE(os.stat(data_dir / name).st_mode) == 0o600
    files = [it for it in tmp_path.rglob("*") if it.is_file()]
    assert len(files) >= 4
    for it in files:
        assert password.encode() not in it.read_bytes(), it
