"""Just enough of SIP over raw sockets to place one INVITE, and to answer one. The digest is computed here, by the RFC."""

import hashlib
import re
import socket
import uuid

HASHES = {
    "MD5": hashlib.md5,
    "SHA-256": hashlib.sha256,
    "SHA-512-256": lambda data=b"": hashlib.new("sha512_256", data),
}


def bound(host="127.0.0.1"):
    """A UDP socket on a free port, of the host's family."""
    it = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    it.bind((host, 0))
    it.settimeout(10)
    return it


def description(host, port, events=True):
    """PCMU at an address, with telephone events or without."""
    kind = "IP6" if ":" in host else "IP4"
    types, line = ("0 101", "a=rtpmap:101 telephone-event/8000\r\n") if events else ("0", "")
    return (
        f"v=0\r\no=- 1 1 IN {kind} {host}\r\ns=-\r\nc=IN {kind} {host}\r\nt=0 0\r\n"
        f"m=audio {port} RTP/AVP {types}\r\n{line}"
    )


def media_of(it, events=True):
    """The description of audio at a socket."""
    return description(*it.getsockname()[:2], events)


class Caller:
    """One UDP user agent on the loopback."""

    def __init__(self, server, domain, sender, called):
        self.target = server.sip("udp")
        self.socket = bound()
        self.port = self.socket.getsockname()[1]
        self.uri = f"sip:{called}@{domain}"
        self.sender, self.domain = sender, domain
        self.call_id, self.tag, self.cseq = uuid.uuid4().hex, uuid.uuid4().hex[:8], 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, method, uri=None, to_tag="", headers=(), body="", cseq=None, branch=None):
        if cseq is None:
            self.cseq += 1
            cseq = self.cseq
        self.branch = branch or f"z9hG4bK{uuid.uuid4().hex}"
        lines = [
            f"{method} {uri or self.uri} SIP/2.0",
            f"Via: SIP/2.0/UDP 127.0.0.1:{self.port};branch={self.branch};rport",
            f"From: <sip:{self.sender}@127.0.0.1>;tag={self.tag}",
            f"To: <{self.uri}>{to_tag}",
            f"Call-ID: {self.call_id}",
            f"CSeq: {cseq} {method}",
            f"Contact: <sip:pbx@127.0.0.1:{self.port}>",
            "Max-Forwards: 70",
            *headers,
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        self.socket.sendto(("\r\n".join(lines) + "\r\n\r\n" + body).encode(), self.target)

    def receive(self):
        text = self.socket.recv(65535).decode()
        return int(text.split(" ", 2)[1]) if text.startswith("SIP/2.0") else 0, text

    def final(self):
        while True:
            status, text = self.receive()
            if status >= 200:
                return status, text

    def sdp(self, media_port=40000):
        return description("127.0.0.1", media_port)

    def acknowledge(self, text, uri=None):
        success = text.startswith("SIP/2.0 2")
        self.send(
            "ACK",
            uri=uri,
            to_tag=to_tag(text),
            cseq=self.cseq,
            branch=None if success else self.branch,
        )


class Called:
    """The called side: answers what it is asked, from one socket."""

    def __init__(self, host="127.0.0.1"):
        self.socket, self.media = bound(host), bound(host)
        self.host = f"[{host}]" if ":" in host else host
        self.port = self.socket.getsockname()[1]
        self.tag = uuid.uuid4().hex[:8]

    def receive(self, method):
        while True:
            text, self.peer = self.socket.recvfrom(65535)
            text = text.decode()
            if text.startswith(method + " "):
                return text

    def reply(self, request, status, body="", extra=()):
        kept = re.findall(r"^(?:Via|From|Call-ID|CSeq):.*?\r?$", request, re.M | re.I)
        to = header(request, "To")
        to = to if ";tag=" in to else f"{to};tag={self.tag}"
        lines = [f"SIP/2.0 {status}", *(line.strip() for line in kept), f"To: {to}", *extra]
        lines += [f"Contact: <sip:{self.host}:{self.socket.getsockname()[1]}>"]
        lines += ["Content-Type: application/sdp"] if body else []
        text = "\r\n".join([*lines, f"Content-Length: {len(body)}"]) + "\r\n\r\n" + body
        self.socket.sendto(text.encode(), self.peer)

    def close(self):
        self.socket.close()
        self.media.close()


def header(text, name):
    return re.search(rf"^{name}:\s*(.*?)\r?$", text, re.M | re.I).group(1)


def to_tag(text):
    found = re.search(r"^To:.*?(;tag=[^;\s]+)", text, re.M | re.I)
    return found.group(1) if found else ""


def contact(text):
    return re.search(r"^Contact:\s*<([^>]+)>", text, re.M | re.I).group(1)


def challenges(text):
    """Each challenge's parameters, in the order they were offered."""
    offered = []
    for line in re.findall(r"^Proxy-Authenticate:\s*Digest (.*?)\r?$", text, re.M | re.I):
        fields = re.findall(r'(\w+)=(?:"([^"]*)"|([^,\s]+))', line)
        offered.append({name.lower(): quoted or plain for name, quoted, plain in fields})
    return offered


def authorization(challenge, username, password, method, uri, count=1):
    """RFC 7616 §3.4 with qop=auth."""
    algorithm = challenge.get("algorithm", "MD5")

    def hashed(text):
        return HASHES[algorithm](text.encode()).hexdigest()

    cnonce, nc = uuid.uuid4().hex[:16], f"{count:08x}"
    ha1 = hashed(f"{username}:{challenge['realm']}:{password}")
    ha2 = hashed(f"{method}:{uri}")
    response = hashed(f"{ha1}:{challenge['nonce']}:{nc}:{cnonce}:auth:{ha2}")
    return (
        f'Proxy-Authorization: Digest username="{username}", realm="{challenge["realm"]}", '
        f'nonce="{challenge["nonce"]}", uri="{uri}", algorithm={algorithm}, qop=auth, '
        f'nc={nc}, cnonce="{cnonce}", response="{response}"'
    )
