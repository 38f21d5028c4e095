"""The old namespace: `boto3.client("chime")` (2018-05-01) still has sixteen operations with the paths of today's."""

import os
import unittest.mock

import boto3
import pytest
from botocore.exceptions import ClientError

from model import OPERATIONS

NUMBERS = [f"+1312555010{n}" for n in range(6)]
SHARED = {
    "BatchDeletePhoneNumber",
    "BatchUpdatePhoneNumber",
    "CreatePhoneNumberOrder",
    "DeletePhoneNumber",
    "GetGlobalSettings",
    "GetPhoneNumber",
    "GetPhoneNumberOrder",
    "GetPhoneNumberSettings",
    "ListPhoneNumberOrders",
    "ListPhoneNumbers",
    "ListSupportedPhoneNumberCountries",
    "RestorePhoneNumber",
    "SearchAvailablePhoneNumbers",
    "UpdateGlobalSettings",
    "UpdatePhoneNumber",
    "UpdatePhoneNumberSettings",
}


@pytest.fixture(scope="module", autouse=True)
def inventory(server):
    server.run("number", "add", *NUMBERS)


@pytest.fixture(scope="module")
def old(server):
    return server.client(service="chime")


def ordered(old, *numbers):
    made = old.create_phone_number_order(ProductType="VoiceConnector", E164PhoneNumbers=list(numbers))
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    order = made["PhoneNumberOrder"]
    while order["Status"] == "Processing":
        order = old.get_phone_number_order(PhoneNumberOrderId=order["PhoneNumberOrderId"])["PhoneNumberOrder"]
    return order


def test_the_operations_of_both_namespaces_are_these(old):
    model = old.meta.service_model
    routes = {(it.method, f"{it.path}?{it.selector}".rstrip("?").lower()) for it in OPERATIONS.values()}

    def served(name):
        http = model.operation_model(name).http
        return (http["method"], http["requestUri"].lower()) in routes

    assert {name for name in model.operation_names if served(name)} == SHARED


def test_numbers_from_search_to_restoration(old, voice):
    found = old.search_available_phone_numbers(AreaCode="312")["E164PhoneNumbers"]
    assert set(NUMBERS[:2]) <= set(found)
    order = ordered(old, *NUMBERS[:2])
    assert order["Status"] == "Successful"
    assert order["PhoneNumberOrderId"] in {
        it["PhoneNumberOrderId"] for it in old.list_phone_number_orders()["PhoneNumberOrders"]
    }
    read = old.get_phone_number(PhoneNumberId=NUMBERS[0])["PhoneNumber"]
    assert read["PhoneNumberId"] == "%2B13125550100"
    assert read == {
        key: value
        for key, value in voice.get_phone_number(PhoneNumberId=NUMBERS[0])["PhoneNumber"].items()
        # Members that came after the old namespace.
        if key not in ("Name", "OrderId", "PhoneNumberArn")
    }
    assert set(NUMBERS[:2]) <= {it["E164PhoneNumber"] for it in old.list_phone_numbers()["PhoneNumbers"]}
    old.delete_phone_number(PhoneNumberId=read["PhoneNumberId"])
    [waiting] = old.list_phone_numbers(Status="DeleteInProgress")["PhoneNumbers"]
    assert waiting["E164PhoneNumber"] == NUMBERS[0]
    assert old.restore_phone_number(PhoneNumberId=NUMBERS[0])["PhoneNumber"]["Status"] == "Unassigned"


def test_changes_of_one_number_and_of_several(old):
    ordered(old, *NUMBERS[2:4])
    named = old.update_phone_number(PhoneNumberId=NUMBERS[2], CallingName="Acme")["PhoneNumber"]
    assert named["CallingNameStatus"] == "UpdateInProgress"
    errors = old.batch_update_phone_number(
        UpdatePhoneNumberRequestItems=[
            {"PhoneNumberId": NUMBERS[3], "ProductType": "SipMediaApplicationDialIn"},
            {"PhoneNumberId": "+13125559999", "CallingName": "Nobody"},
        ]
    )["PhoneNumberErrors"]
    assert [it["ErrorCode"] for it in errors] == ["NotFound"]
    assert old.batch_delete_phone_number(PhoneNumberIds=NUMBERS[2:4])["PhoneNumberErrors"] == []


def test_countries_and_settings(old, voice):
    countries = old.list_supported_phone_number_countries(ProductType="VoiceConnector")
    assert countries["PhoneNumberCountries"][0]["CountryCode"] == "US"
    old.update_phone_number_settings(CallingName="Acme")
    assert old.get_phone_number_settings()["CallingName"] == "Acme"
    old.update_global_settings(VoiceConnector={"CdrBucket": "records"})
    assert old.get_global_settings()["VoiceConnector"] == {"CdrBucket": "records"}
    assert voice.get_global_settings()["VoiceConnector"] == {"CdrBucket": "records"}


def test_errors_have_the_old_clients_classes(old):
    with pytest.raises(old.exceptions.NotFoundException, match="13125559999"):
        old.get_phone_number(PhoneNumberId="+13125559999")
    with pytest.raises(old.exceptions.BadRequestException, match="ProductType"):
        old.create_phone_number_order(ProductType="BusinessCalling", E164PhoneNumbers=[NUMBERS[5]])
    with pytest.raises(old.exceptions.BadRequestException):
        old.search_available_phone_numbers()


def test_operations_that_went_elsewhere_are_told_what_is_served_here(old):
    for call in [old.list_accounts, old.list_rooms]:
        arguments = {} if call == old.list_accounts else {"AccountId": "1"}
        with pytest.raises(ClientError) as refused:
            call(**arguments)
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
        assert "accounts" in refused.value.response["Error"]["Message"]


def test_the_endpoint_is_found_by_the_old_services_variable(server):
    known = server.credentials
    environment = {
        "AWS_ENDPOINT_URL_CHIME": server.endpoint,
        "AWS_ACCESS_KEY_ID": known["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": known["aws_secret_access_key"],
    }
    with unittest.mock.patch.dict(os.environ, environment):
        old = boto3.Session().client("chime", region_name="us-east-1")
    assert "PhoneNumbers" in old.list_phone_numbers()
