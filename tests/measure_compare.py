#!/usr/bin/env python3
"""Compares TCP measurements with those of tshark and tcptrace, per connection and direction, over a folder of captures.
What tshark says of copies (same IP identification, sequence number and flags within a second) is left out; with --copies
it is not.

usage: measure_compare.py BINARY CORPUS [--cache DIR] [--show N] [--only SUBSTRING] [--copies] [--why CLASS]

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
                   "ip.id tcp.seq_raw tcp.flags frame.time_epoch tcp.len tcp.ack_raw tcp.window_size_value").split()
        command = ["tshark", "-n", "-2", "-o", "tcp.reassemble_out_of_order:TRUE", "-r", path, "-Y",
                   "tcp && !icmp && !icmpv6", "-T", "fields", "-E", "separator=/t", "-E", "occurrence=l"]
        for column in columns + ["tcp.analysis." + field for field in FIELDS]:
            command += ["-e", column]
        environment = dict(os.environ, WIRESHARK_CONFIG_DIR="/nonexistent")
        text = subprocess.run(command, capture_output=True, text=True, env=environment).stdout
        if kept:
            open(kept, "w").write(text)
    ways = collections.OrderedDict()
    seen, numbered, behind, told = {}, {}, {}, {}
    for line in text.splitlines():
        frame, stream, source4, source6, source_port, to4, to6, to_port, *rest = line.split("\t")
        identity, sequence, flags, time, length, ack, window, *marks = rest
        key = (source4 or source6, source_port, to4 or to6, to_port)
        way, back = (stream, key), (stream, key[2:] + key[:2])
        counts = ways.setdefault(way, dict({field: set() for field in FIELDS}, copies=0, idle=0, closed=0, rewritten=False))
        time, flags = float(time), int(flags or "0", 16)
        identity = int(identity, 16) if identity else 0
        # The sender sent it once: the capture or the network made copies.
        packet = (way, identity, sequence, flags, length)
        is_copy = identity != 0 and time - seen.get(packet, -9.0) < 1
        before, number = numbered.get((way, identity), (-9.0, sequence))
        # One packet with two sequence numbers: a device between the taps rewrites them.
        apart = abs(int(number or 0) - int(sequence or 0))
        counts["rewritten"] |= identity != 0 and time - before < 0.01 and 1 << 20 < apart < 0xfff00000
        seen[packet], numbered[way, identity] = time, (time, sequence)
        if is_copy:
            counts["copies"] += int(length or 0) > 0 or flags & 3 != 0
            if not copies:
                continue
        for field, mark in zip(FIELDS, marks):
            if mark:
                counts[field].add(int(frame))
        if not sequence:
            continue
        end = (int(sequence) + int(length or 0) + (flags >> 1 & 1) + (flags & 1)) % (1 << 32)
        if way not in behind or (end - behind[way]) % (1 << 32) < 1 << 31:
            behind[way] = end
        if flags & 16 and ack:
            outstanding = (behind.get(back, int(ack)) - int(ack)) % (1 << 32)
            something = 0 < outstanding < 1 << 31
            counts["idle"] += bool(marks[FIELDS.index("duplicate_ack")]) and not something
            bare = not int(length or 0) and not flags & 7
            counts["closed"] += bare and something and window == "0" and told.get(way) == (ack, window)
            told[way] = (ack, window)
    answer = collections.defaultdict(list)
    streams = collections.defaultdict(list)
    for (stream, key), counts in ways.items():
        streams[stream].append((key, counts))
    nothing = dict({field: set() for field in FIELDS}, copies=0, idle=0, closed=0, rewritten=False)
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


def reason(name, found, counts, side):
    """The class of a difference from tshark; tests/corpus_mismatches/tcp_measures.md describes them."""
    here, there = found[name]
    both, tshark_both = found["retransmissions + out_of_order"]
    keeping, tshark_keeping = found["keep_alives + zero_window_probes"]
    if counts["rewritten"]:
        return "rewritten numbers"
    if name == "duplicate_acks":
        if here == there - counts["idle"]:
            return "nothing outstanding"
        if here == there - counts["idle"] + counts["closed"]:
            return "closed window repeated"
    if name in ("retransmissions", "out_of_order") and both == tshark_both:
        return "same segments, other name"
    if both - tshark_both == tshark_keeping - keeping and both != tshark_both and not name.startswith(("fast", "spur")):
        return "a byte, not a keep-alive"
    if name == "fast_retransmissions":
        return "selective acknowledgements or recovery" if here > there else "not fast"
    if name == "spurious_retransmissions" and here > there:
        return "reported by the receiver" if here <= side["retransmissions"] else "other"
    return "other"


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
            found = {name: (number(side, name), len(set().union(*(counts[field] for field in fields))))
                     for name, fields in COUNTS.items()}
            for name, fields in COUNTS.items():
                frames = set().union(*(counts[field] for field in fields))
                rows.append(("tshark", name, *found[name], relative, flow, key, sorted(frames)[:8],
                             reason(name, found, counts, side)))
        if len(traced.get(key, [])) == len(sides):
            for (flow, side), (again, late), counts in zip(sides, traced[key], they[key]):
                why = "copies" if counts["copies"] else "rewritten numbers" if counts["rewritten"] else "other"
                for name, there in (("retransmissions", again), ("out_of_order", late)):
                    same_sum = side["retransmissions"] + side["out_of_order"] == again + late
                    because = "same segments, other name" if same_sum else why
                    rows.append(("tcptrace", name, side[name], there, relative, flow, key, [], because))
    return rows, lonely


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("binary")
    parser.add_argument("corpus")
    parser.add_argument("--cache")
    parser.add_argument("--show", type=int, default=5)
    parser.add_argument("--only", default="")
    parser.add_argument("--copies", action="store_true")
    parser.add_argument("--why", default="", help="show differences of this class")
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
    print("\n| with | count | why | directions |\n|---|---|---|---|")
    for (tool, name), group in groups.items():
        classes = collections.Counter(row[8] for row in group if row[2] != row[3])
        for why, count in classes.most_common():
            print(f"| {tool} | {name} | {why} | {count} |")
    print()
    for (tool, name), group in groups.items():
        different = sorted((row for row in group if row[2] != row[3] and options.why in row[8]), key=lambda row: -abs(row[2] - row[3]))
        for row in different[:options.show]:
            print(f"{tool} {name}: {row[2]} here, {row[3]} there: {row[4]} flow {row[5]} {row[6]} frames {row[7]}: {row[8]}")


if __name__ == "__main__":
    main()
