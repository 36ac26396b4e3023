#!/usr/bin/env python3
"""Compares what `wireglass packets -V` says of SSH, Telnet, FTP, SMTP, POP3 and IMAP with tshark, over a folder of captures.

usage: applications_tcp.py WIREGLASS CORPUS [PART_OF_A_NAME]

Each value of a field counts with its ports; in which packet of a stream it stands is not compared. Differences are listed by
capture; tests/corpus_mismatches/applications_tcp.md explains them.
"""
import collections, json, os, subprocess, sys, tempfile

FIELDS = ["ssh.protocol", "ssh.message_code", "ssh.kex.hassh", "ssh.kex.hasshserver", "ftp.request.command", "ftp.request.arg", "ftp.response.code", "smtp.req.command", "smtp.response.code", "pop.request.command", "pop.response.indicator", "imap.request.command", "imap.response.status", "telnet.cmd", "telnet.subcmd"]
PORTS = ["tcp.srcport", "tcp.dstport"]
SEPARATOR = "\x01"


def tshark(path, home):
    wanted = [word for field in PORTS + FIELDS for word in ("-e", field)]
    options = [word for pair in ("tcp.reassemble_out_of_order:TRUE", "tcp.desegment_tcp_streams:TRUE", "ip.defragment:TRUE") for word in ("-o", pair)]
    done = subprocess.run(["tshark", "-n", "-2", *options, "-r", path, "-Y", "ssh or telnet or ftp or smtp or pop or imap", "-T", "fields", "-E", f"aggregator={SEPARATOR}", *wanted], capture_output=True, env={**os.environ, "WIRESHARK_CONFIG_DIR": home})
    said = collections.Counter()
    for line in done.stdout.decode("utf-8", "replace").splitlines():
        values = line.split("\t")
        values += [""] * (len(PORTS + FIELDS) - len(values))
        ports = tuple(port.split(SEPARATOR)[-1] for port in values[:2])
        for field, value in zip(FIELDS, values[2:]):
            said.update((field, ports, one) for one in value.split(SEPARATOR) if one)
    return said


def wireglass(binary, path):
    done = subprocess.run([binary, "packets", path, "--format", "ndjson", "-V"], capture_output=True)
    said = collections.Counter()
    for line in done.stdout.decode("utf-8", "replace").splitlines():
        packet = json.loads(line)
        ports = ("", "")
        for layer in packet.get("layers", []):
            fields = layer["fields"]
            if layer["protocol"] == "tcp":
                ports = (str(fields["tcp.srcport"]), str(fields["tcp.dstport"]))
            for field in FIELDS:
                value = fields.get(field)
                values = value if isinstance(value, list) else [] if value is None else [value]
                said.update((field, ports, str(one)) for one in values)
    return said


def main():
    binary, corpus, part = sys.argv[1], sys.argv[2], (sys.argv[3:] or [""])[0]
    same, total = collections.Counter(), collections.Counter()
    with tempfile.TemporaryDirectory() as home:
        for folder, _, names in sorted(os.walk(os.path.join(corpus, "pcaps"))):
            for name in sorted(names):
                path = os.path.join(folder, name)
                if name.endswith(".keylog") or part not in path:
                    continue
                theirs, ours = tshark(path, home), wireglass(binary, path)
                for field in FIELDS:
                    one, other = ({key: count for key, count in said.items() if key[0] == field} for said in (theirs, ours))
                    both = sum((collections.Counter(one) & collections.Counter(other)).values())
                    every = sum((collections.Counter(one) | collections.Counter(other)).values())
                    same[field] += both
                    total[field] += every
                    if both != every:
                        missing, extra = collections.Counter(one) - collections.Counter(other), collections.Counter(other) - collections.Counter(one)
                        print(f"{os.path.relpath(path, corpus)} {field}: missing {sum(missing.values())} {list(missing)[:4]}, extra {sum(extra.values())} {list(extra)[:4]}")
    for field in FIELDS:
        if total[field]:
            print(f"{field:28} {same[field]:6} of {total[field]:6}  {100 * same[field] / total[field]:.2f} %")


main()
