"""Carriers found by a real name server: NAPTR, SRV, addresses, and what changes while the service runs."""

import contextlib
import shutil
import socket
import subprocess
import threading
import time

import pytest

from account import connector_of
from ports import ports
from sip_wire import Caller
from trunkline_server import Server

OWNED = "+12065550150"


class NameServer:
    """dnsmasq with a zone of its own; it reads its hosts file again when it is told to."""

    def __init__(self, home, port, lines):
        self.home, self.port = home, port
        self.hosts = home / "hosts"
        self.lines = lines
        self.process = None

    def start(self):
        config = self.home / "dnsmasq.conf"
        common = f"port={self.port}\nlisten-address=127.0.0.1\nbind-interfaces\nno-resolv\nno-hosts\nlocal=/example/\n"
        config.write_text(common + f"addn-hosts={self.hosts}\nlocal-ttl=1\n" + "\n".join(self.lines) + "\n")
        program = shutil.which("dnsmasq") or "/usr/sbin/dnsmasq"
        self.process = subprocess.Popen(
            [program, "--keep-in-foreground", f"--conf-file={config}", "--pid-file=", "--user="],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
        )

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(10)
            self.process = None


class Gateway:
    """A carrier that refuses every call by a status of its own, so that it is known who was asked."""

    def __init__(self, kind=socket.SOCK_DGRAM):
        self.socket = socket.socket(socket.AF_INET, kind)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]


def call(server, host, called="+12065550123"):
    """Places a call from this test and returns the final status that comes back."""
    with Caller(server, host, OWNED, called) as caller:
        caller.socket.settimeout(20)
        caller.send("INVITE", body=caller.sdp())
        status, _ = caller.final()
        return status


@contextlib.contextmanager
def answering(gateway, status):
    """Answers the next INVITE that comes to a gateway over UDP."""
    def serve():
        gateway.socket.settimeout(20)
        while True:
            try:
                message, sender = gateway.socket.recvfrom(65535)
            except TimeoutError:
                return
            lines = message.decode().split("\r\n")
            if not lines[0].startswith("INVITE"):
                if lines[0].startswith("ACK"):
                    return
                continue
            kept = [it for it in lines if it.split(":")[0] in ("Via", "From", "Call-ID", "CSeq")]
            to = next(it for it in lines if it.startswith("To:")) + ";tag=g"
            answer = [f"SIP/2.0 {status} From Gateway", *kept, to, "Content-Length: 0", "", ""]
            gateway.socket.sendto("\r\n".join(answer).encode(), sender)

    thread = threading.Thread(target=serve)
    thread.start()
    yield
    thread.join(25)
    assert not thread.is_alive()


@pytest.fixture
def zone(tmp_path):
    gateways = [Gateway(), Gateway()]
    first, second = (it.port for it in gateways)
    lines = [
        "naptr-record=sip.example,10,10,s,SIP+D2U,,_sip._udp.sip.example",
        f"srv-host=_sip._udp.sip.example,a.example,{first},1,1",
        f"srv-host=_sip._udp.sip.example,b.example,{second},2,1",
    ]
    names = NameServer(tmp_path, next(ports), lines)
    names.hosts.write_text("127.0.0.1 a.example b.example plain.example\n")
    names.start()
    yield names, gateways
    names.stop()
    for gateway in gateways:
        gateway.socket.close()


def eventually(what, look, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if look():
            return
        time.sleep(0.2)
    pytest.fail(f"{what}: not seen in time")


def open_trunk(server):
    server.run("number", "add", OWNED, "--account", "000000000000")
    return connector_of(server, "dns")["OutboundHostName"]


def test_a_carrier_is_found_by_naptr_and_srv_and_its_second_server_takes_over(zone, tmp_path):
    names, (first, second) = zone
    with Server(tmp_path, TRUNKLINE_SIP__DNS__SERVERS=f'["127.0.0.1:{names.port}"]') as server:
        host = open_trunk(server)
        server.run("carrier", "add", "upstream", "--host", "sip.example")
        with answering(first, 486):
            eventually("the first server is asked", lambda: call(server, host) == 486, 5)
        with answering(first, 503), answering(second, 603):
            assert call(server, host) == 603


def test_calls_go_on_while_the_name_server_is_away(zone, tmp_path):
    names, (first, _) = zone
    with Server(tmp_path, TRUNKLINE_SIP__DNS__SERVERS=f'["127.0.0.1:{names.port}"]') as server:
        host = open_trunk(server)
        server.run("carrier", "add", "upstream", "--host", "plain.example", "--port", str(first.port))
        with answering(first, 486):
            eventually("the carrier is asked", lambda: call(server, host) == 486, 5)
        names.stop()
        log = server.home / "server.log"
        eventually("the name server is missed", lambda: "does not resolve" in log.read_text())
        with answering(first, 603):
            assert call(server, host) == 603
