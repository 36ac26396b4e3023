#!/usr/bin/env python3
"""Compares the protocol hierarchy of wireglass (`protocols` of `--only capture`) with tshark's `-z io,phs`, over the corpus.

usage: protocol_paths.py WIREGLASS CORPUS [PART_OF_A_NAME] [--show N]

Theirs are the `phs` rows of CORPUS/truth/*/*/summary.tsv. A row is (capture, path, packets). Both sides are brought into one form:
- A tree node's own packets are its count less its children's; each such chain of names is rewritten, then counted for itself and all
  its beginnings.
- `frame` and what is no protocol go: `tcp.segments` and other lists of segments or fragments, `_ws.*` notes, `pkt_comment`, `text`,
  `*.response.frames` and such.
- A name of an application that follows itself counts once (`tls:tls` is two records in one frame).
- A chain ends before the first name that wireglass cannot give (names of src/wire/path.rs and of the protocols in src/app), and after
  as many names as a path keeps.
- `grpc` is `http2`. `ethertype`, `user_dlt` (tshark) and `juniper` (wireglass, where tshark has `text`) are left out.
- What is spoken through a proxy or after an upgrade stands in place of what led there, as in wireglass: `socks:http` is `http`,
  `http:smtp` is `smtp`, `http:http2` is `http2`, `sctp:http` is `sctp`, `openvpn:tls` is `openvpn`.
- `data` above a transport goes: wireglass leaves packets that nobody names at the transport. Below, tshark's packets with a name that
  wireglass has not got count as `data`, too, where wireglass has `data`.

What differs in a path of an application is compared once more with tshark's packets counted by wireglass's rule: every packet with
payload of a flow counts as what the flow carries there (the name tshark gives this packet, else one before it in the flow, else one
behind it). tests/corpus_mismatches/protocol_paths.md explains what is left.
"""
import collections, concurrent.futures, glob, json, os, re, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
OPTIONS = [word for pair in ("tcp.reassemble_out_of_order:TRUE", "tcp.desegment_tcp_streams:TRUE", "ip.defragment:TRUE", "tls.desegment_ssl_records:TRUE", "tls.desegment_ssl_application_data:TRUE") for word in ("-o", pair)]
RENAMED = {"grpc": "http2"}
TRANSPORTS = ("tcp", "udp")
REPLACED = {("socks", "http"), ("socks", "smtp"), ("socks", "tls"), ("http", "smtp"), ("http", "tls"), ("http", "http2"), ("http", "websocket")}
HIDDEN = {("sctp", "http"), ("openvpn", "tls")}


def names():
    """(names the walk gives, names of applications, names a path keeps)"""
    with open(os.path.join(ROOT, "src/wire/path.rs")) as file:
        text = file.read()
    walked = set(re.findall(r'^    \w+ = "([^"]+)", \d, "', text, re.M))
    capacity = int(re.search(r"CAPACITY: usize = (\d+)", text)[1])
    applications = set()
    for path in glob.glob(os.path.join(ROOT, "src/app/**/*.rs"), recursive=True):
        with open(path) as file:
            text = file.read()
        for found in re.findall(r'Protocol \{\s*name: "([^"]+)"|\.application\("([^"]+)"\)', text):
            applications.update(part for name in found for part in name.split(":") if part)
    # Given by an expression: see src/app/isakmp/session.rs and src/app/dns.
    applications |= {"mdns", "llmnr", "esp", "isakmp", "starttls", "pgsql", "mysql", "xmpp"}
    return walked, applications, capacity


WALKED, APPLICATIONS, CAPACITY = names()
KNOWN = WALKED | APPLICATIONS


def is_note(name):
    return name in ("frame", "ethertype", "pkt_comment", "text", "user_dlt", "juniper") or name.startswith(("_ws.", "...")) or bool(re.search(r"\.(segments|fragments|command.*|current-working-directory|setup-.*|wait\..*)$", name))


def chain(path):
    """The names that are compared."""
    return cut(path)[0]


def cut(path):
    """The same, and whether a name that wireglass has not got ended it."""
    kept = []
    for name in path:
        name = RENAMED.get(name, name)
        if is_note(name):
            continue
        if name not in KNOWN or len(kept) >= CAPACITY:
            return tuple(kept), name not in KNOWN
        if name == "data" and any(one in TRANSPORTS or one in APPLICATIONS or one in ("icmp", "sctp") for one in kept):
            break
        if kept and kept[-1] == name and name not in WALKED:
            continue
        if kept and (kept[-1], name) in HIDDEN:
            break
        if kept and (kept[-1], name) in REPLACED:
            kept.pop()
        kept.append(name)
    return tuple(kept), False


def tree(rows):
    """Counts of chains and their beginnings, from counts of nodes that include deeper ones."""
    own = collections.Counter()
    for path, count in rows:
        own[path] += count
        parent = path[:-1]
        if parent:
            own[parent] -= count
    beyond = collections.Counter()
    for path, count in own.items():
        kept, unknown = cut(path)
        beyond[kept] += count if unknown else 0
    return spread((chain(path), count) for path, count in own.items()), beyond


def spread(chains):
    counted = collections.Counter()
    for path, count in chains:
        for length in range(1, len(path) + 1):
            counted[path[:length]] += count
    return +counted


def truth(folder):
    rows = {}
    with open(os.path.join(folder, "summary.tsv")) as file:
        for line in file:
            key, *values = line.rstrip("\n").split("\t")
            if key == "phs" and "..." not in values[0]:
                rows[tuple(values[0].split(":"))] = int(values[1])
    return tree(list(rows.items()))


def wireglass(binary, path):
    done = subprocess.run([binary, path, "--ignore-secrets", "--format", "ndjson", "--only", "capture"], capture_output=True)
    for line in done.stdout.decode().splitlines():
        rows = [(tuple(one["path"].split(":")), one["packets"]) for one in json.loads(line)["protocols"]]
        # The names of a path that reached its capacity and an application may repeat: ours are nodes already.
        return tree(rows)[0]
    return collections.Counter()


def by_flow(path, home):
    """tshark's packets, counted as wireglass counts: see above."""
    fields = [word for field in ("frame.protocols", "tcp.stream", "tcp.len", "udp.stream", "udp.length") for word in ("-e", field)]
    done = subprocess.run(["tshark", "-n", "-2", *OPTIONS, "-r", path, "-T", "fields", "-E", "occurrence=l", *fields], capture_output=True, env={**os.environ, "WIRESHARK_CONFIG_DIR": home})
    packets, flows = [], collections.defaultdict(list)
    for line in done.stdout.decode("utf-8", "replace").splitlines():
        protocols, tcp, tcp_length, udp, udp_length = (line.split("\t") + [""] * 5)[:5]
        found = chain(protocols.split(":"))
        places = [place for place, name in enumerate(found) if name in TRANSPORTS]
        if places and not {"icmp", "icmpv6"} & set(found):
            base, above = found[: places[-1] + 1], found[places[-1] + 1 :]
            carried = int(tcp_length or 0) if base[-1] == "tcp" else int(udp_length or 8) - 8
            stream = (base[-1], tcp if base[-1] == "tcp" else udp)
            if above == ("data",):
                above = ()
            flows[stream].append((len(packets), above, carried))
        packets.append(found)
    for flow in flows.values():
        latest = next((above for _, above, _ in flow if above), ())
        for place, above, carried in flow:
            latest = above or latest
            base = packets[place]
            base = base[: len(base) - 1 - next(at for at, name in enumerate(reversed(base)) if name in TRANSPORTS) + 1]
            packets[place] = base + (latest if carried > 0 else ())
    return spread((one, 1) for one in packets)


def main():
    words = sys.argv[1:]
    shown = int(words.pop(words.index("--show") + 1)) if "--show" in words else 8
    binary, corpus, part = words[0], words[1], next((word for word in words[2:] if not word.startswith("--")), "")
    folders = sorted(folder for folder in glob.glob(os.path.join(corpus, "truth/*/*")) if part in folder)

    def compare(folder):
        rel = os.path.relpath(folder, os.path.join(corpus, "truth"))
        path = os.path.join(corpus, "pcaps", rel)
        (theirs, beyond), ours = truth(folder), wireglass(binary, path)
        for row in ours:
            if row[-1] == "data" and theirs[row] != ours[row]:
                theirs[row] += beyond[row[:-1]]
        differing = [row for row in sorted(set(theirs) | set(ours)) if theirs[row] != ours[row]]
        counted = by_flow(path, home) if any(APPLICATIONS & set(row) for row in differing) else {}
        return rel, theirs, ours, differing, counted

    total = collections.Counter()
    classes = collections.defaultdict(list)
    with tempfile.TemporaryDirectory() as home, concurrent.futures.ThreadPoolExecutor(3) as pool:
        for rel, theirs, ours, differing, counted in pool.map(compare, folders):
            for row in set(theirs) | set(ours):
                kind = "application" if any(name in APPLICATIONS and name not in WALKED for name in row) else "data" if row[-1] == "data" else "link to transport"
                total[kind] += 1
                if row not in differing:
                    total[kind, "equal"] += 1
                elif kind == "application" and counted.get(row, 0) == ours[row]:
                    total[kind, "by flow"] += 1
                else:
                    side = "ours only" if row not in theirs else "theirs only" if row not in ours else "other count"
                    last = ":".join(row[-2:])
                    classes[kind, last, side].append((rel, ":".join(row), theirs[row], ours[row], counted.get(row)))
    for kind in ("link to transport", "application", "data"):
        equal, flow = total[kind, "equal"], total[kind, "by flow"]
        print(f"{kind:18} rows {total[kind]:5}  equal {equal:5} ({100 * equal / max(total[kind], 1):.2f} %)  equal by the flow rule {flow:5}  together {100 * (equal + flow) / max(total[kind], 1):.2f} %")
    for (kind, last, side), rows in sorted(classes.items(), key=lambda one: (one[0][0], -len(one[1]))):
        print(f"\n{kind}: {last} {side}: {len(rows)}")
        for rel, row, theirs, ours, counted in rows[:shown]:
            print(f"    {rel}: {row} tshark {theirs}, ours {ours}" + (f", tshark by flow {counted}" if counted is not None else ""))


main()
