#!/usr/bin/env python3
"""Compares our `application` records of protocols right above IP with what tshark says of the same packets.

    python3 applications_ip.py WIREGLASS CAPTURES...     folders or files; prints what differs, and numbers

Both are brought into rows: (capture, protocol, source, destination, what, value).
  sctp   chunks of data by direction (tshark's counted once per TSN), and verification tags
  igmp   groups that are named; mld likewise
  vrrp   identifier and priorities
  ospf   packets by type
  eigrp  packets by type
  esp    of each SPI: packets, first number, highest number
"""
import collections, json, os, re, subprocess, sys

FIELDS = (
    "frame.number frame.protocols ip.src ipv6.src ip.dst ipv6.dst sctp.srcport sctp.dstport sctp.chunk_type sctp.data_tsn_raw "
    "sctp.init_initiate_tag sctp.initack_initiate_tag igmp.type igmp.maddr igmp.record_type igmp.num_src icmpv6.type icmpv6.mld.multicast_address "
    "icmpv6.mldr.mar.multicast_address vrrp.virt_rtr_id vrrp.prio ospf.msg eigrp.opcode eigrp.ack esp.spi esp.sequence"
).split()
OSPF = {"1": "Hello", "2": "Database Description", "3": "Link State Request", "4": "Link State Update", "5": "Link State Acknowledgment"}


def captures(paths):
    for path in paths:
        if os.path.isfile(path):
            yield path
        for folder, _, names in os.walk(path):
            yield from (os.path.join(folder, name) for name in sorted(names) if not name.endswith((".keylog", ".md", ".ndjson", ".txt", ".json")))


def tshark(path):
    command = ["tshark", "-n", "-r", path, "-Y", "sctp or igmp or icmpv6.type in {130..132,143} or vrrp or ospf or eigrp or esp", "-T", "fields", "-E", "occurrence=a", "-E", "aggregator=|"]
    for field in FIELDS:
        command += ["-e", field]
    out = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, errors="replace").stdout
    rows, esp, seen = collections.Counter(), {}, set()
    last = lambda text: text.split("|")[-1]
    for line in out.splitlines():
        f = dict(zip(FIELDS, line.split("\t")))
        layers = f["frame.protocols"].split(":")
        # What an ICMP error quotes did not pass.
        if "icmp" in layers or ("icmpv6" in layers and f["icmpv6.type"].split("|")[0] not in ("130", "131", "132", "143")):
            continue
        # The innermost addresses: those of the IP header that came last.
        is_v6 = max((i for i, n in enumerate(layers) if n == "ipv6"), default=-1) > max((i for i, n in enumerate(layers) if n == "ip"), default=-1)
        ends = (last(f["ipv6.src"]), last(f["ipv6.dst"])) if is_v6 else (last(f["ip.src"]), last(f["ip.dst"]))
        if "sctp" in layers:
            ports = (f["sctp.srcport"], f["sctp.dstport"])
            for tsn in filter(None, f["sctp.data_tsn_raw"].split("|")):
                if (ends, ports, tsn) not in seen:
                    seen.add((ends, ports, tsn))
                    rows["sctp", *ends, "data_chunks", ""] += 1
            for tag in filter(None, (f["sctp.init_initiate_tag"] + "|" + f["sctp.initack_initiate_tag"]).split("|")):
                rows["sctp", *ends, "verification_tag", f"{int(tag, 0):#010x}"] = 1
        for group in filter(None, f["igmp.maddr"].split("|")):
            if f["igmp.type"] and group != "0.0.0.0":
                rows["igmp", *ends, "group", group] = 1
        for group in filter(None, (f["icmpv6.mld.multicast_address"] + "|" + f["icmpv6.mldr.mar.multicast_address"]).split("|")):
            if group != "::":
                rows["mld", *ends, "group", group] = 1
        for number, priority in zip(f["vrrp.virt_rtr_id"].split("|"), f["vrrp.prio"].split("|")):
            if number and priority != "0":
                rows["vrrp", *ends, number, priority] = 1
        for kind in filter(None, f["ospf.msg"].split("|")):
            rows["ospf", *ends, OSPF.get(kind, kind), ""] += 1
        if f["eigrp.opcode"]:
            rows["eigrp", *ends, "packets", ""] += 1
        for spi, number in zip(f["esp.spi"].split("|"), f["esp.sequence"].split("|")):
            if spi:
                esp.setdefault((*ends, f"{int(spi, 0):#010x}"), []).append(int(number))
    for (source, destination, spi), numbers in esp.items():
        rows["esp", source, destination, spi, f"{len(numbers)} {numbers[0]} {max(numbers)}"] = 1
    return rows


def ours(program, path):
    out = subprocess.run([program, path, "--format", "ndjson", "--only", "applications", "--ignore-secrets"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    rows, esp = collections.Counter(), {}
    for line in out.splitlines():
        record = json.loads(line)
        if record["type"] != "application":
            continue
        protocol, router = record["protocol"], None
        for fact in record["facts"]:
            name, value = fact["name"], fact["value"]
            ends = (record["client"]["address"], record["server"]["address"])
            ends = ends if fact["side"] == "client" else ends[::-1]
            if protocol == "sctp" and name == "data_chunks":
                rows["sctp", *ends, name, ""] += int(value)
            elif protocol == "sctp" and name == "verification_tag":
                rows["sctp", *ends, name, value] = 1
            elif protocol in ("igmp", "mld") and name in ("queried", "joined", "reported", "blocked_sources", "left"):
                for group in value.split(", "):
                    rows[protocol, *ends, "group", group.split(" ")[0]] = 1
            elif protocol == "vrrp" and name == "virtual_router_id":
                router = value
            elif protocol == "vrrp" and name == "priority":
                rows["vrrp", *ends, router, value] = 1
            elif protocol == "ospf" and name == "packets":
                for kind in value.split(", "):
                    kind, count = kind.rsplit(" ", 1)
                    rows["ospf", *ends, kind, ""] += int(count)
            elif protocol == "eigrp" and name == "packets":
                rows["eigrp", *ends, "packets", ""] += sum(int(kind.rsplit(" ", 1)[1]) for kind in value.split(", "))
            elif protocol == "esp" and name == "spi":
                spi, count, first, highest = re.match(r"(\w+): (\d+) packets, \d+ bytes, numbers (\d+) to (\d+)", value).groups()
                known = esp.setdefault((*ends, spi), [0, int(first), 0])
                known[0] += int(count)
                known[2] = max(known[2], int(highest))
    for (source, destination, spi), (count, first, highest) in esp.items():
        rows["esp", source, destination, spi, f"{count} {first} {highest}"] = 1
    return rows


if __name__ == "__main__":
    same, differ = collections.Counter(), collections.Counter()
    for path in captures(sys.argv[2:]):
        theirs = tshark(path)
        if not theirs:
            continue
        own = ours(sys.argv[1], path)
        for key in sorted(set(theirs) | {key for key in own if key[0] != "carp"}, key=str):
            if theirs.get(key) == own.get(key):
                same[key[0]] += 1
            else:
                differ[key[0]] += 1
                print(os.path.basename(path), *key, "tshark", theirs.get(key), "wireglass", own.get(key))
    for protocol in sorted(set(same) | set(differ)):
        print(f"{protocol}: {same[protocol]} rows the same, {differ[protocol]} differ")
