"""Time from starting the server to its ready line, and the memory that connectors and numbers take.

`load`'s `fill` makes the databases once (`--keep DIR` keeps them for the next run); the server that is started is the
release build. Rounds alternate between the directories; a row is the median. The page cache is warm: the database was
just written, or read by the round before.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
TICKS = os.sysconf("SC_CLK_TCK")
READY_SECONDS_MAX = 120


def fill(data_dir, connectors, numbers):
    if not (data_dir / "trunkline.db").exists():
        subprocess.run(
            [TARGET / "fill", "--data-dir", data_dir, "--connectors", str(connectors), "--numbers", str(numbers)],
            check=True,
        )


def start(data_dir):
    """Seconds to the ready line, CPU seconds, and MiB resident then and at most."""
    environment = os.environ | {
        "TRUNKLINE_HTTP__LISTEN": "127.0.0.1:0",
        "TRUNKLINE_ADMIN__LISTEN": "127.0.0.1:0",
        "TRUNKLINE_SIP__LISTEN": "127.0.0.1:0",
        "TRUNKLINE_CARRIERS__SIMULATED": "false",
    }
    began = time.monotonic()
    process = subprocess.Popen(
        [TARGET / "trunkline", "serve", "--data-dir", data_dir],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        line = process.stdout.readline()
        took = time.monotonic() - began
        assert json.loads(line)["event"] == "ready"
        fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        cpu = (int(fields[11]) + int(fields[12])) / TICKS
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        memory = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in status.splitlines() if "kB" in line}
        return took, cpu, memory["VmRSS"], memory["VmHWM"]
    finally:
        process.terminate()
        process.wait(60)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connectors", type=int, default=1_000_000)
    parser.add_argument("--numbers", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", type=pathlib.Path, help="make the databases here, and leave them")
    arguments = parser.parse_args()
    home = arguments.keep or pathlib.Path(tempfile.mkdtemp(prefix="trunkline-startup-"))
    home.mkdir(parents=True, exist_ok=True)
    counts = {
        "empty": (0, 0),
        "connectors": (arguments.connectors, 0),
        "full": (arguments.connectors, arguments.numbers),
    }
    print(f"load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} processors, {arguments.rounds} rounds")
    try:
        for name, (connectors, numbers) in counts.items():
            fill(home / name, connectors, numbers)
        rounds = {name: [] for name in counts}
        for _ in range(arguments.rounds):
            for name in counts:
                rounds[name].append(start(home / name))
    finally:
        if not arguments.keep:
            shutil.rmtree(home)
    median = {name: [statistics.median(column) for column in zip(*rows)] for name, rows in rounds.items()}
    print("| | ready after | CPU | resident | at most |\n|---|---|---|---|---|")
    for name, (connectors, numbers) in counts.items():
        took, cpu, resident, most = median[name]
        span = " – ".join(f"{it:.2f}" for it in (min(r[0] for r in rounds[name]), max(r[0] for r in rounds[name])))
        print(
            f"| {connectors:,} connectors, {numbers:,} numbers | {took:.2f} s ({span}) | {cpu:.2f} s "
            f"| {resident:.0f} MiB | {most:.0f} MiB |"
        )
    of_connectors = (median["connectors"][2] - median["empty"][2]) * 1024 * 1024
    of_numbers = (median["full"][2] - median["connectors"][2]) * 1024 * 1024
    print(f"memory per connector: {of_connectors / max(arguments.connectors, 1):.0f} bytes")
    print(f"memory per number: {of_numbers / max(arguments.numbers, 1):.0f} bytes")


if __name__ == "__main__":
    main()
