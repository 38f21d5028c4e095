"""Signature Version 4, signed by botocore and then spoiled in one way at a time."""

import datetime
import json
import urllib.error
import urllib.request

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


class ShiftedAuth(SigV4Auth):
    """Signs as if the client's clock were off."""

    def __init__(self, *arguments, shift=datetime.timedelta()):
        super().__init__(*arguments)
        self.shift = shift

    def add_auth(self, request):
        when = datetime.datetime.now(datetime.timezone.utc) + self.shift
        request.context["timestamp"] = when.strftime("%Y%m%dT%H%M%SZ")
        self._modify_request_before_signing(request)
        canonical = self.canonical_request(request)
        to_sign = self.string_to_sign(request, canonical)
        signature = self.signature(to_sign, request)
        self._inject_signature_to_request(request, signature)


def signed(server, path="/voice-connectors", method="GET", body=None, **how):
    known = server.credentials
    credentials = Credentials(
        how.get("key", known["aws_access_key_id"]), how.get("secret", known["aws_secret_access_key"])
    )
    request = AWSRequest(method=method, url=server.endpoint + path, data=body)
    if body is not None:
        request.headers["Content-Type"] = "application/json"
    auth = ShiftedAuth(
        credentials,
        how.get("service", "chime"),
        how.get("region", "us-east-1"),
        shift=how.get("shift", datetime.timedelta()),
    )
    auth.add_auth(request)
    return request


def send(request, headers=None, body=None):
    raw = urllib.request.Request(
        request.url, method=request.method, data=body if body is not None else request.body
    )
    for name, value in (headers if headers is not None else dict(request.headers)).items():
        raw.add_header(name, value)
    try:
        with urllib.request.urlopen(raw, timeout=10) as answer:
            return answer.status, dict(answer.headers), json.loads(answer.read() or "null")
    except urllib.error.HTTPError as refused:
        return refused.code, dict(refused.headers), json.loads(refused.read())


def refusal(answer):
    status, headers, body = answer
    names = {name.lower(): value for name, value in headers.items()}
    assert names["x-amzn-requestid"]
    assert body["Message"]
    assert body["Code"]
    return status, names["x-amzn-errortype"], body["Message"]


def test_a_right_signature_is_served_in_every_region(server):
    for region in ["us-east-1", "us-west-2", "eu-central-1", "ap-southeast-2"]:
        assert send(signed(server, region=region))[0] == 200


def test_an_unsigned_request_is_refused(server):
    status, kind, message = refusal(send(signed(server), headers={}))
    assert (status, kind) == (403, "MissingAuthenticationTokenException")
    assert "Authorization" in message


def test_a_wrong_secret_is_refused_and_not_repeated(server):
    status, kind, message = refusal(send(signed(server, secret="wrong-secret-of-mine")))
    assert (status, kind) == (403, "InvalidSignatureException")
    assert "wrong-secret-of-mine" not in message


def test_a_changed_body_is_a_wrong_signature(server):
    body = b'{"Name":"a","RequireEncryption":false}'
    request = signed(server, method="POST", body=body)
    status, kind, _ = refusal(send(request, body=body.replace(b'"a"', b'"b"')))
    assert (status, kind) == (403, "InvalidSignatureException")


def test_an_unknown_key_is_refused_by_name(server):
    status, kind, message = refusal(send(signed(server, key="AKIAUNKNOWNUNKNOWNUN")))
    assert (status, kind) == (401, "UnauthorizedClientException")
    assert "AKIAUNKNOWNUNKNOWNUN" in message


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_clock_more_than_five_minutes_off_is_told_both_times(server, minutes):
    shift = datetime.timedelta(minutes=minutes)
    status, kind, message = refusal(send(signed(server, shift=shift)))
    assert status == 403
    assert "RequestExpired" in kind or "RequestTimeTooSkewed" in kind
    assert str(datetime.datetime.now(datetime.timezone.utc).year) in message


def test_a_clock_four_minutes_off_is_served(server):
    for minutes in [-4, 4]:
        assert send(signed(server, shift=datetime.timedelta(minutes=minutes)))[0] == 200


def test_a_disabled_key_is_refused_until_it_is_enabled_again(server):
    made = json.loads(server.run("key", "create", "--output", "json").stdout)
    how = {"key": made["access_key_id"], "secret": made["secret_access_key"]}
    assert send(signed(server, **how))[0] == 200
    server.run("key", "disable", made["access_key_id"])
    status, _, message = refusal(send(signed(server, **how)))
    assert status in (401, 403)
    assert "disabled" in message and made["access_key_id"] in message
    server.run("key", "enable", made["access_key_id"])
    assert send(signed(server, **how))[0] == 200


def test_a_header_cut_short_is_incomplete(server):
    request = signed(server)
    headers = dict(request.headers)
    headers["Authorization"] = headers["Authorization"].split(", Signature=")[0]
    status, kind, message = refusal(send(request, headers=headers))
    assert status in (400, 403)
    assert kind == "IncompleteSignatureException"
    assert "Signature" in message


def test_a_phone_number_in_the_path_is_signed_encoded_once_more(server):
    for spelling in ["%2B12065550100", "%252B12065550100"]:
        status, headers, _ = send(signed(server, path=f"/phone-numbers/{spelling}"))
        assert headers.get("x-amzn-errortype", headers.get("X-Amzn-ErrorType")) != "InvalidSignatureException"
        assert status in (404, 501)
