"""CPU of the server's processes per 10,000 authenticated calls: trunkline beside Kamailio, in turn, in one run.

Each round runs both servers on the same load, A B A B; a row is the median of the rounds. The server has one core,
the load generator (both ends of every call) the other; only the server's CPU counts. trunkline anchors the media of
every call and writes its record; Kamailio proxies without media and keeps no records.
"""

import argparse
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
TICKS = os.sysconf("SC_CLK_TCK")
SERVER_CORE, LOAD_CORE = "0", "1"
OWNED, CALLED_NUMBER = "+12065550150", "+12065550100"
CARRIER = "127.0.0.1:5090"
# Calls per second and calls that each server handles before it is measured: enough that the memory it works in
# (trunkline's flight recorder, 64 MiB, is the largest) has been touched once.
WARM_UP = (2_000, 10_000)


def cpu_seconds(pids):
    total = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


class Kamailio:
    name = "Kamailio 5.6 (tm + dialog, no media)"
    domain = "kamailio.example"
    address = "127.0.0.1:7060"

    def __init__(self, home):
        config = home / "kamailio.cfg"
        template = (HERE / "kamailio.cfg.in").read_text()
        config.write_text(template.replace("@SERVER@", self.address).replace("@CALLED@", CARRIER))
        self.pid_file = home / "kamailio.pid"
        self.process = subprocess.Popen(
            ["taskset", "-c", SERVER_CORE, "kamailio", "-f", config, "-DD", "-E", "-m", "512", "-M", "32"]
            + ["-P", self.pid_file],
            stdout=subprocess.DEVNULL,
            stderr=open(home / "kamailio.log", "wb"),
        )
        wait_for(self.pid_file.exists)
        time.sleep(1)

    def pids(self):
        main = int(self.pid_file.read_text())
        children = subprocess.run(["pgrep", "-P", str(main)], capture_output=True, text=True)
        return [main, *map(int, children.stdout.split())]

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


class Trunkline:
    name = "trunkline (B2BUA, media anchored, records written)"

    def __init__(self, home):
        """`home / "data"` may hold a filled data directory already."""
        self.home = home
        self.binary = TARGET / "trunkline"
        self.environment = os.environ | {
            "TRUNKLINE_HTTP__LISTEN": "127.0.0.1:0",
            "TRUNKLINE_ADMIN__LISTEN": "127.0.0.1:0",
            "TRUNKLINE_SIP__LISTEN": "127.0.0.1:0",
            "TRUNKLINE_CARRIERS__SIMULATED": "false",
        }
        self.process = subprocess.Popen(
            ["taskset", "-c", SERVER_CORE, self.binary, "serve", "--data-dir", home / "data"],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=open(home / "trunkline.log", "wb"),
            text=True,
        )
        self.ready = json.loads(self.process.stdout.readline())
        self.address = self.ready["sip_udp"]
        self.operate("number", "add", OWNED, "--account", "000000000000")
        host, _, port = CARRIER.rpartition(":")
        self.operate("carrier", "add", "load", "--host", host, "--port", port)
        made = self.api("CreateVoiceConnector", Name="bench", RequireEncryption=False)["VoiceConnector"]
        self.domain = made["OutboundHostName"]
        it = {"VoiceConnectorId": made["VoiceConnectorId"]}
        rules = {"CpsLimit": 10_000, "CallingRegions": ["US"], "CidrAllowedList": ["127.0.0.1/32"]}
        self.api("PutVoiceConnectorTermination", **it, Termination=rules)
        users = [{"Username": "pbx", "Password": "secret"}]
        self.api("PutVoiceConnectorTerminationCredentials", **it, Credentials=users)

    def operate(self, *arguments):
        done = subprocess.run(
            [self.binary, *arguments],
            env=self.environment
            | {
                "AWS_ENDPOINT_URL": f"http://{self.ready['http']}",
                "AWS_SHARED_CREDENTIALS_FILE": str(self.home / "data" / "credentials"),
                "AWS_PROFILE": "trunkline",
            },
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            sys.exit(f"trunkline {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def api(self, operation, **members):
        answer = self.operate("api", operation, "--output", "json", "--json", json.dumps(members))
        return json.loads(answer) if answer.strip() else {}

    def pids(self):
        return [self.process.pid]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)


def wait_for(state, seconds=10):
    deadline = time.monotonic() + seconds
    while not state():
        if time.monotonic() > deadline:
            sys.exit("a server did not start")
        time.sleep(0.05)


def offer(server, rate, calls):
    before = cpu_seconds(server.pids())
    done = subprocess.run(
        ["taskset", "-c", LOAD_CORE, TARGET / "load", "--server", server.address, "--domain", server.domain]
        + ["--called", CARRIER, "--from", OWNED, "--to", CALLED_NUMBER]
        + ["--rate", str(rate), "--calls", str(calls)],
        capture_output=True,
        text=True,
    )
    report = json.loads(done.stdout)
    # Both ends are done; what the server still does for these calls (records, timers) counts as well.
    time.sleep(1)
    report["cpu"] = (cpu_seconds(server.pids()) - before) * 10_000 / calls
    return report


def measure(rate, calls, rounds):
    seen = {Kamailio: [], Trunkline: []}
    for _ in range(rounds):
        for kind in seen:
            home = pathlib.Path(tempfile.mkdtemp(prefix="trunkline-bench-"))
            server = kind(home)
            try:
                offer(server, *WARM_UP)
                seen[kind].append(offer(server, rate, calls))
            finally:
                server.stop()
                shutil.rmtree(home)
    return seen


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rates", type=int, nargs="+", default=[100, 500, 2000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=10, help="load per measurement")
    options = parser.parse_args()
    print("CPU-seconds of the server's processes per 10,000 calls; INVITE → 180 in ms; medians of", options.rounds)
    print(f"load average before: {os.getloadavg()[0]:.2f}\n")
    print("| calls/s | server | CPU-s (min–max) | p50 | p99 | failed | resent | ratio |")
    print("|---|---|---|---|---|---|---|---|")
    for rate in options.rates:
        seen = measure(rate, rate * options.seconds, options.rounds)
        base = statistics.median(it["cpu"] for it in seen[Kamailio])
        for kind, reports in seen.items():
            cpu = [it["cpu"] for it in reports]
            median = {key: statistics.median(it[key] or 0 for it in reports) for key in ["ring_ms_p50", "ring_ms_p99"]}
            print(
                f"| {rate} | {kind.name} | {statistics.median(cpu):.2f} ({min(cpu):.2f}–{max(cpu):.2f})"
                f" | {median['ring_ms_p50']:.2f} | {median['ring_ms_p99']:.2f}"
                f" | {sum(it['failed'] for it in reports)} | {sum(it['retransmissions'] for it in reports)}"
                f" | {statistics.median(cpu) / base:.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
