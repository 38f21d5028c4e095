"""Signed GETs and durable PUTs: trunkline beside moto's server, in turn, in one run.

trunkline: GetVoiceConnector, and PutVoiceConnectorTermination, which is answered when it is on the disk and the call
path knows it. moto: EventBridge Scheduler's GetSchedule and UpdateSchedule, since moto has no Chime: a REST-JSON service
too, signed the same way, with a GET of one document and a PUT of one with nested members. moto keeps it in memory and
verifies no signature; trunkline verifies each and writes through to the disk.

`load`'s `http` drives both with the same requests over and over. "Per core" is requests per second of the server's own
CPU time, so that the generator and whatever else runs on the machine do not count. Rounds go A B A B; a row is the
median of three.
"""

import argparse
import configparser
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
TICKS = os.sysconf("SC_CLK_TCK")
CONNECTIONS = [1, 64]
SCHEDULE = {
    "ScheduleExpression": "rate(5 minutes)",
    "FlexibleTimeWindow": {"Mode": "OFF"},
    "Target": {"Arn": "arn:aws:sqs:us-east-1:123456789012:queue", "RoleArn": "arn:aws:iam::123456789012:role/r"},
    "Description": "number {n}",
}
TERMINATION = {
    "Termination": {"CpsLimit": "{n}", "CallingRegions": ["US"], "CidrAllowedList": ["127.0.0.1/32"], "Disabled": False}
}


class Trunkline:
    name = "trunkline"
    service = "chime"

    def __init__(self, home, data_dir=None):
        self.data_dir = data_dir or home / "data"
        environment = os.environ | {
            "TRUNKLINE_HTTP__LISTEN": "127.0.0.1:0",
            "TRUNKLINE_ADMIN__LISTEN": "127.0.0.1:0",
            "TRUNKLINE_SIP__LISTEN": "127.0.0.1:0",
            "TRUNKLINE_CARRIERS__SIMULATED": "false",
            "TRUNKLINE_API__REQUESTS_PER_SECOND": "1000000",
            "TRUNKLINE_API__BURST": "1000000",
            "TRUNKLINE_LOG__LEVEL": "warn",
        }
        self.process = subprocess.Popen(
            [TARGET / "trunkline", "serve", "--data-dir", self.data_dir],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=open(home / "trunkline.log", "ab"),
        )
        self.address = json.loads(self.process.stdout.readline())["http"]
        profile = configparser.ConfigParser()
        profile.read(self.data_dir / "credentials")
        self.key = (profile["trunkline"]["aws_access_key_id"], profile["trunkline"]["aws_secret_access_key"])

    def prepare(self):
        body = json.dumps({"Name": "bench", "RequireEncryption": False})
        made = subprocess.run(
            [TARGET / "trunkline", "api", "CreateVoiceConnector", "--json", body, "--endpoint-url", f"http://{self.address}"],
            env=os.environ | {"AWS_ACCESS_KEY_ID": self.key[0], "AWS_SECRET_ACCESS_KEY": self.key[1]},
            check=True,
            capture_output=True,
        )
        path = f"/voice-connectors/{json.loads(made.stdout)['VoiceConnector']['VoiceConnectorId']}"
        self.requests = {
            "GET": ("GET", path, ""),
            "PUT": ("PUT", f"{path}/termination", json.dumps(TERMINATION).replace('"{n}"', "{n}")),
        }

    def stop(self):
        self.process.terminate()
        self.process.wait(60)


class Moto:
    name = "moto"
    service = "scheduler"
    key = ("AKIAIOSFODNN7EXAMPLE", "bench")

    def __init__(self, home, python):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.address = f"127.0.0.1:{port}"
        # It writes a line for each request, to nowhere: a log of its own would count against it.
        self.process = subprocess.Popen(
            [python, "-c", "import logging; logging.disable(logging.CRITICAL); from moto.server import main; main()"]
            + ["-H", "127.0.0.1", "-p", str(port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(600):
            time.sleep(0.1)
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
        raise RuntimeError("moto's server did not start")

    def prepare(self):
        send(self, "POST", "/schedules/bench", json.dumps(SCHEDULE), 1, 5, 1)
        self.requests = {"GET": ("GET", "/schedules/bench", ""), "PUT": ("PUT", "/schedules/bench", json.dumps(SCHEDULE))}

    stop = Trunkline.stop


def cpu_seconds(server):
    fields = pathlib.Path(f"/proc/{server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def send(server, method, path, body, connections, seconds, requests=None):
    before = cpu_seconds(server)
    done = subprocess.run(
        [TARGET / "http", "--server", server.address, "--service", server.service, "--method", method]
        + ["--path", path, "--body", body, "--connections", str(connections), "--seconds", str(seconds)]
        + (["--requests", str(requests)] if requests else []),
        env=os.environ | {"AWS_ACCESS_KEY_ID": server.key[0], "AWS_SECRET_ACCESS_KEY": server.key[1]},
        check=True,
        capture_output=True,
        text=True,
    )
    report = json.loads(done.stdout)
    cpu = cpu_seconds(server) - before
    count = sum(report["answered"].values())
    bad = {status: count for status, count in report["answered"].items() if not status.startswith("2")}
    assert not bad, f"{server.name} {method} {path}: {bad}"
    report["per_core"] = count / max(cpu, 1 / TICKS)
    return report


def flush_floor(home):
    """Seconds that 4 KiB overwritten and flushed take: the median, and flushes per second."""
    path = home / "floor"
    path.write_bytes(bytes(4096 * 256))
    descriptor = os.open(path, os.O_WRONLY)
    times = []
    for at in range(1000):
        began = time.perf_counter()
        os.pwrite(descriptor, b"\x5a" * 4096, at % 256 * 4096)
        os.fdatasync(descriptor)
        times.append(time.perf_counter() - began)
    os.close(descriptor)
    return statistics.median(times)


def compare(home, python, rounds, seconds):
    servers = [Trunkline(home), Moto(home, python)]
    try:
        for server in servers:
            server.prepare()
            for method, path, body in server.requests.values():
                send(server, method, path, body, 1, 0.5)
        rows = {}
        for _ in range(rounds):
            floor = flush_floor(home)
            for kind in ["GET", "PUT"]:
                for connections in CONNECTIONS:
                    for server in servers:
                        report = send(server, *server.requests[kind], connections, seconds)
                        report["floors"] = report["mean_us"] / 1e6 / floor
                        rows.setdefault((kind, connections, server.name), []).append(report)
    finally:
        for server in servers:
            server.stop()
    print("| | connections | server | per core and second | per second | p50 | p99 |\n|---|---|---|---|---|---|---|")
    median = lambda row, name: statistics.median(it[name] for it in row)  # noqa: E731
    for (kind, connections, name), row in rows.items():
        print(
            f"| {kind} | {connections} | {name} | {median(row, 'per_core'):,.0f} | {median(row, 'per_second'):,.0f} "
            f"| {median(row, 'p50_us') / 1000:.2f} ms | {median(row, 'p99_us') / 1000:.2f} ms |"
        )
    for kind in ["GET", "PUT"]:
        for connections in CONNECTIONS:
            ours, theirs = (rows[kind, connections, server.name] for server in servers)
            for what, name in [("per core", "per_core"), ("in all", "per_second")]:
                each = [one[name] / other[name] for one, other in zip(ours, theirs)]
                print(
                    f"{kind}, {connections} connections, {what}: {statistics.median(each):.1f} × moto "
                    f"({min(each):.1f}–{max(each):.1f})"
                )
    print(f"a durable PUT, 1 connection: {median(rows['PUT', 1, 'trunkline'], 'floors'):.2f} × a 4 KiB overwrite + fdatasync")


def pages(home, million):
    """The time of a page of ten, among ten connectors and among a million."""
    few = home / "few"
    subprocess.run([TARGET / "fill", "--data-dir", few, "--connectors", "10"], check=True, stdout=subprocess.DEVNULL)
    times = {}
    for name, data_dir in [("10", few), ("1,000,000", million)]:
        server = Trunkline(home, data_dir)
        try:
            path = "/voice-connectors?max-results=10"
            send(server, "GET", path, "", 1, 0.5)
            times[name] = [send(server, "GET", path, "", 1, 2) for _ in range(3)]
        finally:
            server.stop()
    for name, reports in times.items():
        print(
            f"ListVoiceConnectors, a page of 10 among {name}: p50 {statistics.median(it['p50_us'] for it in reports)} µs, "
            f"{1e6 / statistics.median(it['per_core'] for it in reports):.0f} µs of CPU"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--python", default=sys.executable, help="a Python that has moto[server]")
    parser.add_argument("--million", type=pathlib.Path, help="a data directory with a million connectors; made if absent")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    home = pathlib.Path(tempfile.mkdtemp(prefix="trunkline-api-", dir=TARGET))
    print(f"load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} processors, {arguments.rounds} rounds of {arguments.seconds} s")
    try:
        compare(home, arguments.python, arguments.rounds, arguments.seconds)
        million = arguments.million or home / "million"
        if not (million / "trunkline.db").exists():
            subprocess.run([TARGET / "fill", "--data-dir", million, "--connectors", "1000000"], check=True)
        pages(home, million)
    finally:
        shutil.rmtree(home)


if __name__ == "__main__":
    main()
