"""Memory of the server's process per held call, media anchored on both legs: held calls over idle.

For each count a server of its own is warmed up with calls that end (its flight recorder, 64 MiB, is touched once), then
the calls are placed and held. What the process holds more than before, its proportional set size (`smaps_rollup`), is
divided by the calls. The kernel's memory for sockets, four to a call, is none of the process's; how many there are more
is shown beside it.
"""

import argparse
import json
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

from signalling import CALLED_NUMBER, CARRIER, LOAD_CORE, OWNED, TARGET, Trunkline, offer

# Calls per second and calls before anything is measured: what is written of each call fills the flight recorder's 64 MiB
# by 11 KB, and half as much again makes sure of it.
WARM_UP = (1_500, 9_000)
# Calls per second while they are placed.
RATE = 1_000
# Seconds after the last call was placed; no call may have ended then, and silence ends one after 30.
SETTLE = 4
# Seconds until the transactions of the warm-up's calls are gone (64·T1, RFC 3261 §17), which are none of the idle memory.
LAPSE = 36
# Connections that the service keeps files for; the rest of them is the calls'.
CONNECTIONS = "64"
FILES_BESIDE_MEDIA = 1_000
PORTS = ("32768", "65535")


class Anchoring(Trunkline):
    def __init__(self, home):
        os.environ["TRUNKLINE_MEDIA__PORT_MIN"], os.environ["TRUNKLINE_MEDIA__PORT_MAX"] = PORTS
        os.environ["TRUNKLINE_SIP__CONNECTIONS_MAX"] = os.environ["TRUNKLINE_API__CONNECTIONS_MAX"] = CONNECTIONS
        super().__init__(home)

    def held(self):
        text = urllib.request.urlopen(f"http://{self.ready['admin']}/metrics").read().decode()
        lines = [line for line in text.splitlines() if line.startswith("trunkline_calls_active")]
        return int(sum(float(line.split()[-1]) for line in lines))


def held_bytes(pids):
    """Memory of the processes, each shared page counted once."""
    total = 0
    for pid in pids:
        for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total


def sockets_open():
    """UDP sockets of this machine."""
    udp = [line for line in pathlib.Path("/proc/net/sockstat").read_text().splitlines() if line.startswith("UDP:")]
    fields = udp[0].split()
    return int(fields[fields.index("inuse") + 1])


def measure(calls):
    home = pathlib.Path(tempfile.mkdtemp(prefix="trunkline-bench-"))
    server = Anchoring(home)
    try:
        offer(server, *WARM_UP)
        time.sleep(LAPSE)
        idle, sockets = held_bytes(server.pids()), sockets_open()
        placing = calls / RATE
        load = subprocess.Popen(
            ["taskset", "-c", LOAD_CORE, TARGET / "load", "--server", server.address, "--domain", server.domain]
            + ["--called", CARRIER, "--from", OWNED, "--to", CALLED_NUMBER, "--rate", str(RATE), "--calls", str(calls)]
            + ["--hold-ms", str(int((placing + 2 * SETTLE) * 1000)), "--patience-s", str(int(placing) + 4 * SETTLE)],
            stdout=subprocess.PIPE,
            text=True,
        )
        time.sleep(placing + SETTLE)
        busy, open_sockets, held = held_bytes(server.pids()), sockets_open(), server.held()
        report = json.loads(load.communicate(timeout=120)[0])
        if report["failed"]:
            sys.exit(f"{report['failed']} of {calls} calls failed: {report}")
        if held != calls:
            sys.exit(f"{held} calls were held when {calls} should have been")
        return (busy - idle) / calls, idle, open_sockets - sockets
    finally:
        server.stop()
        shutil.rmtree(home)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, nargs="+", default=[1_000, 1_900, 4_500, 10_000])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(f"Bytes of the process per held call over idle (PSS); medians of {options.rounds}\n")
    print("| held calls | bytes per call (min–max) | idle, MiB | sockets more |")
    print("|---|---|---|---|")
    # Four sockets to a call.
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    for calls in options.calls:
        if 4 * calls + FILES_BESIDE_MEDIA > files:
            print(f"| {calls:,} | left out: {files:,} files may be open here (ulimit -Hn) | – | – |", flush=True)
            continue
        seen = [measure(calls) for _ in range(options.rounds)]
        each = [it[0] for it in seen]
        idle, sockets = statistics.median(it[1] for it in seen), statistics.median(it[2] for it in seen)
        print(
            f"| {calls:,} | {statistics.median(each):,.0f} ({min(each):,.0f}–{max(each):,.0f})"
            f" | {idle / 2**20:.0f} | {sockets:,.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
