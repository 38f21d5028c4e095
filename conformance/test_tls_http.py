"""The API inside TLS: unmodified clients that are told which authority to trust, and those that are not."""

import signal
import socket
import ssl
import subprocess
import time

import pytest
from botocore.exceptions import SSLError

from authority import Authority
from trunkline_server import BIN, Server

RELOAD_SECONDS_MAX = 20


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def encrypted(authority, tmp_path):
    """A server with a certificate of its own in `tmp_path`."""
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    for issued, path in zip(authority.issue("first"), (cert, key)):
        path.write_bytes(issued.read_bytes())
    files = {"TRUNKLINE_HTTP__TLS__CERT": str(cert), "TRUNKLINE_HTTP__TLS__KEY": str(key)}
    with Server(tmp_path, **files) as running:
        yield running


def test_a_client_that_trusts_the_authority_creates_and_finds_a_connector(authority, encrypted):
    voice = encrypted.client(verify=str(authority.bundle))
    made = voice.create_voice_connector(Name="encrypted", RequireEncryption=True)["VoiceConnector"]
    found = voice.get_voice_connector(VoiceConnectorId=made["VoiceConnectorId"])["VoiceConnector"]
    assert found["Name"] == "encrypted"


def test_a_client_that_does_not_know_the_authority_refuses_the_server(encrypted):
    with pytest.raises(SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        encrypted.client(verify=True).list_voice_connectors()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_versions_of_tls_are_spoken_with_http_1_1_inside(authority, encrypted, version):
    context = ssl.create_default_context(cafile=authority.bundle)
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(["h2", "http/1.1"])
    with connected(encrypted, context) as stream:
        assert stream.version() == version.name.replace("_", ".")
        assert stream.selected_alpn_protocol() == "http/1.1"


def test_our_own_commands_find_the_authority_as_the_aws_cli_does(authority, encrypted):
    done = encrypted.run("key", "list", "--output", "json", AWS_CA_BUNDLE=str(authority.bundle))
    assert encrypted.credentials["aws_access_key_id"] in done.stdout
    refused = encrypted.run("key", "list", check=False)
    assert refused.returncode == 1


def test_a_renewed_certificate_is_served_after_sighup_and_nothing_is_interrupted(authority, encrypted):
    context = ssl.create_default_context(cafile=authority.bundle)
    voice = encrypted.client(verify=str(authority.bundle))
    voice.list_voice_connectors()
    assert common_name(encrypted, context) == "first"
    for issued, name in zip(authority.issue("second"), ("cert.pem", "key.pem")):
        (encrypted.home / name).write_bytes(issued.read_bytes())
    encrypted.process.send_signal(signal.SIGHUP)
    end = time.monotonic() + RELOAD_SECONDS_MAX
    while common_name(encrypted, context) != "second":
        assert time.monotonic() < end, encrypted.log_text()
    voice.list_voice_connectors()


def test_a_key_of_another_certificate_is_bad_configuration_and_exits_78(authority, tmp_path):
    cert, _ = authority.issue("one")
    _, key = authority.issue("other")
    files = {"TRUNKLINE_HTTP__TLS__CERT": str(cert), "TRUNKLINE_HTTP__TLS__KEY": str(key)}
    server = Server(tmp_path, **files)
    for command in (["serve"], ["config", "check"]):
        done = subprocess.run(
            [BIN, *command], env=server.environment(), cwd=tmp_path,
            capture_output=True, text=True, timeout=60,
        )
        assert done.returncode == 78, done.stderr
        assert f'http.tls.key = "{key}" is refused' in done.stderr
        assert "not the key of the first certificate" in done.stderr
    assert not (tmp_path / "trunkline-data").exists()


def connected(server, context):
    host, _, port = server.ready["http"].rpartition(":")
    return context.wrap_socket(socket.create_connection((host, int(port)), 10), server_hostname=host)


def common_name(server, context):
    with connected(server, context) as stream:
        subject = dict(pair for (pair,) in stream.getpeercert()["subject"])
    return subject["commonName"]
