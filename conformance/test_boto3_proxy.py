"""Proxy phone sessions, by unmodified boto3."""

import pytest

POOL = ["+13605550100", "+13605550101"]


@pytest.fixture
def it(voice, server, connector):
    server.run("number", "add", *POOL, "--account", "000000000000")
    it = {"VoiceConnectorId": connector["VoiceConnectorId"]}
    voice.put_voice_connector_proxy(
        **it, DefaultSessionExpiryMinutes=60, PhoneNumberPoolCountries=["US"]
    )
    voice.associate_phone_numbers_with_voice_connector(**it, E164PhoneNumbers=POOL)
    yield it
    voice.disassociate_phone_numbers_from_voice_connector(**it, E164PhoneNumbers=POOL)


def test_a_session_is_created_read_changed_listed_and_closed(voice, it):
    answer = voice.create_proxy_session(
        **it, ParticipantPhoneNumbers=["+14015550101", "+12065550192"], Capabilities=["Voice"]
    )
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
    made = answer["ProxySession"]
    assert (made["Status"], made["ExpiryMinutes"]) == ("Open", 60)
    assert {each["ProxyPhoneNumber"] for each in made["Participants"]} == {POOL[0]}
    one = it | {"ProxySessionId": made["ProxySessionId"]}
    assert voice.get_proxy_session(**one)["ProxySession"] == made

    answer = voice.update_proxy_session(**one, Capabilities=["Voice"], ExpiryMinutes=5)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert answer["ProxySession"]["ExpiryMinutes"] == 5
    listed = voice.list_proxy_sessions(**it, Status="Open")["ProxySessions"]
    assert [each["ProxySessionId"] for each in listed] == [made["ProxySessionId"]]

    answer = voice.delete_proxy_session(**one)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    closed = voice.get_proxy_session(**one)["ProxySession"]
    assert closed["Status"] == "Closed" and closed["EndedTimestamp"]
    assert voice.list_proxy_sessions(**it, Status="Open")["ProxySessions"] == []


def test_a_number_leads_each_participant_to_one_session(voice, it):
    def create(*participants):
        return voice.create_proxy_session(
            **it, ParticipantPhoneNumbers=list(participants), Capabilities=["Voice"]
        )["ProxySession"]["Participants"][0]["ProxyPhoneNumber"]

    assert create("+14015550101", "+12065550192") == POOL[0]
    assert create("+14015550101", "+12065550193") == POOL[1]
    with pytest.raises(voice.exceptions.BadRequestException):
        create("+14015550101", "+12065550194")


def test_a_session_of_an_unknown_id_is_not_found(voice, it):
    with pytest.raises(voice.exceptions.NotFoundException):
        voice.get_proxy_session(**it, ProxySessionId="00000000-0000-4000-8000-000000000000")
