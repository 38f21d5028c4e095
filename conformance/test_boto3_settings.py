"""Streaming, logging, emergency calling, external systems, proxy and global settings, by unmodified boto3."""

import pytest

TERMINATION = {"CallingRegions": ["US"], "CidrAllowedList": ["127.0.0.1/32"]}
ORIGINATION = {
    "Routes": [
        {"Host": "198.51.100.7", "Port": 5060, "Protocol": "UDP", "Priority": 1, "Weight": 1}
    ]
}


@pytest.fixture
def it(connector):
    return {"VoiceConnectorId": connector["VoiceConnectorId"]}


def test_streaming_is_read_right_after_the_put_and_absent_after_the_delete(voice, it):
    with pytest.raises(voice.exceptions.NotFoundException):
        voice.get_voice_connector_streaming_configuration(**it)
    sent = {
        "DataRetentionInHours": 5,
        "Disabled": False,
        "StreamingNotificationTargets": [{"NotificationTarget": "SQS"}],
    }
    voice.put_voice_connector_streaming_configuration(**it, StreamingConfiguration=sent)
    read = voice.get_voice_connector_streaming_configuration(**it)["StreamingConfiguration"]
    assert read == sent
    answer = voice.delete_voice_connector_streaming_configuration(**it)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    with pytest.raises(voice.exceptions.NotFoundException):
        voice.get_voice_connector_streaming_configuration(**it)


def test_logging_has_defaults_and_is_switched_on_and_off(voice, it):
    def read():
        return voice.get_voice_connector_logging_configuration(**it)["LoggingConfiguration"]

    assert read() == {"EnableSIPLogs": False, "EnableMediaMetricLogs": False}
    voice.put_voice_connector_logging_configuration(
        **it, LoggingConfiguration={"EnableSIPLogs": True}
    )
    assert read() == {"EnableSIPLogs": True, "EnableMediaMetricLogs": False}


def test_emergency_calling_and_what_it_needs_hold_each_other(voice, it):
    sent = {"DNIS": [{"EmergencyPhoneNumber": "+12065550911", "CallingCountry": "US"}]}

    def put():
        return voice.put_voice_connector_emergency_calling_configuration(
            **it, EmergencyCallingConfiguration=sent
        )

    with pytest.raises(voice.exceptions.BadRequestException):
        put()
    voice.put_voice_connector_termination(**it, Termination=TERMINATION)
    voice.put_voice_connector_origination(**it, Origination=ORIGINATION)
    put()
    read = voice.get_voice_connector_emergency_calling_configuration(**it)
    assert read["EmergencyCallingConfiguration"] == sent
    with pytest.raises(voice.exceptions.BadRequestException):
        voice.delete_voice_connector_termination(**it)
    with pytest.raises(voice.exceptions.BadRequestException):
        voice.put_voice_connector_origination(**it, Origination={"Disabled": True})
    voice.delete_voice_connector_emergency_calling_configuration(**it)
    voice.delete_voice_connector_termination(**it)
    voice.delete_voice_connector_origination(**it)


def test_external_systems_are_put_read_and_deleted(voice, it):
    sent = {
        "SessionBorderControllerTypes": ["CISCO_UNIFIED_BORDER_ELEMENT"],
        "ContactCenterSystemTypes": ["AVAYA_AURA_CONTACT_CENTER"],
    }
    put = voice.put_voice_connector_external_systems_configuration(**it, **sent)
    assert put["ExternalSystemsConfiguration"] == sent
    read = voice.get_voice_connector_external_systems_configuration(**it)
    assert read["ExternalSystemsConfiguration"] == sent
    voice.delete_voice_connector_external_systems_configuration(**it)
    with pytest.raises(voice.exceptions.NotFoundException):
        voice.get_voice_connector_external_systems_configuration(**it)


def test_a_proxy_is_put_read_and_deleted(voice, it):
    put = voice.put_voice_connector_proxy(
        **it, DefaultSessionExpiryMinutes=60, PhoneNumberPoolCountries=["US"]
    )["Proxy"]
    assert put == {
        "DefaultSessionExpiryMinutes": 60,
        "Disabled": False,
        "PhoneNumberCountries": ["US"],
    }
    assert voice.get_voice_connector_proxy(**it)["Proxy"] == put
    voice.delete_voice_connector_proxy(**it)
    with pytest.raises(voice.exceptions.NotFoundException):
        voice.get_voice_connector_proxy(**it)


def test_global_settings_keep_the_bucket_until_an_empty_update(voice):
    answer = voice.update_global_settings(VoiceConnector={"CdrBucket": "call-records"})
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert voice.get_global_settings()["VoiceConnector"] == {"CdrBucket": "call-records"}
    voice.update_global_settings(VoiceConnector={})
    assert voice.get_global_settings()["VoiceConnector"] == {}


def test_an_address_is_corrected(voice):
    answer = voice.validate_e911_address(
        AwsAccountId="000000000000",
        StreetNumber="410",
        StreetInfo="Terry Avenue North",
        City="Seattle",
        State="Washington",
        Country="US",
        PostalCode="98109",
    )
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert answer["ValidationResult"] == 1
    assert answer["Address"]["streetSuffix"] == "AVE"
    assert answer["Address"]["state"] == "WA"
