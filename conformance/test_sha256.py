"""Digest authentication by RFC 7616 and RFC 8760, spoken over a raw socket."""

import pytest

from account import connector_of
from sip_wire import Caller, authorization, challenges, contact, to_tag
from trunkline_server import Server

OWNED, ECHO = "+12065550150", "+12065550100"


def open_trunk(server):
    server.run("number", "add", OWNED, "--account", "000000000000")
    return connector_of(server, "raw", "s3cret pass")["OutboundHostName"]


@pytest.fixture(scope="module")
def domain(server):
    return open_trunk(server)


def challenged(caller):
    caller.send("INVITE", body=caller.sdp())
    status, text = caller.final()
    assert status == 407, text
    caller.acknowledge(text)
    return challenges(text)


def call(caller, header):
    caller.send("INVITE", headers=[header], body=caller.sdp())
    status, text = caller.final()
    caller.acknowledge(text, uri=contact(text) if status == 200 else None)
    return status, text


def hang_up(caller, text):
    caller.send("BYE", uri=contact(text), to_tag=to_tag(text))
    assert caller.final()[0] == 200


def test_md5_is_offered_first_and_sha_256_second_with_the_host_as_realm(server, domain):
    with Caller(server, domain, OWNED, ECHO) as caller:
        offered = challenged(caller)
    assert [it["algorithm"] for it in offered] == ["MD5", "SHA-256"]
    assert all(it["realm"] == domain and it["qop"] == "auth" for it in offered)


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_any_offered_algorithm_admits_the_call(server, domain, algorithm):
    with Caller(server, domain, OWNED, ECHO) as caller:
        offered = {it["algorithm"]: it for it in challenged(caller)}
        header = authorization(offered[algorithm], "pbx", "s3cret pass", "INVITE", caller.uri)
        status, text = call(caller, header)
        assert status == 200, text
        hang_up(caller, text)


def test_sha_512_256_admits_the_call_where_it_is_configured(tmp_path):
    settings = {"TRUNKLINE_SIP__DIGEST_ALGORITHMS": '["SHA-512-256", "SHA-256"]'}
    with Server(tmp_path, **settings) as server:
        with Caller(server, open_trunk(server), OWNED, ECHO) as caller:
            offered = challenged(caller)
            assert [it["algorithm"] for it in offered] == ["SHA-512-256", "SHA-256"]
            header = authorization(offered[0], "pbx", "s3cret pass", "INVITE", caller.uri)
            status, text = call(caller, header)
            assert status == 200, text
            hang_up(caller, text)


def test_a_nonce_count_that_was_seen_is_refused(server, domain):
    with Caller(server, domain, OWNED, ECHO) as caller:
        offered = challenged(caller)[1]
        header = authorization(offered, "pbx", "s3cret pass", "INVITE", caller.uri)
        status, text = call(caller, header)
        assert status == 200, text
        hang_up(caller, text)
    with Caller(server, domain, OWNED, ECHO) as thief:
        status, _ = call(thief, header)
        assert status in (403, 407)


def test_a_nonce_of_another_server_is_challenged_anew_as_stale(server, domain):
    with Caller(server, domain, OWNED, ECHO) as caller:
        foreign = challenged(caller)[0] | {"nonce": "0" * 40}
        header = authorization(foreign, "pbx", "s3cret pass", "INVITE", caller.uri)
        status, text = call(caller, header)
        assert status in (403, 407)


def test_an_unknown_user_and_a_wrong_password_get_the_same_answer(server, domain):
    answers = []
    for user, password in [("nobody", "s3cret pass"), ("pbx", "wrong")]:
        with Caller(server, domain, OWNED, ECHO) as caller:
            offered = challenged(caller)[1]
            status, text = call(caller, authorization(offered, user, password, "INVITE", caller.uri))
            answers.append((status, text.splitlines()[0]))
    assert answers[0] == answers[1]
    assert answers[0][0] == 403
