#!/usr/bin/env python3
"""HTTP exchanges or DNS queries, for counting what one costs.

usage: transactions.py http|dns NUMBER OUT

http: NUMBER exchanges of 10 and 8 header fields on one connection, bodies of 200 bytes. dns: NUMBER queries with one answer each, from one
port. Two numbers and `valgrind --tool=callgrind target/release/wireglass OUT --threads 1 --format ndjson` give instructions for each.
"""
import struct, sys

KIND, NUMBER, OUT = sys.argv[1], int(sys.argv[2]), sys.argv[3]
CLIENT, SERVER = b"\x0a\0\0\1", b"\x0a\0\0\2"


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def frame(protocol, source, target, body):
    pseudo = source + target + struct.pack("!BBH", 0, protocol, len(body))
    at = 16 if protocol == 6 else 6
    body = body[:at] + struct.pack("!H", checksum(pseudo + body)) + body[at + 2:]
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 0, 0x4000, 64, protocol, 0, source, target)
    ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
    return b"\2" * 6 + b"\4" * 6 + b"\x08\0" + ip + body


class Capture:
    def __init__(self, path):
        self.file, self.clock = open(path, "wb"), 0
        self.file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))

    def put(self, data):
        self.clock += 500
        self.file.write(struct.pack("<IIII", 1_700_000_000 + self.clock // 1_000_000, self.clock % 1_000_000, len(data), len(data)) + data)


def http(capture):
    following = [1000, 5000]

    def segment(side, flags, payload=b""):
        ports, ends = ((40000, 80), (CLIENT, SERVER)) if side == 0 else ((80, 40000), (SERVER, CLIENT))
        ack = following[1 - side] if flags & 0x10 else 0
        tcp = struct.pack("!HHIIBBHHH", *ports, following[side], ack, 5 << 4, flags, 65535, 0, 0) + payload
        capture.put(frame(6, *ends, tcp))
        following[side] += len(payload) + (1 if flags & 3 else 0)

    segment(0, 2), segment(1, 0x12), segment(0, 0x10)
    for number in range(NUMBER):
        segment(0, 0x18, f"GET /items/{number}?page=2 HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: bench/1.0\r\nAccept: */*\r\nAccept-Language: en\r\nAccept-Encoding: identity\r\nReferer: http://www.example.com/\r\nX-Request-ID: {number:08x}\r\nCache-Control: no-cache\r\nPragma: no-cache\r\nConnection: keep-alive\r\n\r\n".encode())
        segment(1, 0x18, f"HTTP/1.1 200 OK\r\nServer: bench\r\nDate: Sat, 21 Nov 2026 12:00:00 GMT\r\nContent-Type: text/plain\r\nContent-Length: 200\r\nLast-Modified: Sat, 21 Nov 2026 11:00:00 GMT\r\nETag: \"{number:08x}\"\r\nCache-Control: max-age=60\r\nConnection: keep-alive\r\n\r\n".encode() + b"x" * 200)
        segment(0, 0x10)
    segment(0, 0x11), segment(1, 0x11), segment(0, 0x10)


def dns(capture):
    for number in range(NUMBER):
        name = f"host-{number}".encode()
        question = bytes([len(name)]) + name + b"\7example\3com\0" + struct.pack("!HH", 1, 1)
        answer = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 300, 4) + struct.pack("!I", 0xC0000200 + number % 250)
        for side in (0, 1):
            head = struct.pack("!HHHHHH", number % 65536, 0x8180 if side else 0x0100, 1, side, 0, 0)
            message = head + question + (answer if side else b"")
            ports, ends = ((53, 40000), (SERVER, CLIENT)) if side else ((40000, 53), (CLIENT, SERVER))
            capture.put(frame(17, *ends, struct.pack("!HHHH", *ports, 8 + len(message), 0) + message))


{"http": http, "dns": dns}[KIND](Capture(OUT))
