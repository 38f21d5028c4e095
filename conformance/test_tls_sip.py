"""SIP over TLS as OpenSSL sees it: versions, suites, certificates, and their renewal while a connection is open."""

import signal
import socket
import ssl
import subprocess
import time

import pytest

from trunkline_server import Server

OPTIONS = (
    "OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1:9;branch=z9hG4bK{cseq}\r\nMax-Forwards: 70\r\n"
    "From: <sip:a@a>;tag=1\r\nTo: <sip:127.0.0.1>\r\nCall-ID: c\r\nCSeq: {cseq} OPTIONS\r\nContent-Length: 0\r\n\r\n"
)


def make_certificate(home, name):
    """A certificate for `name` that vouches for itself, made by OpenSSL."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}"]
        + ["-addext", f"subjectAltName=DNS:{name}", "-keyout", home / "key.pem", "-out", home / "cert.pem"],
        check=True,
        capture_output=True,
    )


def handshake(server, *options):
    """What `openssl s_client` says of a connection."""
    host, port = server.sip("tls")
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"{host}:{port}", *options],
        input=b"",
        capture_output=True,
        timeout=20,
    )
    return done.returncode, (done.stdout + done.stderr).decode(errors="replace")


class Line:
    """A connection over TLS that believes one certificate."""

    def __init__(self, server, certificate, name):
        context = ssl.create_default_context(cafile=certificate)
        self.tls = context.wrap_socket(socket.create_connection(server.sip("tls"), 10), server_hostname=name)
        self.cseq = 0

    def options(self):
        self.cseq += 1
        self.tls.sendall(OPTIONS.format(cseq=self.cseq).encode())
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            read = self.tls.recv(4096)
            assert read, answer
            answer += read
        return int(answer.split(b" ")[1])


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("trunkline")) as running:
        yield running


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_the_certificate_that_was_made_is_believed_by_who_trusts_it(server, version):
    made = server.data_dir / "sip-tls.crt"
    code, said = handshake(server, version, "-CAfile", made, "-verify_return_error", "-verify_ip", "127.0.0.1")
    assert code == 0 and "Verify return code: 0 (ok)" in said, said


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_older_versions_are_refused(server, version):
    code, said = handshake(server, version, "-cipher", "ALL:@SECLEVEL=0")
    # Which alert it is depends on what else the client offers.
    assert code != 0 and "alert" in said and "Cipher is (NONE)" in said, said


@pytest.mark.parametrize("suite", ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"])
def test_suites_with_forward_secrecy_are_taken(server, suite):
    code, said = handshake(server, "-tls1_2", "-cipher", suite)
    assert code == 0 and f"Cipher is {suite}" in said, said


@pytest.mark.parametrize("suite", ["AES256-GCM-SHA384", "ECDHE-ECDSA-AES256-SHA"])
def test_suites_without_it_and_without_authenticated_encryption_are_refused(server, suite):
    code, said = handshake(server, "-tls1_2", "-cipher", f"{suite}:@SECLEVEL=0")
    assert code != 0 and "alert handshake failure" in said, said


def test_a_renewed_certificate_is_shown_after_sighup_and_the_open_connection_goes_on(tmp_path):
    files = tmp_path / "files"
    files.mkdir()
    make_certificate(files, "first.example")
    settings = {
        "TRUNKLINE_SIP__TLS__CERT": str(files / "cert.pem"),
        "TRUNKLINE_SIP__TLS__KEY": str(files / "key.pem"),
    }
    with Server(tmp_path, **settings) as server:
        old = Line(server, files / "cert.pem", "first.example")
        assert old.options() == 200
        make_certificate(files, "second.example")
        server.process.send_signal(signal.SIGHUP)
        end = time.monotonic() + 10
        while True:
            try:
                assert Line(server, files / "cert.pem", "second.example").options() == 200
                break
            except ssl.SSLError:
                assert time.monotonic() < end, "the renewed certificate is not shown"
        assert old.options() == 200
