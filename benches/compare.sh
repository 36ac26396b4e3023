#!/usr/bin/env bash
# CPU time and peak memory of wireglass beside libpcap's bare loop (`tcpdump -r FILE --count`), in one run on one machine.
#   usage: benches/compare.sh CAPTURE [ROUNDS]      needs tcpdump; builds the release binary
# Each command runs ROUNDS times (default 7), interleaved; the least CPU time of each counts, and ratios to tcpdump's.
set -euo pipefail
capture=$1 rounds=${2:-7} root=$(cd "$(dirname "$0")/.." && pwd)
cargo build --release --quiet --manifest-path "$root/Cargo.toml"
binary="$root/target/release/wireglass"
exec python3 - "$capture" "$rounds" "$binary" <<'PY'
import os, resource, subprocess, sys
capture, rounds, binary = sys.argv[1], int(sys.argv[2]), sys.argv[3]
commands = [
    ("tcpdump --count", ["tcpdump", "-r", capture, "--count"]),
    ("wireglass tables, 1 worker", [binary, capture, "--threads", "1"]),
    ("wireglass ndjson, 1 worker", [binary, capture, "--threads", "1", "--format", "ndjson"]),
    ("wireglass tables, 2 workers", [binary, capture, "--threads", "2"]),
]
best = {}
for _ in range(rounds):
    for name, command in commands:
        with open("/dev/null", "w") as null:
            child = subprocess.Popen(command, stdout=null, stderr=null)
            _, status, usage = os.wait4(child.pid, 0)
            assert os.waitstatus_to_exitcode(status) in (0, 3), (name, status)
        cpu, memory = usage.ru_utime + usage.ru_stime, usage.ru_maxrss
        old = best.get(name, (cpu, memory))
        best[name] = (min(old[0], cpu), max(old[1], memory))
base = best["tcpdump --count"][0]
print(f"| command | CPU s | ratio | peak memory MB |\n|---|---|---|---|")
for name, _ in commands:
    cpu, memory = best[name]
    print(f"| {name} | {cpu:.3f} | {cpu / base:.2f} | {memory / 1000:.1f} |")
PY
