"""SIPp scenarios from a few words: what a PBX or a carrier sends and expects, step by step.

A script is a list of steps; `render` makes SIPp's XML of it. A PBX is the caller (SIPp as UAC), a carrier the called side
(SIPp as UAS). Steps of one side never name the other: the service stands between.
"""

import dataclasses
import pathlib
import re
import subprocess
import time
from xml.sax.saxutils import quoteattr

from ports import TO_MEDIA, ports

OFFER = """v=0
o=user 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 0 101
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=ptime:20"""
HOLD = OFFER.replace("o=user 1 1", "o=user 1 2") + "\na=sendonly"
HELD = OFFER.replace("o=user 1 1", "o=user 1 2") + "\na=recvonly"
RESUMED = OFFER.replace("o=user 1 1", "o=user 1 3") + "\na=sendrecv"
VIDEO_ONLY = OFFER.replace("m=audio", "m=video").replace("RTP/AVP 0 101", "RTP/AVP 99")
OPUS_ONLY = OFFER.replace("RTP/AVP 0 101", "RTP/AVP 96").replace("a=rtpmap:0 PCMU/8000", "a=rtpmap:96 opus/48000/2")


@dataclasses.dataclass(frozen=True)
class Step:
    """One message or pause. `xml` may hold `[branch@LABEL]`: the branch of the step with that label."""

    xml: str
    label: str = ""


def _message(lines, body):
    lines = [it for it in lines if it]
    if body:
        lines += ["Content-Type: application/sdp", "Content-Length: [len]", "", *body.splitlines()]
    else:
        lines += ["Content-Length: 0", "", ""]
    return "\n".join(f"      {it}" for it in lines)


def _send(lines, body=None, label="", retrans=False):
    again = ' retrans="500"' if retrans else ""
    return Step(f"  <send{again}>\n    <![CDATA[\n{_message(lines, body)}\n    ]]>\n  </send>", label)


def pause(milliseconds):
    return Step(f'  <pause milliseconds="{milliseconds}"/>')


def expect(status, optional=False, keep=False, header=None, phrase=None):
    """A response. `keep` takes its Contact and routes for later requests; `header` is a pattern it must hold."""
    attributes = f'response="{status}"' + (' optional="true"' if optional else "") + (' rrs="true"' if keep else "")
    wanted = f"SIP/2.0 {status} {phrase}" if phrase else header
    if not wanted:
        return Step(f"  <recv {attributes}/>")
    check = f'<ereg regexp={quoteattr(wanted)} search_in="msg" check_it="true" assign_to="seen"/>'
    return Step(f'  <recv {attributes}><action>{check}</action></recv>\n  <Reference variables="seen"/>')


# The caller's side.

_FROM = "From: <sip:[from]@[local_ip]>;tag=[pid]P[call_number]"
_CONTACT = "Contact: <sip:pbx@[local_ip]:[local_port];transport=[transport]>"


def _via(branch="[branch]"):
    return f"Via: SIP/2.0/[transport] [local_ip]:[local_port];branch={branch}"


def invite(body=OFFER, *headers, contact=_CONTACT, hops=70, cseq=1, label="invite", retrans=True):
    lines = ["INVITE sip:[to]@[domain] SIP/2.0", _via(), _FROM, "To: <sip:[to]@[domain]>", "Call-ID: [call_id]"]
    lines += [f"CSeq: {cseq} INVITE", contact, f"Max-Forwards: {hops}", *headers]
    return _send(lines, body, label, retrans)


def trying():
    return expect(100, optional=True)


def refused(status, phrase=None, after="invite", header=None, cseq=1):
    """A final failure and its ACK."""
    lines = ["ACK sip:[to]@[domain] SIP/2.0", _via(f"[branch@{after}]"), _FROM, "To: <sip:[to]@[domain]>[peer_tag_param]"]
    lines += ["Call-ID: [call_id]", f"CSeq: {cseq} ACK", "Max-Forwards: 70"]
    return [expect(status, phrase=phrase, header=header), _send(lines)]


def challenged(after="invite"):
    """A challenge and its ACK; `proven` answers it."""
    return [Step('  <recv response="407" auth="true"/>'), refused(407, after=after)[1]]


def proven(username, password, label="proven"):
    """The INVITE again, with credentials for the challenge."""
    return invite(OFFER, f"[authentication username={username} password={password}]", cseq=2, label=label)


def request(method, cseq, body=None, *headers, label="", retrans=True):
    """A request within the caller's dialog."""
    lines = [f"{method} [next_url] SIP/2.0", _via(), _FROM, "To: <sip:[to]@[domain]>[peer_tag_param]"]
    lines += ["Call-ID: [call_id]", f"CSeq: {cseq} {method}", _CONTACT, "Max-Forwards: 70", "[routes]", *headers]
    return _send(lines, body, label, retrans)


def ack(cseq=1, body=None):
    return request("ACK", cseq, body, retrans=False)


def ack_refused(cseq, after):
    """The ACK of a refused request within the dialog: it belongs to that request's transaction."""
    lines = ["ACK [next_url] SIP/2.0", _via(f"[branch@{after}]"), _FROM, "To: <sip:[to]@[domain]>[peer_tag_param]"]
    return _send([*lines, "Call-ID: [call_id]", f"CSeq: {cseq} ACK", "Max-Forwards: 70"])


def cancel(after="invite"):
    lines = ["CANCEL sip:[to]@[domain] SIP/2.0", _via(f"[branch@{after}]"), _FROM, "To: <sip:[to]@[domain]>"]
    return _send([*lines, "Call-ID: [call_id]", "CSeq: 1 CANCEL", "Max-Forwards: 70"], retrans=True)


def answered(cseq=1, header=None):
    return [expect(200, keep=True, header=header), ack(cseq)]


def hang_up(cseq=2):
    return [request("BYE", cseq), expect(200)]


def hung_up(header=None):
    """The service hangs up."""
    return [taken("BYE", header=header), reply(200, "OK")]


# Either side, toward a request that came.


def taken(method, optional=False, header=None):
    attributes = f'request="{method}"' + (' optional="true"' if optional else "")
    if not header:
        return Step(f"  <recv {attributes}/>")
    check = f'<ereg regexp={quoteattr(header)} search_in="msg" check_it="true" assign_to="asked"/>'
    return Step(f'  <recv {attributes}><action>{check}</action></recv>\n  <Reference variables="asked"/>')


def reply(status, phrase, body=None, *headers):
    """Answers the request that came last."""
    lines = [f"SIP/2.0 {status} {phrase}", "[last_Via:]", "[last_From:]", "[last_To:]", "[last_Call-ID:]", "[last_CSeq:]"]
    lines += ["Contact: <sip:side@[local_ip]:[local_port];transport=[transport]>", *headers]
    return _send(lines, body)


# The called side.

_TAG = "[pid]C[call_number]"


def offered(header=None, proxied=False):
    """The INVITE comes; what later responses and requests need of it is kept. Through a proxy it has two Via headers."""
    names = [("Via", "via"), ("From", "from"), ("To", "to"), ("CSeq", "cseq")]
    keep = "".join(
        f'<ereg regexp=".*" search_in="hdr" header="{name}:" assign_to="{variable}"/>' for name, variable in names
    )
    if proxied:
        keep += '<ereg regexp=".*" search_in="hdr" header="Via:" occurrence="2" check_it="true" assign_to="via2"/>'
    if header:
        keep += f'<ereg regexp={quoteattr(header)} search_in="msg" check_it="true" assign_to="had"/>'
    names = "via,from,to,cseq" + (",had" if header else "") + (",via2" if proxied else "")
    return Step(f'  <recv request="INVITE" rrs="true"><action>{keep}</action></recv>\n  <Reference variables="{names}"/>')


def respond(status, phrase, body=None, *headers, tag=_TAG, contact=True, retrans=False, proxied=False):
    """A response to the INVITE, whatever came since."""
    lines = [f"SIP/2.0 {status} {phrase}", "Via:[$via]", "Via:[$via2]" if proxied else "", "From:[$from]", f"To:[$to];tag={tag}" if tag else "To:[$to]"]
    lines += ["Call-ID: [call_id]", "CSeq:[$cseq]"]
    lines += ["Contact: <sip:carrier@[local_ip]:[local_port];transport=[transport]>" if contact else "", *headers]
    return _send(lines, body, retrans=retrans)


def answer(body=OFFER, *headers, **how):
    return [respond(200, "OK", body, *headers, retrans=True, **how), taken("ACK")]


def refuse(status, phrase="No", *headers, proxied=False):
    return [offered(proxied=proxied), respond(status, phrase, None, *headers, retrans=True, proxied=proxied), taken("ACK")]


def carrier_request(method, cseq, body=None, *headers, retrans=True):
    """A request of the called side within its dialog."""
    lines = [f"{method} [next_url] SIP/2.0", _via(), f"From:[$to];tag={_TAG}", "To:[$from]", "Call-ID: [call_id]"]
    lines += [f"CSeq: {cseq} {method}", "Contact: <sip:carrier@[local_ip]:[local_port];transport=[transport]>"]
    return _send([*lines, "Max-Forwards: 70", *headers], body, retrans=retrans)


def released():
    """The other side hangs up."""
    return [taken("BYE"), reply(200, "OK")]


def flat(steps):
    for it in steps:
        if isinstance(it, Step):
            yield it
        else:
            yield from flat(it)


def render(name, steps):
    """The scenario as SIPp reads it."""
    steps = list(flat(steps))
    at = {step.label: index for index, step in enumerate(steps) if step.label}
    parts = [
        re.sub(r"\[branch@(\w+)\]", lambda it, here=here: f"[branch-{here - at[it[1]]}]", step.xml)
        for here, step in enumerate(steps)
    ]
    text = "\n".join(parts)
    return f'<?xml version="1.0" encoding="ISO-8859-1" ?>\n<scenario name={quoteattr(name)}>\n{text}\n</scenario>\n'


class Sipp:
    """One SIPp process that plays one script once."""

    def __init__(self, home, name, steps, *arguments, transport="u1", seconds=30):
        self.name, self.home, self.transport = name, pathlib.Path(home), transport
        self.port = next(ports)
        path = self.home / f"{name}.xml"
        path.write_text(render(name, steps))
        self.errors = self.home / f"{name}-errors.log"
        self.process = subprocess.Popen(
            ["sipp", "-sf", path, "-m", "1", "-t", transport, "-i", "127.0.0.1", "-p", str(self.port), "-nostdin"]
            + ["-mi", "127.0.0.1", "-mp", str(self.port + TO_MEDIA), "-timeout", f"{seconds}s", "-timeout_error"]
            + ["-trace_err", "-error_file", self.errors, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.home,
        )

    def bound(self):
        """Waits until it listens: what came earlier would be refused by the kernel."""
        table = "/proc/net/tcp" if self.transport.startswith("t") else "/proc/net/udp"
        deadline = time.monotonic() + 10
        while f":{self.port:04X} " not in pathlib.Path(table).read_text():
            assert self.process.poll() is None and time.monotonic() < deadline, f"{self.name} does not listen\n{self.told()}"
        return self

    def told(self):
        seen = self.errors.read_text(errors="replace") if self.errors.exists() else ""
        return f"SIPp as {self.name}: exit {self.process.poll()}\n{seen}"

    def done(self):
        self.process.communicate(timeout=60)
        return self.process.returncode == 0

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
