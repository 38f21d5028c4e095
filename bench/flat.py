"""CPU of a call among few connectors and among a million, each with a termination and a user, in turn, in one run.

The calls are those of `bench/signalling.py`, through one connector more. `load`'s `fill` makes the large database once
(`--keep DIR` keeps it for the next run); every server works on a copy.
"""

import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile

from signalling import TARGET, WARM_UP, Trunkline, offer


def fill(data_dir, connectors):
    if not (data_dir / "trunkline.db").exists():
        subprocess.run(
            [TARGET / "fill", "--data-dir", data_dir, "--connectors", str(connectors), "--credentials"], check=True
        )


def measure(filled, rate, seconds):
    home = pathlib.Path(tempfile.mkdtemp(prefix="trunkline-bench-"))
    try:
        shutil.copytree(filled, home / "data")
        server = Trunkline(home)
        try:
            offer(server, *WARM_UP)
            return offer(server, rate, rate * seconds)
        finally:
            server.stop()
    finally:
        shutil.rmtree(home)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connectors", type=int, nargs=2, default=[10, 1_000_000])
    parser.add_argument("--rate", type=int, default=500, help="calls per second")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=8, help="load per measurement")
    parser.add_argument("--keep", type=pathlib.Path, help="make the databases here, and leave them")
    options = parser.parse_args()
    place = options.keep or pathlib.Path(tempfile.mkdtemp(prefix="trunkline-bench-"))
    seen = {connectors: [] for connectors in options.connectors}
    try:
        for connectors in seen:
            fill(place / str(connectors), connectors)
        print(f"load average before: {os.getloadavg()[0]:.2f}\n")
        for _ in range(options.rounds):
            for connectors, reports in seen.items():
                reports.append(measure(place / str(connectors), options.rate, options.seconds))
    finally:
        if not options.keep:
            shutil.rmtree(place)
    print("| connectors, each with a user | CPU-s per 10,000 calls (min–max) | INVITE → 180 p50 / p99 ms | failed |")
    print("|---|---|---|---|")
    for connectors, reports in seen.items():
        cpu = [it["cpu"] for it in reports]
        middle = {name: statistics.median(it[name] for it in reports) for name in ["ring_ms_p50", "ring_ms_p99"]}
        print(
            f"| {connectors:,} | {statistics.median(cpu):.2f} ({min(cpu):.2f}–{max(cpu):.2f})"
            f" | {middle['ring_ms_p50']:.2f} / {middle['ring_ms_p99']:.2f} | {sum(it['failed'] for it in reports)} |"
        )
    few, many = (statistics.median(it["cpu"] for it in reports) for reports in seen.values())
    print(f"\nratio: {many / few:.2f}")


if __name__ == "__main__":
    main()
