"""Phone numbers from search to deletion, by unmodified boto3."""

import time

import pytest

DECIDED_SECONDS_MAX = 20


@pytest.fixture(scope="module", autouse=True)
def inventory(server):
    server.run("number", "add", *[f"+1253555010{n}" for n in range(10)], "+18005550142")


def order(voice, *numbers, product="VoiceConnector"):
    """Orders numbers and polls until the order is decided, as the CDK construct does."""
    answer = voice.create_phone_number_order(ProductType=product, E164PhoneNumbers=list(numbers))
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
    made = answer["PhoneNumberOrder"]
    assert made["Status"] == "Processing"
    until = time.monotonic() + DECIDED_SECONDS_MAX
    while made["Status"] == "Processing" and time.monotonic() < until:
        made = voice.get_phone_number_order(PhoneNumberOrderId=made["PhoneNumberOrderId"])[
            "PhoneNumberOrder"
        ]
    return made


def test_a_number_is_found_ordered_used_and_given_back(voice, connector):
    found = voice.search_available_phone_numbers(AreaCode="253", MaxResults=1)["E164PhoneNumbers"]
    assert len(found) == 1
    made = order(voice, *found)
    assert made["Status"] == "Successful"
    assert made["OrderedPhoneNumbers"] == [{"E164PhoneNumber": found[0], "Status": "Acquired"}]
    assert made["PhoneNumberOrderId"] in {
        it["PhoneNumberOrderId"] for it in voice.list_phone_number_orders()["PhoneNumberOrders"]
    }
    assert found[0] not in voice.search_available_phone_numbers(AreaCode="253")["E164PhoneNumbers"]

    number = voice.get_phone_number(PhoneNumberId=found[0])["PhoneNumber"]
    assert (number["Status"], number["Country"], number["Type"]) == ("Unassigned", "US", "Local")
    assert number["PhoneNumberId"] == found[0].replace("+", "%2B")
    # The id as the API returned it names the number as well.
    it = {"PhoneNumberId": number["PhoneNumberId"]}
    assert voice.get_phone_number(**it)["PhoneNumber"] == number

    id = connector["VoiceConnectorId"]
    voice.associate_phone_numbers_with_voice_connector(VoiceConnectorId=id, E164PhoneNumbers=found)
    listed = voice.list_phone_numbers(FilterName="VoiceConnectorId", FilterValue=id)["PhoneNumbers"]
    assert [(it["E164PhoneNumber"], it["Status"]) for it in listed] == [(found[0], "Assigned")]
    with pytest.raises(voice.exceptions.BadRequestException):
        voice.delete_phone_number(**it)
    voice.disassociate_phone_numbers_from_voice_connector(
        VoiceConnectorId=id, E164PhoneNumbers=found
    )
    answer = voice.delete_phone_number(**it)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    waiting = voice.get_phone_number(**it)["PhoneNumber"]
    assert waiting["Status"] == "DeleteInProgress" and waiting["DeletionTimestamp"]
    assert voice.restore_phone_number(**it)["PhoneNumber"]["Status"] == "Unassigned"


def test_an_order_for_what_is_not_in_stock_fails(voice):
    assert order(voice, "+12535559999")["Status"] == "Failed"
    partial = order(voice, "+12535550105", "+12535559999")
    assert partial["Status"] == "Partial"
    assert [it["Status"] for it in partial["OrderedPhoneNumbers"]] == ["Acquired", "Failed"]


def test_names_products_and_calling_names_change_one_at_a_time(voice):
    order(voice, "+12535550106", "+12535550107")
    it = {"PhoneNumberId": "+12535550106"}
    assert voice.update_phone_number(**it, Name="front desk")["PhoneNumber"]["Name"] == "front desk"
    with pytest.raises(voice.exceptions.BadRequestException):
        voice.update_phone_number(**it, Name="a", CallingName="Acme")
    named = voice.update_phone_number(**it, CallingName="Acme")["PhoneNumber"]
    assert named["CallingNameStatus"] == "UpdateInProgress"
    with pytest.raises(voice.exceptions.ConflictException):
        voice.update_phone_number(**it, CallingName="Other")
    errors = voice.batch_update_phone_number(
        UpdatePhoneNumberRequestItems=[
            {"PhoneNumberId": "%2B12535550107", "ProductType": "SipMediaApplicationDialIn"},
            {"PhoneNumberId": "+12535559999", "Name": "nobody"},
        ]
    )["PhoneNumberErrors"]
    assert [(it["PhoneNumberId"], it["ErrorCode"]) for it in errors] == [
        ("%2B12535559999", "NotFound")
    ]
    dial_in = voice.list_phone_numbers(ProductType="SipMediaApplicationDialIn")["PhoneNumbers"]
    assert [it["E164PhoneNumber"] for it in dial_in] == ["+12535550107"]
    errors = voice.batch_delete_phone_number(PhoneNumberIds=["+12535550106", "+12535550107"])
    assert errors["PhoneNumberErrors"] == []
    deleted = voice.list_phone_numbers(Status="DeleteInProgress")["PhoneNumbers"]
    assert {"+12535550106", "+12535550107"} <= {it["E164PhoneNumber"] for it in deleted}


def test_searches_need_a_place_a_prefix_or_a_type(voice):
    assert voice.search_available_phone_numbers(TollFreePrefix="800")["E164PhoneNumbers"] == [
        "+18005550142"
    ]
    assert voice.search_available_phone_numbers(City="Tacoma", State="WA")["E164PhoneNumbers"]
    for bad in [{}, {"City": "Tacoma"}, {"Country": "GB"}]:
        with pytest.raises(voice.exceptions.BadRequestException):
            voice.search_available_phone_numbers(**bad)


def test_an_account_orders_nothing_that_another_has(voice, server):
    import json

    assert order(voice, "+12535550109")["Status"] == "Successful"
    key = json.loads(
        server.run("key", "create", "--account", "111122223333", "--output", "json").stdout
    )
    other = server.client(key["access_key_id"], key["secret_access_key"])
    assert order(other, "+12535550109")["Status"] == "Failed"
    with pytest.raises(other.exceptions.NotFoundException):
        other.get_phone_number(PhoneNumberId="+12535550109")


def test_countries_are_listed_by_product(voice):
    countries = voice.list_supported_phone_number_countries(ProductType="VoiceConnector")
    assert countries["PhoneNumberCountries"] == [
        {"CountryCode": "US", "SupportedPhoneNumberTypes": ["Local", "TollFree"]}
    ]


def test_the_accounts_calling_name_changes_once_a_week(voice):
    assert "CallingName" not in voice.get_phone_number_settings()
    answer = voice.update_phone_number_settings(CallingName="Acme")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    settings = voice.get_phone_number_settings()
    assert settings["CallingName"] == "Acme" and settings["CallingNameUpdatedTimestamp"]
    with pytest.raises(voice.exceptions.BadRequestException):
        voice.update_phone_number_settings(CallingName="Other")
