"""Voice Connector groups and the numbers of connectors and groups, by unmodified boto3."""

import pytest


@pytest.fixture
def group(voice):
    made = voice.create_voice_connector_group(Name="group")["VoiceConnectorGroup"]
    yield made
    try:
        it = {"VoiceConnectorGroupId": made["VoiceConnectorGroupId"]}
        voice.update_voice_connector_group(**it, Name="group", VoiceConnectorItems=[])
        voice.delete_voice_connector_group(**it)
    except voice.exceptions.NotFoundException:
        pass


def test_a_group_lives_as_terraform_drives_it(voice, connector):
    items = [{"VoiceConnectorId": connector["VoiceConnectorId"], "Priority": 1}]
    answer = voice.create_voice_connector_group(Name="vcg-1", VoiceConnectorItems=items)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
    made = answer["VoiceConnectorGroup"]
    assert made["VoiceConnectorItems"] == items
    it = {"VoiceConnectorGroupId": made["VoiceConnectorGroupId"]}
    assert voice.get_voice_connector_group(**it)["VoiceConnectorGroup"] == made

    items[0]["Priority"] = 10
    answer = voice.update_voice_connector_group(**it, Name="vcg-2", VoiceConnectorItems=items)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    read = voice.get_voice_connector_group(**it)["VoiceConnectorGroup"]
    assert (read["Name"], read["VoiceConnectorItems"]) == ("vcg-2", items)
    assert read["VoiceConnectorGroupId"] in {
        listed["VoiceConnectorGroupId"]
        for listed in voice.list_voice_connector_groups()["VoiceConnectorGroups"]
    }

    with pytest.raises(voice.exceptions.ConflictException):
        voice.delete_voice_connector_group(**it)
    with pytest.raises(voice.exceptions.ConflictException):
        voice.delete_voice_connector(VoiceConnectorId=connector["VoiceConnectorId"])
    voice.update_voice_connector_group(**it, Name="vcg-2", VoiceConnectorItems=[])
    answer = voice.delete_voice_connector_group(**it)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    with pytest.raises(voice.exceptions.NotFoundException):
        voice.get_voice_connector_group(**it)


def test_a_group_of_unknown_connectors_is_not_found(voice):
    with pytest.raises(voice.exceptions.NotFoundException):
        voice.create_voice_connector_group(
            Name="g", VoiceConnectorItems=[{"VoiceConnectorId": "a" * 22, "Priority": 1}]
        )


def test_numbers_move_between_connectors_and_groups_by_force_alone(
    voice, server, connector, group
):
    one, two = "+12065550110", "+12065550111"
    server.run("number", "add", one, two, "--account", "000000000000")
    at_connector = {"VoiceConnectorId": connector["VoiceConnectorId"]}
    at_group = {"VoiceConnectorGroupId": group["VoiceConnectorGroupId"]}
    answer = voice.associate_phone_numbers_with_voice_connector(
        **at_connector, E164PhoneNumbers=[one, two]
    )
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert answer["PhoneNumberErrors"] == []

    refused = voice.associate_phone_numbers_with_voice_connector_group(
        **at_group, E164PhoneNumbers=[one, two], ForceAssociate=False
    )["PhoneNumberErrors"]
    assert [it["ErrorCode"] for it in refused] == ["PhoneNumberAssociationsExist"] * 2
    moved = voice.associate_phone_numbers_with_voice_connector_group(
        **at_group, E164PhoneNumbers=[one], ForceAssociate=True
    )
    assert moved["PhoneNumberErrors"] == []
    with pytest.raises(voice.exceptions.ConflictException):
        voice.delete_voice_connector_group(**at_group)

    left = voice.disassociate_phone_numbers_from_voice_connector(
        **at_connector, E164PhoneNumbers=[one, two]
    )["PhoneNumberErrors"]
    assert [(it["PhoneNumberId"], it["ErrorCode"]) for it in left] == [("%2B12065550110", "NotFound")]
    gone = voice.disassociate_phone_numbers_from_voice_connector_group(
        **at_group, E164PhoneNumbers=[one]
    )
    assert gone["PhoneNumberErrors"] == []


def test_a_number_that_nobody_gave_the_account_is_an_item_error(voice, connector):
    errors = voice.associate_phone_numbers_with_voice_connector(
        VoiceConnectorId=connector["VoiceConnectorId"], E164PhoneNumbers=["+12065550999"]
    )["PhoneNumberErrors"]
    assert [it["ErrorCode"] for it in errors] == ["NotFound"]
