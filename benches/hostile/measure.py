#!/usr/bin/env python3
"""Floods at full size through wireglass: CPU time, peak memory, and whether time grows with the flood.

    benches/hostile/measure.py target/release/wireglass [MILLIONS [KIND...]]

Compiles floods.rs with rustc, pipes each kind into wireglass (nothing is written to a disk), a quarter of it and all of it,
with one worker and with two, as NDJSON and as tables to /dev/null, and prints a Markdown table. Size: packets, in millions, of
the largest floods (10); the others have a part of it. `ratio` is CPU time (user and system) of all to that of a quarter.

With `--instructions` as the last argument: how many instructions a small flood takes, and four times of it, counted by callgrind
without what an empty capture takes, which does not depend on how busy the machine is.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

KINDS = {
    "syn": 1.0, "udp": 1.0, "dns": 1.0, "dns-one-flow": 1.0, "same-ports": 0.2, "one-byte": 0.5, "one-byte-header": 0.5,
    "fragments": 0.4, "fragments6": 0.4, "fragments-whole": 0.4, "fragments6-whole": 0.4, "reordered": 0.4, "holes": 0.4,
    "overlaps": 0.4, "icmp": 1.0, "icmp-errors": 0.4, "arp": 1.0, "client-hello": 0.2, "quic-initial": 0.1, "rapid-reset": 0.02,
    "continuation": 0.02, "hpack-bomb": 0.002, "dns-bomb": 0.002, "pcapng-unknown": 1.0, "pcapng-interfaces": 1.0,
    "pcapng-secrets": 1.0, "pcapng-comments": 1.0, "pcapng-sections": 1.0,
}


def run(binary, generator, kind, count, arguments, keep=None):
    with open(keep or os.devnull, "wb") as out, tempfile.TemporaryFile() as errors:
        flood = subprocess.Popen([generator, kind, str(count)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        child = subprocess.Popen([binary, "-", *arguments], stdin=flood.stdout, stdout=out, stderr=errors)
        flood.stdout.close()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = status
        flood.wait()
        return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status)


def instructions(binary, generator, kind, count):
    flood = subprocess.Popen([generator, kind, str(count)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", binary, "-", "--format", "ndjson", "--threads", "1"]
    child = subprocess.run(command, stdin=flood.stdout, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    flood.wait()
    return int(re.search(r"Collected : (\d+)", child.stderr)[1])


def count_instructions(binary, generator, kinds, packets):
    print("| flood | packets | M instructions | packets | M instructions | ratio |\n|---|---|---|---|---|---|")
    base = instructions(binary, generator, "udp", 0)
    for kind in kinds:
        count = max(100, int(packets * KINDS[kind]))
        few, many = (instructions(binary, generator, kind, number) - base for number in (count, 4 * count))
        print(f"| `{kind}` | {count} | {few / 1e6:.1f} | {4 * count} | {many / 1e6:.1f} | {many / few:.2f} |", flush=True)


def told(binary, generator, kind, count):
    with tempfile.NamedTemporaryFile() as keep:
        run(binary, generator, kind, count, ["--format", "ndjson", "--only", "findings", "--threads", "1"], keep.name)
        codes = {}
        for line in open(keep.name, "rb"):
            finding = json.loads(line)
            if "limit" in finding.get("code", "") or "flood" in finding.get("code", ""):
                codes[finding["code"]] = finding["title"].split(" ")[0]
        return ", ".join(f"`{code}` ({count})" for code, count in sorted(codes.items()))


def main():
    by_instructions = sys.argv[-1] == "--instructions"
    if by_instructions:
        sys.argv.pop()
    binary, millions = os.path.abspath(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 10.0
    kinds = sys.argv[3:] or KINDS
    here = os.path.dirname(os.path.abspath(__file__))
    with tempfile.TemporaryDirectory() as folder:
        generator = os.path.join(folder, "floods")
        subprocess.run(["rustc", "-O", "--edition", "2024", os.path.join(here, "floods.rs"), "-o", generator], check=True)
        if by_instructions:
            count_instructions(binary, generator, kinds, millions * 1e6)
            return
        print("| flood | packets | CPU s, a quarter | CPU s | ratio | MiB, a quarter | MiB | MiB, 2 workers | CPU s, 2 | table: CPU s | MiB | told |")
        print("|---|---|---|---|---|---|---|---|---|---|---|---|")
        for kind in kinds:
            count = max(4, int(millions * 1e6 * KINDS[kind]))
            one = ["--format", "ndjson", "--threads", "1"]
            quarter = run(binary, generator, kind, count // 4, one)
            whole = run(binary, generator, kind, count, one)
            two = run(binary, generator, kind, count, ["--format", "ndjson", "--threads", "2"])
            table = run(binary, generator, kind, count, ["--format", "table", "--threads", "1"])
            failed = {result[2] for result in (quarter, whole, two, table)} - {0}
            codes = told(binary, generator, kind, count) + (f" STATUS {failed}" if failed else "")
            print(f"| `{kind}` | {count} | {quarter[0]:.1f} | {whole[0]:.1f} | {whole[0] / quarter[0]:.2f} | {quarter[1]:.0f} | "
                  f"{whole[1]:.0f} | {two[1]:.0f} | {two[0]:.1f} | {table[0]:.1f} | {table[1]:.0f} | {codes} |", flush=True)


main()
