#!/usr/bin/env python3
"""Sustained rate of `wireglass live`, beside tcpdump and tshark, on a veth pair in network namespaces.

    sudo python3 benches/live/rate.py WIREGLASS CAPTURE.pcap [SECONDS]

tcpreplay sends CAPTURE (a loop of its packets of at most 1514 bytes) at a rate that doubles until packets are dropped, and
then in finer steps; the highest rate without a drop is the result. At twice that rate wireglass runs once more: what it
counts (captured + dropped by the kernel) must be what the sender's interface counted, to the packet, and its memory at the
start, the middle and the end must not grow. Needs root, ip, tcpdump, tshark, tcpreplay. Prints Markdown.

tcpreplay runs on the same machine and needs about a core of its own: the figures are for this machine and comparable
within a run only.
"""
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

HERE, THERE = f"wgr{os.getpid()}a", f"wgr{os.getpid()}b"


def run(*words, **options):
    return subprocess.run(words, check=True, capture_output=True, text=True, **options).stdout


def sent():
    return int(run("ip", "netns", "exec", THERE, "cat", "/sys/class/net/there/statistics/tx_packets"))


class Sender:
    """tcpreplay at a rate, for some seconds; what it sent is the interface's own count."""

    def __init__(self, capture, rate, seconds):
        self.before = sent()
        loops = str(max(1, int(rate * seconds / PACKETS) + 1))
        self.child = subprocess.Popen(
            ["ip", "netns", "exec", THERE, "tcpreplay", "-q", "-K", "-i", "there", f"--pps={rate}", f"--duration={int(seconds)}",
             f"--loop={loops}", capture],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.began = time.monotonic()

    def finish(self):
        self.child.wait()
        lasted = time.monotonic() - self.began
        text = self.child.stdout.read()
        rated = re.search(r"([\d.]+) pps", text)
        packets = sent() - self.before
        assert self.child.returncode == 0 and packets, text
        return packets, float(rated.group(1)) if rated else packets / lasted


def cpu(child):
    fields = open(f"/proc/{child.pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(child):
    return int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{child.pid}/status").read()).group(1)) / 1024


def measure(tool, capture, rate, seconds):
    """Packets sent, received, dropped; CPU seconds; megabytes at the start, the middle and the end."""
    out = tempfile.NamedTemporaryFile(mode="w+")
    err = tempfile.NamedTemporaryFile(mode="w+")
    commands = {
        "wireglass": [WIREGLASS, "live", "-i", "here", "-o", "ndjson", "-B", "65536"],
        "wireglass -w": [WIREGLASS, "live", "-i", "here", "-o", "ndjson", "-B", "65536", "-w", f"{FOLDER}/w.pcapng"],
        "tcpdump -w": ["tcpdump", "-i", "here", "-B", "65536", "-Z", "root", "-w", f"{FOLDER}/t.pcap"],
        "tshark -w": ["tshark", "-q", "-i", "here", "-B", "64", "-w", f"{FOLDER}/s.pcapng"],
    }
    child = subprocess.Popen(["ip", "netns", "exec", HERE, *commands[tool]], stdout=out, stderr=err)
    deadline = time.monotonic() + 20
    while not re.search("apturing on|listening on", open(err.name).read()):
        assert time.monotonic() < deadline, open(err.name).read()
        time.sleep(0.05)
    time.sleep(0.5)
    memory = [resident(child)]
    sender = Sender(capture, rate, seconds)
    time.sleep(seconds / 2)
    memory.append(resident(child))
    packets, reached = sender.finish()
    time.sleep(1.0)
    memory.append(resident(child))
    used = cpu(child)
    child.send_signal(signal.SIGINT)
    child.wait(timeout=300)
    text = open(err.name).read()
    if tool.startswith("wireglass"):
        last = json.loads(open(out.name).read().splitlines()[-1])
        interface = last["interfaces"][0]
        received, dropped = last["packets"], interface["dropped_by_kernel"]
        left_out = interface["not_analyzed"]
    elif tool == "tcpdump -w":
        received = int(re.search(r"(\d+) packets? captured", text).group(1))
        dropped, left_out = int(re.search(r"(\d+) packets? dropped by kernel", text).group(1)), 0
    else:
        received = int(run("capinfos", "-cMT", "-B", "-r", f"{FOLDER}/s.pcapng").split()[-1])
        found = re.search(r"(\d+) packets? dropped", text)
        dropped, left_out = int(found.group(1)) if found else 0, 0
    return dict(sent=packets, rate=reached, received=received, dropped=dropped, left_out=left_out, cpu=used, memory=memory)


def highest(tool, capture, seconds):
    """The highest rate without a drop, and the measurement there."""
    best, rate, step = None, 20_000, 2.0
    for _ in range(12):
        found = measure(tool, capture, int(rate), seconds)
        lost = found["dropped"] + found["left_out"]
        print(f"<!-- {tool} at {rate:.0f}/s: {found} -->", flush=True)
        limited = found["rate"] < 0.9 * rate
        if lost == 0 and (best is None or found["rate"] > best["rate"]):
            best = found
        if limited and lost == 0:
            break
        if lost == 0:
            rate *= step
        elif step > 1.5:
            step = 1.25
            rate = (best["rate"] if best else rate / 4) * step
        else:
            break
    return best


def main():
    global WIREGLASS, PACKETS, FOLDER
    WIREGLASS, source = os.path.abspath(sys.argv[1]), sys.argv[2]
    seconds = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    with tempfile.TemporaryDirectory(dir="/tmp") as FOLDER:
        capture = f"{FOLDER}/sent.pcap"
        run("tcpdump", "-r", source, "-Z", "root", "-w", capture, "less 1514")
        PACKETS = int(run("capinfos", "-cMT", "-B", "-r", capture).split()[-1])
        try:
            run("ip", "netns", "add", HERE)
            run("ip", "netns", "add", THERE)
            run("ip", "link", "add", "here", "netns", HERE, "type", "veth", "peer", "name", "there", "netns", THERE)
            for host, name in ((HERE, "here"), (THERE, "there")):
                run("ip", "netns", "exec", host, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1")
                run("ip", "-n", host, "link", "set", name, "mtu", "1500", "up")
            time.sleep(1)
            print(f"{time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f},"
                  f" {PACKETS} packets in turn, {seconds:g} s a rate\n")
            print("| program | packets/s without a drop | CPU s per million packets | MB |")
            print("|---|---|---|---|")
            top = {}
            for tool in ("wireglass", "wireglass -w", "tcpdump -w", "tshark -w"):
                best = top[tool] = highest(tool, capture, seconds)
                if best is None:
                    print(f"| {tool} | below 20000 | | |", flush=True)
                    continue
                million = best["cpu"] / best["received"] * 1e6
                print(f"| {tool} | {best['rate']:.0f} | {million:.2f} | {best['memory'][2]:.0f} |", flush=True)
            base = top["wireglass"]["rate"] if top["wireglass"] else 10_000
            for tool in ("wireglass", "wireglass -w"):
                twice = measure(tool, capture, int(2 * base), 2 * seconds)
                difference = twice["sent"] - twice["received"] - twice["dropped"]
                memory = ", ".join(f"{megabytes:.0f}" for megabytes in twice["memory"])
                print(f"\n`{tool}` at twice the rate ({twice['rate']:.0f}/s reached): {twice['sent']} sent, {twice['received']} "
                      f"captured, {twice['dropped']} dropped by the kernel, {twice['left_out']} not analyzed; sent - captured - "
                      f"dropped = {difference}; MB at the start, the middle, the end: {memory}", flush=True)
        finally:
            for host in (HERE, THERE):
                subprocess.run(["ip", "netns", "del", host], capture_output=True)


main()
