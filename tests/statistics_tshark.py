#!/usr/bin/env python3
"""Compares `wireglass statistics` with tshark's -z, capture by capture.

Usage: statistics_tshark.py WIREGLASS FOLDER_OR_CAPTURE...

Compared: the protocol hierarchy down to what src/wire names (packets and bytes), conversations and endpoints of all five layers
(packets and bytes each way, starts and durations; tshark rounds bytes above 10 kB down to kB), packets and bytes of each second,
and packet lengths. Prints every difference and, at the end, how many rows of each table agree. Exit status 1 when some do not.
"""
import collections
import json
import os
import re
import subprocess
import sys

LAYERS = {"Ethernet": "eth", "IPv4": "ip", "IPv6": "ipv6", "TCP": "tcp", "UDP": "udp"}
SECONDS = "io,stat,1"
TAPS = ["io,phs", "plen,tree"] + [f"{what},{layer}" for what in ("conv", "endpoints") for layer in LAYERS.values()]


def names():
    """Protocols that src/wire names."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "src", "wire", "path.rs")
    table = open(path, encoding="utf-8").read().split("layered! {")[1].split("\n}")[0]
    return set(re.findall(r'= "([^"]+)", \d', table))


NAMED = names()


def rounded(size):
    """As tshark 4.0 prints sizes in conversations."""
    for limit, unit in ((10_000_000_000, "GB"), (10_000_000, "MB"), (10_000, "kB")):
        if size >= limit:
            return f"{size // (limit // 10)} {unit}"
    return f"{size} bytes"


# tshark makes an interval of every second between the first packet and the last, and takes minutes where these are years apart.
MOST_SECONDS = 100_000


def of_tshark(capture, seconds):
    """Its tables; those of seconds only when asked."""
    options = [part for tap in TAPS + [SECONDS] * seconds for part in ("-z", tap)]
    base = ["tshark", "-n", "-2", "-o", "tcp.reassemble_out_of_order:TRUE", "-r", capture, "-q"]
    environment = dict(os.environ, WIRESHARK_CONFIG_DIR="/nonexistent", LC_ALL="C.UTF-8")
    out = subprocess.run(base + options, capture_output=True, env=environment, timeout=300).stdout.decode("utf-8", "replace")
    rows = collections.defaultdict(collections.Counter)
    path, kind, layer, in_hierarchy = [], None, None, False
    for line in out.splitlines():
        if line.startswith("Protocol Hierarchy"):
            in_hierarchy = True
        elif line.startswith("===="):
            in_hierarchy = False
        title = re.match(r"(\w+) (Conversations|Endpoints)$", line)
        if title:
            kind, layer = title[2], LAYERS.get(title[1])
        node = re.match(r"( *)(\S+) +frames:(\d+) bytes:(\d+)", line)
        if node:
            path = path[: len(node[1]) // 2] + [node[2]]
            # Bytes of no protocol that anybody knows are no node of ours above the transport.
            if all(name in NAMED for name in path) and not (path[-1] == "data" and path[-2] in ("tcp", "udp")):
                rows["hierarchy"][(":".join(path), int(node[3]), int(node[4]))] += 1
        pair = re.match(
            r"(\S+) +<-> (\S+) +(\d+) ([\d.]+ \w+) +(\d+) ([\d.]+ \w+) +(\d+) ([\d.]+ \w+) +(-?[\d.]+) +(-?[\d.]+)$", line)
        if pair and kind == "Conversations":
            one, other = (pair[1], int(pair[5]), pair[6]), (pair[2], int(pair[3]), pair[4])
            key = tuple(sorted([one, other])) + (f"{float(pair[9]):.3f}", f"{float(pair[10]):.3f}")
            rows["conversations " + layer][key] += 1
        end = re.match(r"(\S+) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+)(?: +(\d+))?\s*$", line)
        if end and kind == "Endpoints" and layer:
            values = [value for value in end.groups()[1:] if value is not None]
            address = end[1]
            if layer in ("tcp", "udp"):
                address, values = f"{address}:{values[0]}", values[1:]
            rows["endpoints " + layer][(address, *map(int, values))] += 1
        second = re.match(r"\| +(-?\d+)(?:\.\d+)? *<> +\S+ *\| +(\d+) +\| +(\d+) +\|", line)
        if second and int(second[2]) > 0:
            rows["seconds"][(int(second[1]), int(second[2]), int(second[3]))] += 1
        length = re.match(r" (\d+)(?:-(\d+)| and greater) +(\d+) +\S+ +(\S+) +(\S+) ", line)
        if length and int(length[3]) > 0:
            rows["lengths"][(int(length[1]), int(length[3]), length[4], length[5])] += 1
    return rows


def of_wireglass(binary, capture):
    run = subprocess.run([binary, "statistics", capture, "--interval", "1s", "--line", "frame.number < 0", "--format", "ndjson"],
                         capture_output=True, timeout=300)
    rows = collections.defaultdict(collections.Counter)
    for line in run.stdout.decode().splitlines():
        record = json.loads(line)
        kind = record["type"]
        if kind == "statistics_protocol" and all(name in NAMED for name in record["path"].split(":")):
            rows["hierarchy"][(record["path"], record["packets"], record["bytes"])] += 1
        elif kind == "statistics_conversation":
            def party(side, way):
                port = "" if side["port"] is None else f":{side['port']}"
                return (side["address"] + port, way["packets"], rounded(way["bytes"]))
            key = tuple(sorted([party(record["a"], record["a_to_b"]), party(record["b"], record["b_to_a"])]))
            key += (f"{record['start_ns'] / 1e9:.3f}", f"{round(record['duration_ns'] / 1e9, 4):.3f}")
            rows["conversations " + record["layer"]][key] += 1
        elif kind == "statistics_endpoint":
            port = "" if record["port"] is None else f":{record['port']}"
            sent, received = record["sent"], record["received"]
            rows["endpoints " + record["layer"]][(record["address"] + port, record["packets"], record["bytes"], sent["packets"],
                                                  sent["bytes"], received["packets"], received["bytes"])] += 1
        elif kind == "statistics_interval":
            rows["seconds"][(record["start_ns"] // 1_000_000_000, record["packets"], record["bytes"])] += 1
        elif kind == "statistics_length" and record["packets"] > 0:
            rows["lengths"][(record["from"], record["packets"], str(record["min"]), str(record["max"]))] += 1
    return rows


def captures(places):
    for place in places:
        if os.path.isfile(place):
            yield place
        for folder, _, files in sorted(os.walk(place)):
            yield from (os.path.join(folder, name) for name in sorted(files) if not name.endswith((".keylog", ".json", ".keys", ".tsv")))


def main():
    binary, places = sys.argv[1], sys.argv[2:]
    agree, total, wrong = collections.Counter(), collections.Counter(), 0
    seen = 0
    for capture in captures(places):
        try:
            ours = of_wireglass(binary, capture)
            starts = [start for start, _, _ in ours["seconds"]] or [0]
            is_short = max(starts) - min(starts) < MOST_SECONDS and min(starts) >= 0
            if not is_short:
                del ours["seconds"]
            theirs = of_tshark(capture, is_short)
        except subprocess.TimeoutExpired:
            print(f"{capture}: too slow, left out", flush=True)
            continue
        seen += 1
        for table in sorted(set(theirs) | set(ours)):
            missing, more = theirs[table] - ours[table], ours[table] - theirs[table]
            rows = max(sum(theirs[table].values()), sum(ours[table].values()))
            total[table] += rows
            agree[table] += sum((theirs[table] & ours[table]).values())
            if missing or more:
                wrong += 1
                print(flush=True, end="")
                print(f"{capture} {table}: {sum(missing.values())} of tshark's rows, {sum(more.values())} of ours differ")
                for sign, rest in (("-", missing), ("+", more)):
                    for row in list(rest)[:3]:
                        print(f"    {sign} {row}")
    print(f"{seen} captures")
    for table in sorted(total):
        print(f"{table:20} {agree[table]:7} of {total[table]:7} rows agree ({100 * agree[table] / max(total[table], 1):.2f} %)")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
