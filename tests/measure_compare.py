#!/usr/bin/env python3
"""Compares TCP measurements with those of tshark and tcptrace, per connection and direction, over a folder of captures.
What tshark says of copies (same IP identification, sequence number and flags within a second) is left out; with --copies
it is not.

usage: measure_compare.py BINARY CORPUS [--cache DIR] [--show N] [--only SUBSTRING] [--copies]

CORPUS holds pcaps/ and, for tcptrace, truth/ (see FORMAT.md there). Needs tshark. tshark's answers are kept in DIR.
tests/corpus_mismatches/tcp_measures.md says why numbers differ.
"""
import argparse, collections, concurrent.futures, json, os, subprocess

FIELDS = ("retransmission fast_retransmission spurious_retransmission out_of_order duplicate_ack zero_window window_full "
          "keep_alive zero_window_probe").split()
# our field, how tshark counts the same
COUNTS = {
    "retransmissions": ("retransmission", "fast_retransmission", "spurious_retransmission"),
    "retransmissions + out_of_order": ("retransmission", "fast_retransmission", "spurious_retransmission", "out_of_order"),
    "fast_retransmissions": ("fast_retransmission",),
    "spurious_retransmissions": ("spurious_retransmission",),
    "out_of_order": ("out_of_order",),
    "duplicate_acks": ("duplicate_ack",),
    "zero_windows": ("zero_window",),
    "window_full": ("window_full",),
    "keep_alives + zero_window_probes": ("keep_alive", "zero_window_probe"),
}


def tshark(path, cache, copies):
    """{(source, port, destination, port): [per stream, in order: {field: set of frames}]}"""
    kept = os.path.join(cache, path.strip("/").replace("/", "_")) if cache else None
    if kept and os.path.exists(kept):
        text = open(kept).read()
    else:
        columns = ("frame.number tcp.stream ip.src ipv6.src tcp.srcport ip.dst ipv6.dst tcp.dstport "
                   "ip.id tcp.seq_raw tcp.flags frame.time_epoch").split()
        command = ["tshark", "-n", "-2", "-o", "tcp.reassemble_out_of_order:TRUE", "-r", path, "-Y",
                   "tcp && !icmp && !icmpv6", "-T", "fields", "-E", "separator=/t", "-E", "occurrence=l"]
        for column in columns + ["tcp.analysis." + field for field in FIELDS]:
            command += ["-e", column]
        environment = dict(os.environ, WIRESHARK_CONFIG_DIR="/nonexistent")
        text = subprocess.run(command, capture_output=True, text=True, env=environment).stdout
        if kept:
            open(kept, "w").write(text)
    ways = collections.OrderedDict()
    seen = {}
    for line in text.splitlines():
        frame, stream, source4, source6, source_port, to4, to6, to_port, identity, sequence, flags, time, *marks = (
            line.split("\t"))
        key = (source4 or source6, source_port, to4 or to6, to_port)
        counts = ways.setdefault((stream, key), {field: set() for field in FIELDS})
        # The sender sent it once: the capture or the network made copies.
        packet = (stream, key, identity, sequence, flags)
        if not copies and identity and int(identity, 16) and float(time) - seen.get(packet, -9.0) < 1:
            seen[packet] = float(time)
            continue
        seen[packet] = float(time)
        for field, mark in zip(FIELDS, marks):
            if mark:
                counts[field].add(int(frame))
    answer = collections.defaultdict(list)
    streams = collections.defaultdict(list)
    for (stream, key), counts in ways.items():
        streams[stream].append((key, counts))
    nothing = {field: set() for field in FIELDS}
    for stream in sorted(streams, key=int):
        found = dict(streams[stream])
        for key in list(found):
            answer[key].append(found[key])
            reverse = key[2:] + key[:2]
            if reverse not in found:
                answer[reverse].append(nothing)
    return answer


def ours(binary, path):
    command = [binary, path, "--only", "connections", "--format", "ndjson"]
    text = subprocess.run(command, capture_output=True, text=True).stdout
    answer = collections.defaultdict(list)
    records = [json.loads(line) for line in text.splitlines()]
    connections = [record for record in records if record["type"] == "connection"]
    order = lambda record: tuple(int(part) for part in str(record["flow"]).split("."))
    for record in sorted(connections, key=order):
        for one, other in (("client", "server"), ("server", "client")):
            one, other = record[one], record[other]
            key = (one["address"], str(one["port"]), other["address"], str(other["port"]))
            answer[key].append((str(record["flow"]), one))
    return answer


def tcptrace(truth):
    answer = collections.defaultdict(list)
    if not os.path.exists(truth):
        return answer
    lines = open(truth).read().splitlines()
    columns = lines[0].split("\t")
    for line in lines[1:]:
        row = dict(zip(columns, line.split("\t")))
        key = (row["src"], row["sport"], row["dst"], row["dport"])
        counts = lambda way: (int(row["rexmt_pk_" + way]), int(row["ooo_" + way]))
        answer[key].append(counts("c2s"))
        answer[key[2:] + key[:2]].append(counts("s2c"))
    return answer


def number(side, name):
    return sum(side[part] for part in name.split(" + "))


def one(task):
    binary, corpus, relative, cache, copies = task
    path = os.path.join(corpus, "pcaps", relative)
    we, they = ours(binary, path), tshark(path, cache, copies)
    traced = tcptrace(os.path.join(corpus, "truth", relative, "tcptrace.tsv"))
    rows, lonely = [], 0
    for key, sides in we.items():
        if len(they.get(key, [])) != len(sides):
            lonely += len(sides)
            continue
        for (flow, side), counts in zip(sides, they[key]):
            for name, fields in COUNTS.items():
                frames = set().union(*(counts[field] for field in fields))
                rows.append(("tshark", name, number(side, name), len(frames), relative, flow, key, sorted(frames)[:8]))
        if len(traced.get(key, [])) == len(sides):
            for (flow, side), (again, late) in zip(sides, traced[key]):
                rows.append(("tcptrace", "retransmissions", side["retransmissions"], again, relative, flow, key, []))
                rows.append(("tcptrace", "out_of_order", side["out_of_order"], late, relative, flow, key, []))
    return rows, lonely


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("binary")
    parser.add_argument("corpus")
    parser.add_argument("--cache")
    parser.add_argument("--show", type=int, default=5)
    parser.add_argument("--only", default="")
    parser.add_argument("--copies", action="store_true")
    options = parser.parse_args()
    if options.cache:
        os.makedirs(options.cache, exist_ok=True)
    root = os.path.join(options.corpus, "pcaps")
    files = sorted(os.path.relpath(os.path.join(folder, name), root)
                   for folder, _, names in os.walk(root) for name in names if not name.endswith(".keylog"))
    tasks = [(options.binary, options.corpus, name, options.cache, options.copies) for name in files if options.only in name]
    rows, lonely = [], 0
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        for some, alone in pool.map(one, tasks, chunksize=4):
            rows += some
            lonely += alone
    print(f"{lonely} directions are not paired with tshark's: splits, expiry, link types (see tcp_conv.md)")
    groups = collections.defaultdict(list)
    for row in rows:
        groups[row[:2]].append(row)
    print("| with | count | directions | with any | equal of all | equal of those with any | sum here | sum there |")
    print("|---|---|---|---|---|---|---|---|")
    for (tool, name), group in groups.items():
        some = [row for row in group if row[2] or row[3]]
        equal = sum(row[2] == row[3] for row in group)
        share = sum(row[2] == row[3] for row in some) / max(1, len(some))
        print(f"| {tool} | {name} | {len(group)} | {len(some)} | {100 * equal / len(group):.2f} % | {100 * share:.1f} % "
              f"| {sum(row[2] for row in group)} | {sum(row[3] for row in group)} |")
    for (tool, name), group in groups.items():
        different = sorted((row for row in group if row[2] != row[3]), key=lambda row: -abs(row[2] - row[3]))
        for row in different[:options.show]:
            print(f"{tool} {name}: {row[2]} here, {row[3]} there: {row[4]} flow {row[5]} {row[6]} frames {row[7]}")


if __name__ == "__main__":
    main()
