"""Kamailio as a carrier's proxy between the service and the gateway: its Record-Route decides where each later request goes."""

import pathlib
import subprocess
import time

import pytest

from account import connector_of
from authority import Authority
from ports import ports
from sipp_script import (
    HELD,
    HOLD,
    OFFER,
    Sipp,
    answer,
    answered,
    cancel,
    carrier_request,
    expect,
    hang_up,
    hung_up,
    invite,
    offered,
    pause,
    refuse,
    refused,
    reply,
    request,
    respond,
    taken,
    trying,
)
from trunkline_server import Server

HERE = pathlib.Path(__file__).parent
OWNED, CALLED = "+12065550150", "+12065550100"
RINGING = respond(180, "Ringing", None, "[last_Record-Route:]", proxied=True)
ANSWERED = answer(OFFER, "[last_Record-Route:]", proxied=True)


class Kamailio:
    """A proxy of its own, on a free port."""

    def __init__(self, home, gateway, transport, authority):
        self.port = next(ports)
        listen = [f"listen={it}:127.0.0.1:{self.port}" for it in sorted({"udp", transport})]
        if transport == "tls":
            cert, key = authority.issue("proxy")
            listen.insert(0, "enable_tls=yes")
            listen += ['loadmodule "tls.so"', 'modparam("tls", "tls_method", "TLSv1.2+")']
            listen += [f'modparam("tls", "certificate", "{cert}")', f'modparam("tls", "private_key", "{key}")']
        text = (HERE / "kamailio.cfg.in").read_text()
        path = home / "kamailio.cfg"
        path.write_text(text.replace("@LISTEN@", "\n".join(listen)).replace("@GATEWAY@", f"127.0.0.1:{gateway}"))
        self.log = open(home / "kamailio.log", "wb")
        command = ["kamailio", "-DD", "-E", "-f", path, "-m", "32", "-M", "4", "-P", home / "kamailio.pid", "-Y", home]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + 15
        tables = [pathlib.Path("/proc/net") / it for it in ["udp"] + ["tcp"] * (transport != "udp")]
        while not all(f":{self.port:04X} " in it.read_text() for it in tables):
            assert self.process.poll() is None and time.monotonic() < deadline, (home / "kamailio.log").read_text()

    def stop(self):
        self.process.terminate()
        self.process.wait(20)
        self.log.close()


@pytest.fixture(scope="module")
def trunk(tmp_path_factory):
    settings = {
        "TRUNKLINE_SIP__T1_MS": "50",
        "TRUNKLINE_CARRIERS__SIMULATED": "false",
        "TRUNKLINE_SIP__TLS__LISTEN": "127.0.0.1:0",
    }
    with Server(tmp_path_factory.mktemp("trunkline"), **settings) as server:
        made = connector_of(server)
        server.run("number", "add", OWNED, "--account", "000000000000")
        yield server, made["OutboundHostName"]


def call(trunk, home, pbx, gateway, transport="udp"):
    """One call from a PBX through the service and, by this transport, the proxy to a gateway."""
    server, domain = trunk
    running = []
    try:
        running.append(Sipp(home, "gateway", gateway).bound())
        authority = Authority(home)
        running.append(Kamailio(home, running[0].port, transport, authority))
        how = ["--port", str(running[1].port), "--transport", transport]
        if transport == "tls":
            how += ["--tls-ca", str(authority.bundle)]
        server.run("carrier", "add", "proxied", "--host", "127.0.0.1", *how)
        host, port = server.sip("udp")
        keys = ["-key", "domain", domain, "-key", "from", OWNED, "-key", "to", CALLED]
        running.append(Sipp(home, "pbx", pbx, f"{host}:{port}", *keys))
        failed = [it.told() for it in (running[2], running[0]) if not it.done()]
        assert not failed, "\n".join(failed) + server.run("trace", "last", "--messages").stdout
    finally:
        for it in running:
            it.stop()
        server.run("carrier", "remove", "proxied", check=False)


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_every_request_of_a_call_follows_the_proxys_route(trunk, tmp_path, transport):
    """Over TCP and TLS the proxy records a route for either side of it (RFC 5658)."""
    call(
        trunk,
        tmp_path,
        [invite(), trying(), expect(180), answered(), request("INVITE", 2, HOLD), trying()]
        + [answered(2, header="a=recvonly"), hang_up(3)],
        [offered(header="Record-Route: <sip:127.0.0.1", proxied=True), RINGING, ANSWERED]
        + [taken("INVITE", header="a=sendonly"), reply(200, "OK", HELD), taken("ACK"), taken("BYE"), reply(200, "OK")],
        transport,
    )


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_the_gateways_requests_come_back_through_the_proxy(trunk, tmp_path, transport):
    call(
        trunk,
        tmp_path,
        [invite(), trying(), expect(180), answered()]
        + [taken("INVITE", header="a=sendonly"), reply(200, "OK", HELD), taken("ACK"), hung_up()],
        [offered(proxied=True), RINGING, ANSWERED]
        + [pause(100), carrier_request("INVITE", 1, HOLD, "[routes]"), expect(100, optional=True), expect(200, header="a=recvonly")]
        + [carrier_request("ACK", 1, None, "[routes]", retrans=False), pause(50)]
        + [carrier_request("BYE", 2, None, "[routes]"), expect(200)],
        transport,
    )


def test_a_call_is_cancelled_hop_by_hop(trunk, tmp_path):
    call(
        trunk,
        tmp_path,
        [invite(), trying(), expect(180), cancel(), expect(200), refused(487)],
        [offered(proxied=True), RINGING, taken("CANCEL"), reply(200, "OK")]
        + [respond(487, "Request Terminated", retrans=True, proxied=True), taken("ACK")],
    )


def test_the_gateways_refusal_passes_the_proxy(trunk, tmp_path):
    call(trunk, tmp_path, [invite(), trying(), refused(486)], refuse(486, "Busy Here", proxied=True))
