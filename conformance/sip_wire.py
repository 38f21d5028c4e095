"""Just enough of SIP over a raw socket to place one INVITE. The digest is computed here, by the RFC."""

import hashlib
import re
import socket
import uuid

HASHES = {
    "MD5": hashlib.md5,
    "SHA-256": hashlib.sha256,
    "SHA-512-256": lambda data=b"": hashlib.new("sha512_256", data),
}


class Caller:
    """One UDP user agent on the loopback."""

    def __init__(self, server, domain, sender, called):
        self.target = server.sip("udp")
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(10)
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
        return (
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio {media_port} RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
        )

    def acknowledge(self, text, uri=None):
        success = text.startswith("SIP/2.0 2")
        self.send(
            "ACK",
            uri=uri,
            to_tag=to_tag(text),
            cseq=self.cseq,
            branch=None if success else self.branch,
        )


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
