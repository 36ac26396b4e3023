#!/usr/bin/env python3
"""Compares the states that wireglass reports with those the kernel traced, over a folder of lab captures.

    cargo build --release
    python3 tests/lab_states.py target/release/wireglass /path/to/lab/captures [-v]

The folder holds NAME.truth.json files as fixtures/generators/tcp_truths.py writes them: `captures` names the files,
`kernel_vs_expected` the sequences of both ends. Differences that no capture can avoid are listed by the rule that
explains them; any other difference, and any state that is called observed and was not lived, makes it fail.
"""
import collections
import glob
import json
import os
import subprocess
import sys

GAVE_UP = ("SYN-SENT", "SYN-RECEIVED")


def kernel_names(states):
    return None if states is None else ["SYN-RECEIVED" if name == "SYN-RECV" else name for name in states]


def connections(binary, path):
    run = subprocess.run([binary, path, "--format", "ndjson"], capture_output=True, text=True)
    if run.returncode not in (0, 1) or not run.stdout:
        sys.exit(f"{path}: {run.stderr}")
    records = (json.loads(line) for line in run.stdout.splitlines())
    found = [record for record in records if record["type"] == "connection"]
    first = found[0]["client"] if found else None
    ends = lambda record: (record["client"]["address"], record["client"]["port"])
    return [record for record in found if ends(record) == (first["address"], first["port"])]


def steps(found, side):
    """The kernel's trace does not tell how TIME-WAIT ends: the socket is gone by then."""
    every = (step for record in found for step in record["transitions"])
    return [step for step in every if step["side"] == side and step["from"] != "TIME-WAIT"]


def is_lived(states, kernel):
    rest = iter(kernel)
    return all(any(state == lived for lived in rest) for state in states)


def excuse(found, ours, kernel):
    once = [state for index, state in enumerate(kernel) if index == 0 or state != kernel[index - 1]]
    if ours == once:
        return "the kernel told one state twice: its trace tells each call, not each change"
    handshake = found[0]["handshake"]
    late = handshake["syn_packet"] is None and handshake["syn_ack_packet"] is None
    if late and ours and once[-len(ours):] == ours:
        return "the capture began after the states that are missing"
    if once[:-1] == ours and once[-1] == "CLOSED" and ours and ours[-1] in GAVE_UP:
        return "the endpoint gave up after the capture had ended"
    return None


def main():
    binary, folder = sys.argv[1:3]
    verbose = "-v" in sys.argv[3:]
    right, total, sure_total = 0, 0, 0
    excused, wrong = collections.Counter(), []
    for truth_path in sorted(glob.glob(os.path.join(folder, "tcp_*.truth.json"))):
        with open(truth_path) as file:
            truth = json.load(file)
        kernel = {side: kernel_names(truth["kernel_vs_expected"][side]) for side in ("client", "server")}
        for capture in truth["captures"].values():
            path = os.path.join(folder, capture["file"])
            found = connections(binary, path) if os.path.exists(path) else []
            if not found:
                continue
            both_opened = all(any(step["to"] == "SYN-SENT" for step in steps(found, side)) for side in kernel)
            for side, other in (("client", "server"), ("server", "client")):
                if kernel[side] is None:
                    continue
                # Which end of a simultaneous opening is the client depends on whose SYN came by first.
                truths = [kernel[side]] + ([kernel[other]] if both_opened and kernel[other] else [])
                ours = [step["to"] for step in steps(found, side)]
                sure = [step["to"] for step in steps(found, side) if step["certainty"] == "observed"]
                total, sure_total = total + 1, sure_total + len(sure)
                if verbose:
                    print(capture["file"], side, " ".join(ours))
                if ours in truths:
                    right += 1
                elif reason := excuse(found, ours, kernel[side]):
                    excused[reason] += 1
                else:
                    wrong.append(f"{capture['file']} {side}: we {ours}, kernel {kernel[side]}")
                if not any(is_lived(sure, one) for one in truths):
                    wrong.append(f"{capture['file']} {side}: observed {sure}, kernel {kernel[side]}")
    print(f"{right} of {total} sequences equal the kernel's; {sure_total} states observed")
    for reason, count in excused.items():
        print(f"{count} explained: {reason}")
    for difference in wrong:
        print(f"WRONG {difference}")
    return 1 if wrong or total == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
