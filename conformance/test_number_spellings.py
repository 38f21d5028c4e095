"""One number, four spellings of its id, in each operation that names a number: all mean the same."""

import urllib.parse

import pytest

NUMBER = "+12065550170"
ONCE = urllib.parse.quote(NUMBER, safe="")
SPELLINGS = {
    "raw": NUMBER,
    "as the API tells it": ONCE,
    "quoted once more": ONCE.replace("%", "%25"),
    "without its plus": NUMBER.removeprefix("+"),
}


@pytest.fixture(scope="module", autouse=True)
def inventory(server):
    server.run("number", "add", NUMBER, "--account", "000000000000")


@pytest.fixture(params=SPELLINGS.values(), ids=SPELLINGS)
def spelled(request):
    return request.param


def number(voice):
    return voice.get_phone_number(PhoneNumberId=NUMBER)["PhoneNumber"]


def belongs_to(voice):
    return [it["Value"] for it in number(voice).get("Associations", [])]


def test_it_is_read_and_changed(voice, spelled):
    assert voice.get_phone_number(PhoneNumberId=spelled)["PhoneNumber"] == number(voice)
    name = f"number {len(spelled)}"
    told = voice.update_phone_number(PhoneNumberId=spelled, Name=name)["PhoneNumber"]
    assert (told["PhoneNumberId"], told["E164PhoneNumber"], told["Name"]) == (ONCE, NUMBER, name)


def test_it_is_changed_in_a_batch(voice, spelled):
    name = f"batch {len(spelled)}"
    told = voice.batch_update_phone_number(
        UpdatePhoneNumberRequestItems=[{"PhoneNumberId": spelled, "Name": name}]
    )
    assert told["PhoneNumberErrors"] == []
    assert number(voice)["Name"] == name


def test_it_is_deleted_and_restored(voice, spelled):
    voice.delete_phone_number(PhoneNumberId=spelled)
    assert number(voice)["Status"] == "DeleteInProgress"
    assert voice.restore_phone_number(PhoneNumberId=spelled)["PhoneNumber"]["E164PhoneNumber"] == NUMBER
    assert voice.batch_delete_phone_number(PhoneNumberIds=[spelled])["PhoneNumberErrors"] == []
    assert number(voice)["Status"] == "DeleteInProgress"
    voice.restore_phone_number(PhoneNumberId=spelled)
    assert number(voice)["Status"] == "Unassigned"


def test_it_is_given_to_a_connector_and_taken_again(voice, connector, spelled):
    it = {"VoiceConnectorId": connector["VoiceConnectorId"], "E164PhoneNumbers": [spelled]}
    assert voice.associate_phone_numbers_with_voice_connector(**it)["PhoneNumberErrors"] == []
    assert belongs_to(voice) == [connector["VoiceConnectorId"]]
    assert voice.disassociate_phone_numbers_from_voice_connector(**it)["PhoneNumberErrors"] == []
    assert belongs_to(voice) == []


def test_it_is_given_to_a_group_and_taken_again(voice, spelled):
    made = voice.create_voice_connector_group(Name="spelled", VoiceConnectorItems=[])["VoiceConnectorGroup"]
    group = made["VoiceConnectorGroupId"]
    it = {"VoiceConnectorGroupId": group, "E164PhoneNumbers": [spelled]}
    assert voice.associate_phone_numbers_with_voice_connector_group(**it)["PhoneNumberErrors"] == []
    assert belongs_to(voice) == [group]
    assert voice.disassociate_phone_numbers_from_voice_connector_group(**it)["PhoneNumberErrors"] == []
    assert belongs_to(voice) == []
    voice.delete_voice_connector_group(VoiceConnectorGroupId=group)


@pytest.mark.parametrize("spelling", [NUMBER, NUMBER.removeprefix("+")])
def test_where_the_model_wants_e164_the_plus_is_optional(server, voice, connector, spelling):
    """`^\\+?[1-9]\\d{1,14}$` of the model: settings, sessions, orders and calls name numbers and no ids."""
    id = connector["VoiceConnectorId"]
    termination = voice.get_voice_connector_termination(VoiceConnectorId=id)["Termination"]
    told = voice.put_voice_connector_termination(
        VoiceConnectorId=id, Termination={**termination, "DefaultPhoneNumber": spelling}
    )
    assert told["Termination"]["DefaultPhoneNumber"].removeprefix("+") == NUMBER.removeprefix("+")

    told = voice.create_phone_number_order(ProductType="VoiceConnector", E164PhoneNumbers=[spelling])
    assert [it["E164PhoneNumber"] for it in told["PhoneNumberOrder"]["OrderedPhoneNumbers"]] == [NUMBER]


def test_a_batch_that_names_one_number_by_two_spellings_names_it_twice(voice):
    items = [{"PhoneNumberId": it, "Name": "twice"} for it in (NUMBER, ONCE)]
    with pytest.raises(voice.exceptions.BadRequestException) as caught:
        voice.batch_update_phone_number(UpdatePhoneNumberRequestItems=items)
    assert NUMBER in str(caught.value)
