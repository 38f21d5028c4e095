"""Connections that a carrier made and offers for calls to it (RFC 5923): taken by its certificate, and by nothing else."""

import re
import socket
import ssl
import subprocess

import pytest

from account import connector_of
from authority import Authority
from sip_wire import Caller
from trunkline_server import Server

OWNED, CALLED = "+12065550150", "+12065550100"
NAME = "sbc.example.com"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


def certificate(authority, name):
    """A certificate that its owner may show at either end of a connection (RFC 5924 §4)."""
    home, out = authority.home, authority.home / name
    subprocess.run(
        ["openssl", "req", "-x509", "-CA", authority.bundle, "-CAkey", home / "authority.key", "-days", "1"]
        + ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-subj", f"/CN={name}"]
        + ["-addext", f"subjectAltName=DNS:{name}", "-addext", "basicConstraints=critical,CA:FALSE"]
        + ["-addext", "extendedKeyUsage=serverAuth,clientAuth", "-out", f"{out}.pem", "-keyout", f"{out}.key"],
        check=True,
        capture_output=True,
    )
    return f"{out}.pem", f"{out}.key"


@pytest.fixture(scope="module")
def trunk(tmp_path_factory, authority):
    settings = {
        "TRUNKLINE_CARRIERS__SIMULATED": "false",
        "TRUNKLINE_SIP__PROBE_INTERVAL_S": "0",
        "TRUNKLINE_SIP__TLS__CLIENT_CERTIFICATES": "accepted",
        "TRUNKLINE_SIP__TLS__CLIENT_CA": str(authority.bundle),
    }
    with Server(tmp_path_factory.mktemp("trunkline"), **settings) as server:
        made = connector_of(server)
        server.run("number", "add", OWNED, "--account", "000000000000")
        server.domain = made["OutboundHostName"]
        yield server


class Carrier:
    """A carrier that nobody can connect to: it connects to us, shows a certificate, and offers the connection."""

    def __init__(self, trunk, authority, shown):
        self.trunk = trunk
        # Bound and never listened on.
        self.silent = socket.socket()
        self.silent.bind(("127.0.0.1", 0))
        port = self.silent.getsockname()[1]
        trunk.run(
            *("carrier", "add", "behind", "--host", "127.0.0.1", "--port", str(port), "--transport", "tls"),
            *("--tls-server-name", NAME, "--tls-ca", str(authority.bundle)),
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.load_cert_chain(*certificate(authority, shown))
        self.tls = context.wrap_socket(socket.create_connection(trunk.sip("tls"), 10))
        self.rest = b""
        self.tls.sendall(
            f"OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1:{port};branch=z9hG4bKoffer;alias\r\n"
            "Max-Forwards: 70\r\nFrom: <sip:a@a>;tag=1\r\nTo: <sip:127.0.0.1>\r\nCall-ID: offer\r\n"
            "CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n".encode()
        )
        assert self.receive().startswith("SIP/2.0 200 ")

    def receive(self):
        while True:
            head, found, rest = self.rest.partition(b"\r\n\r\n")
            if found:
                length = int(re.search(rb"^Content-Length:\s*(\d+)", head, re.M | re.I).group(1))
                if len(rest) >= length:
                    self.rest = rest[length:]
                    return head.decode()
            read = self.tls.recv(65535)
            assert read, "the service closed the connection"
            self.rest += read

    def refuse(self, invite, status):
        kept = re.findall(r"^(?:Via|From|To|Call-ID|CSeq):.*$", invite, re.M)
        kept = [f"{it.strip()};tag=b" if it.startswith("To") else it.strip() for it in kept]
        self.tls.sendall("\r\n".join([f"SIP/2.0 {status}", *kept, "Content-Length: 0", "", ""]).encode())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.trunk.run("carrier", "remove", "behind")
        self.tls.close()
        self.silent.close()


def call(trunk):
    pbx = Caller(trunk, trunk.domain, OWNED, CALLED)
    pbx.send("INVITE", body=pbx.sdp())
    return pbx


def test_calls_to_a_carrier_go_over_the_connection_that_it_made_and_offers(trunk, authority):
    with Carrier(trunk, authority, NAME) as carrier:
        with call(trunk) as pbx:
            invite = carrier.receive()
            assert invite.startswith("INVITE ")
            carrier.refuse(invite, "486 Busy Here")
            assert pbx.final()[0] == 486
            assert carrier.receive().startswith("ACK ")
            trace = trunk.run("trace", pbx.call_id, "--messages").stdout
        theirs = "127.0.0.1:%d" % carrier.tls.getsockname()[1]
        assert theirs in trace, "the trace names the connection that was reused"
        log = trunk.log_text()
        assert "connection_reused" in log and theirs in log


def test_a_connection_whose_certificate_bears_another_name_is_not_used_for_the_carrier(trunk, authority):
    with Carrier(trunk, authority, "other.example.com") as carrier:
        with call(trunk) as pbx:
            assert pbx.final()[0] == 503, "the carrier cannot be connected to, and this is not the carrier"
        carrier.tls.settimeout(0.5)
        with pytest.raises(TimeoutError):
            carrier.receive()
