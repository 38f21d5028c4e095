"""CPU of the relay per packet and added latency: trunkline's relay, rtpengine in user space, and a forwarder that
only forwards, in turn, in one run.

Every call has two streams of 172 bytes each 20 ms, evenly spread. The relay has one core, both ends of every call the
other; only the relay's CPU counts, from /proc. Latency is from just before the send to the kernel's time of arrival at
the other end; the row without a relay shows how much of it is the kernel's. A row is the median of the rounds. rtpengine is Debian's, without its kernel
module, told by its ng protocol; it gets as many threads as it likes on its core.
"""

import argparse
import json
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import time

ROOT = pathlib.Path(__file__).parent.parent
BINARY = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / "relay"
TICKS = os.sysconf("SC_CLK_TCK")
RELAY_CORE, LOAD_CORE = "0", "1"
CALLERS_KEY = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"
NG = ("127.0.0.1", 22222)


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def bencode(it):
    if isinstance(it, str):
        return f"{len(it)}:{it}"
    if isinstance(it, list):
        return "l" + "".join(map(bencode, it)) + "e"
    return "d" + "".join(bencode(key) + bencode(it[key]) for key in sorted(it)) + "e"


def field(answer, name):
    """The text of one key in a bencoded dictionary."""
    marker = f"{len(name)}:{name}"
    length, _, rest = answer.split(marker, 1)[1].partition(":")
    return rest[: int(length)]


class Ours:
    def __init__(self, kind, backend, gather):
        self.kind, self.backend, self.gather = kind, backend, gather
        self.name = {"serve": "trunkline", "bare": "bare forwarder"}[kind] + f", {backend}"

    def start(self, legs, srtp):
        command = ["taskset", "-c", RELAY_CORE, BINARY, self.kind, "--backend", self.backend]
        command += ["--gather", str(self.gather)]
        self.process = subprocess.Popen(
            command + ["--srtp"] * srtp, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.process.stdin.write(json.dumps(legs) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def pid(self):
        return self.process.pid

    def stop(self):
        self.process.kill()
        self.process.wait()


class Nothing:
    """The two ends of a call, with nothing between."""

    kind, name = "bare", "no relay"

    def start(self, legs, srtp):
        return [[called, caller] for caller, called in legs]

    def pid(self):
        return os.getpid()

    def stop(self):
        pass


class Rtpengine:
    kind, name = "serve", "rtpengine, user space"

    def start(self, legs, srtp):
        self.process = subprocess.Popen(
            ["taskset", "-c", RELAY_CORE, shutil.which("rtpengine"), "--foreground", "--table=-1",
             "--interface=127.0.0.1", f"--listen-ng={NG[0]}:{NG[1]}", "--port-min=50000", "--port-max=59999",
             "--log-level=2", "--log-stderr"],
            stderr=subprocess.DEVNULL,
        )
        self.control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.control.settimeout(10)
        self.count = 0
        self.await_ready()
        return [self.open(number, leg, srtp) for number, leg in enumerate(legs)]

    def await_ready(self):
        self.control.settimeout(0.2)
        for _ in range(50):
            try:
                self.ask({"command": "ping"})
                break
            except (TimeoutError, ConnectionError):
                time.sleep(0.1)
        self.control.settimeout(10)

    def ask(self, message):
        self.count += 1
        self.control.sendto(f"b{self.count} {bencode(message)}".encode(), NG)
        while True:
            cookie, answer = self.control.recv(65535).decode().split(" ", 1)
            # An answer that comes late is of an earlier question.
            if cookie == f"b{self.count}":
                return answer

    def open(self, number, leg, srtp):
        def sdp(port, keys):
            profile = "RTP/SAVP" if keys else "RTP/AVP"
            lines = f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{CALLERS_KEY}\r\n" if keys else ""
            return (
                "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
                f"m=audio {port} {profile} 0\r\n{lines}a=sendrecv\r\n"
            )

        call = {"call-id": f"call{number}", "from-tag": "a", "ICE": "remove"}
        offer = {"command": "offer", "sdp": sdp(leg[0], srtp), "transport-protocol": "RTP/AVP"}
        toward_called = field(self.ask(call | offer), "sdp")
        answer = {"command": "answer", "to-tag": "b", "sdp": sdp(leg[1], False)}
        toward_caller = field(self.ask(call | answer), "sdp")
        ports = [int(it.split("m=audio ")[1].split()[0]) for it in (toward_caller, toward_called)]
        return ports

    def pid(self):
        return self.process.pid

    def stop(self):
        self.control.close()
        self.process.terminate()
        self.process.wait()


def measure(relay, calls, seconds, srtp):
    generator = subprocess.Popen(
        ["taskset", "-c", LOAD_CORE, BINARY, "generate", "--calls", str(calls), "--seconds", str(seconds)]
        + ["--srtp"] * srtp,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )
    try:
        legs = json.loads(generator.stdout.readline())
        ports = relay.start(legs, srtp)
        generator.stdin.write(json.dumps(ports) + "\n")
        generator.stdin.flush()
        assert json.loads(generator.stdout.readline()) == "begun"
        before = cpu_seconds(relay.pid())
        report = json.loads(generator.stdout.readline())
        spent = cpu_seconds(relay.pid()) - before
    finally:
        generator.kill()
        generator.wait()
        relay.stop()
    report["us"] = spent * 1e6 / max(1, report["heard"])
    report["lost"] = 1 - report["heard"] / report["sent"]
    return report


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--calls", type=int, nargs="+", default=[100, 500, 1000])
    arguments.add_argument("--seconds", type=int, default=6)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--only", choices=["rtp", "srtp"])
    arguments.add_argument("--gather", type=int, default=400, help="microseconds, as media.gather_us")
    given = arguments.parse_args()
    ours = [(kind, backend) for kind in ["serve", "bare"] for backend in ["io-uring", "epoll"]]
    relays = [Ours(kind, backend, given.gather) for kind, backend in ours]
    if shutil.which("rtpengine"):
        relays.insert(1, Rtpengine())
    else:
        print("rtpengine is the peer here, and missing: apt-get install rtpengine-daemon")
    relays.append(Nothing())
    for srtp in [False, True]:
        if given.only and (given.only == "srtp") != srtp:
            continue
        print(f"\n### {'SRTP (AES_CM_128_HMAC_SHA1_80) to RTP' if srtp else 'RTP to RTP'}\n")
        print("| calls | relay | µs CPU per packet (range) | to rtpengine | latency p50 / p99 µs | lost |")
        print("|---|---|---|---|---|---|")
        for calls in given.calls:
            taken = [it for it in relays if not (srtp and it.kind == "bare")]
            rounds = {it.name: [] for it in taken}
            for _ in range(given.rounds):
                for it in taken:
                    rounds[it.name].append(measure(it, calls, given.seconds, srtp))
            middle = {
                name: {key: statistics.median(it[key] for it in found) for key in found[0]}
                for name, found in rounds.items()
            }
            peer = middle.get(Rtpengine.name, {}).get("us")
            for name, it in middle.items():
                if name == Nothing.name:
                    print(f"| {calls} | {name} | – | – | {it['p50_us']:.0f} / {it['p99_us']:.0f} | {it['lost']:.2%} |")
                    continue
                each = [found["us"] for found in rounds[name]]
                ratio = f"{it['us'] / peer:.2f}" if peer else "–"
                print(
                    f"| {calls} | {name} | {it['us']:.2f} ({min(each):.2f}–{max(each):.2f}) | {ratio} "
                    f"| {it['p50_us']:.0f} / {it['p99_us']:.0f} | {it['lost']:.2%} |",
                    flush=True,
                )
    print(f"\nLoad average at the end: {os.getloadavg()[0]:.1f}; {os.cpu_count()} cores.")


if __name__ == "__main__":
    main()
