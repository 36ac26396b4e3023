#!/usr/bin/env python3
"""Compares what wireglass says of services over UDP, packet by packet, with tshark, over a folder of captures read in place.

usage: udp_services_corpus.py WIREGLASS CORPUS/pcaps [SHOWN [LIST]]     LIST: a file that names captures, to read no others

Of every packet that either tool shows as one of the protocols below, the listed fields must have the same values; of a
field that occurs several times the lists are compared. Packets quoted by ICMP errors are left out. Prints, for each protocol and
field, how many are the same, differ, or are in one tool only; tests/corpus_mismatches/applications_udp.md explains the rest.
"""
import collections
import json
import os
import subprocess
import sys

FIELDS = {
    "dhcp": ["dhcp.type", "dhcp.id", "dhcp.option.dhcp", "dhcp.hw.mac_addr", "dhcp.ip.your", "dhcp.option.hostname",
             "dhcp.option.dhcp_server_id", "dhcp.option.router", "dhcp.option.ip_address_lease_time"],
    "dhcpv6": ["dhcpv6.msgtype", "dhcpv6.xid", "dhcpv6.iaaddr.ip"],
    "ntp": ["ntp.flags.vn", "ntp.flags.mode", "ntp.stratum", "ntp.refid", "ntp.priv.reqcode"],
    "snmp": ["snmp.version", "snmp.request_id", "snmp.name", "snmp.error_status", "snmp.msgUserName"],
    "tftp": ["tftp.opcode", "tftp.block", "tftp.source_file", "tftp.error.code"],
    "rip": ["rip.command", "rip.version", "rip.ip", "rip.metric"],
    "ripng": ["ripng.cmd", "ripng.rte.ipv6_prefix"],
    "isakmp": ["isakmp.ispi", "isakmp.rspi", "isakmp.exchangetype", "isakmp.messageid", "isakmp.typepayload"],
    "udpencap": ["esp.spi", "esp.sequence"],
    "wg": ["wg.type", "wg.sender", "wg.receiver", "wg.counter"],
}
EXPRESSION = " or ".join(f"(udp and {name} and not icmp and not icmpv6)" for name in FIELDS)


def value(text):
    text = text.strip().lower().replace(":", "") if isinstance(text, str) else str(text)
    text = text.replace("true", "1").replace("false", "0")
    if text.startswith("0x"):
        return str(int(text, 16))
    return text.removeprefix("iso.").removeprefix("itu-t.") if not text.startswith("iso.") else "1." + text[4:]


def theirs(path):
    fields = sorted({field for fields in FIELDS.values() for field in fields})
    command = ["tshark", "-n", "-r", path, "-Y", EXPRESSION, "-T", "fields", "-E", "separator=/t", "-E", "aggregator=|"]
    for field in ["frame.number", "frame.protocols", *fields]:
        command += ["-e", field]
    found = {}
    for line in subprocess.run(command, capture_output=True, text=True, errors="replace").stdout.splitlines():
        number, protocols, *columns = line.split("\t")
        values = {field: [value(one) for one in column.split("|")] for field, column in zip(fields, columns) if column}
        found[int(number)] = (protocols.split(":"), values)
    return found


def ours(wireglass, path):
    output = subprocess.run([wireglass, "packets", path, "--format", "ndjson", "-V"], capture_output=True, text=True, errors="replace").stdout
    found = {}
    for line in output.splitlines():
        packet = json.loads(line)
        if packet.get("type") != "packet" or "icmp" in packet["protocols"]:
            continue
        protocols = packet["protocols"].split(":")
        if not set(protocols) & set(FIELDS):
            continue
        values = collections.defaultdict(list)
        for layer in packet["layers"]:
            for field, told in layer["fields"].items():
                values[field] += [value(one) for one in (told if isinstance(told, list) else [told])]
        found[packet["number"]] = (protocols, values)
    return found


def main():
    wireglass, corpus = sys.argv[1:3]
    show = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    listed = set(open(sys.argv[4]).read().split()) if len(sys.argv) > 4 else None
    counts, shown = collections.defaultdict(collections.Counter), collections.Counter()
    for folder, _, names in sorted(os.walk(corpus)):
        for name in sorted(names):
            path = os.path.join(folder, name)
            if name.endswith(".keylog") or (listed is not None and os.path.relpath(path, corpus) not in listed):
                continue
            their, our = theirs(path), ours(wireglass, path)
            for number in sorted(set(their) | set(our)):
                their_protocols, their_values = their.get(number, ([], {}))
                our_protocols, our_values = our.get(number, ([], {}))
                for protocol, fields in FIELDS.items():
                    here, there = protocol in our_protocols, protocol in their_protocols
                    if not here and not there:
                        continue
                    kind = "both" if here and there else "ours only" if here else "theirs only"
                    differing = [(protocol, kind, "", "")]
                    counts[protocol][kind] += 1
                    if here and there:
                        differing = []
                        for field in fields:
                            one, other = our_values.get(field), their_values.get(field)
                            if one or other:
                                same = one == other
                                counts[field]["same" if same else "differ"] += 1
                                if not same:
                                    differing.append((field, "differ", one, other))
                    for what, kind, one, other in differing:
                        if kind != "both":
                            shown[what, kind] += 1
                            if shown[what, kind] <= show:
                                print(f"{what} {kind}: {os.path.relpath(path, corpus)} {number}: {one} | {other}", our_protocols or their_protocols)
    for protocol, fields in FIELDS.items():
        for name in [protocol, *fields]:
            print(f"{name:40}", dict(counts[name]))


main()
