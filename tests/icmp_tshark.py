"""Compares pings and address conflicts with tshark's over a folder of captures.

    python3 tests/icmp_tshark.py BINARY FOLDER_OR_FILE...

Of each capture: how many replies were matched with their requests (icmp.resptime, icmpv6.resptime), the least and the greatest of
the times in milliseconds (tshark prints three decimals), and whether an address was seen at two link-layer addresses
(arp.duplicate-address-detected against arp.conflict and arp.address-moved). Prints the captures that differ, and the totals.
"""
import json, os, subprocess, sys


def tshark(path, what, *fields):
    words = [w for f in fields for w in ("-e", f)]
    r = subprocess.run(["tshark", "-n", "-r", path, "-Y", what, "-T", "fields", *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, errors="replace", timeout=120)
    return [line.split("\t") for line in r.stdout.splitlines()]


def ours(binary, path):
    r = subprocess.run([binary, path, "--format", "ndjson", "--only", "icmp_echo,findings", "--ignore-secrets"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=120)
    records = [json.loads(line) for line in r.stdout.splitlines()]
    rtts = [record["rtt"] for record in records if record["type"] == "icmp_echo" and record["query"] == "echo" and record["rtt"]["samples"]]
    moved = any(record.get("code") in ("arp.conflict", "arp.address-moved") for record in records)
    return sum(r["samples"] for r in rtts), min((r["min_ns"] for r in rtts), default=0) / 1e6, max((r["max_ns"] for r in rtts), default=0) / 1e6, moved


def captures(folders):
    for folder in folders:
        if os.path.isfile(folder):
            yield folder
        for base, _, names in os.walk(folder):
            yield from (os.path.join(base, n) for n in sorted(names) if not n.endswith((".keylog", ".keys", ".json", ".tsv")))


files = differ = replies = matched = 0
for path in captures(sys.argv[2:]):
    rows = tshark(path, "icmp or icmpv6 or arp", "icmp.resptime", "icmpv6.resptime", "arp.duplicate-address-detected", "frame.number")
    if not rows:
        continue
    files += 1
    times = [float(t) for row in rows for cell in row[:2] for t in cell.split(",") if t]
    theirs = (len(times), min(times, default=0), max(times, default=0), any(row[2] for row in rows))
    mine = ours(sys.argv[1], path)
    replies += theirs[0]
    matched += mine[0]
    same = mine[0] == theirs[0] and all(abs(a - b) < 0.0011 for a, b in zip(mine[1:3], theirs[1:3])) and mine[3] == theirs[3]
    if not same:
        differ += 1
        print(os.path.join(*path.split("/")[-2:]), "tshark", theirs, "wireglass", mine, flush=True)
print(f"{files} captures, {differ} differ; replies matched by tshark {replies}, by wireglass {matched}")
