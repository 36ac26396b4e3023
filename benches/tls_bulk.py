#!/usr/bin/env python3
"""A TLS download that nobody can open, for counting what its bytes cost.

usage: tls_bulk.py MEGABYTES OUT [plain]     (plain: the same segments without TLS's record headers)

One connection: a TLS 1.3 opening (hellos as a minimal client and server send them), then MEGABYTES of application data in records of
16 KiB, segments of 1448 bytes, an ACK for every second one. Two sizes and
`valgrind --tool=callgrind target/release/wireglass OUT --threads 1` give instructions a byte, without what a run costs anyway.
"""
import random, struct, sys

MEGABYTES, OUT, PLAIN = int(sys.argv[1]), sys.argv[2], len(sys.argv) > 3
RANDOM = random.Random(1)
SEGMENT = 1448


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def frame(client, seq, ack, flags, payload=b""):
    ports = (40000, 443) if client else (443, 40000)
    addresses = (b"\x0a\0\0\1", b"\x0a\0\0\2") if client else (b"\x0a\0\0\2", b"\x0a\0\0\1")
    tcp = struct.pack("!HHIIBBHHH", *ports, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, 5 << 4, flags, 65535, 0, 0) + payload
    tcp = tcp[:16] + struct.pack("!H", checksum(addresses[0] + addresses[1] + struct.pack("!BBH", 0, 6, len(tcp)) + tcp)) + tcp[18:]
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0x4000, 64, 6, 0, *addresses)
    ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
    return b"\2" * 6 + b"\4" * 6 + b"\x08\0" + ip + tcp


def hello(kind, body):
    message = bytes([kind]) + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x01" + len(message).to_bytes(2, "big") + message


def extension(number, body):
    return struct.pack("!HH", number, len(body)) + body


def opening():
    share = struct.pack("!HH", 29, 32) + RANDOM.randbytes(32)
    session = RANDOM.randbytes(32)
    offered = [extension(43, b"\x02\x03\x04"), extension(10, b"\0\x02\0\x1d"), extension(13, b"\0\x02\x04\x03"), extension(51, struct.pack("!H", len(share)) + share)]
    chosen = [extension(43, b"\x03\x04"), extension(51, share)]
    def body(suites, extensions):
        joined = b"".join(extensions)
        return b"\x03\x03" + RANDOM.randbytes(32) + b"\x20" + session + suites + struct.pack("!H", len(joined)) + joined
    return hello(1, body(b"\0\x02\x13\x01\x01\0", offered)), hello(2, body(b"\x13\x01\0", chosen))


def main():
    with open(OUT, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        clock, client_next, server_next = 0, 1000, 5000

        def put(client, flags, payload=b""):
            nonlocal clock, client_next, server_next
            seq, ack = (client_next, server_next) if client else (server_next, client_next)
            data = frame(client, seq, ack, flags, payload)
            clock += 12
            out.write(struct.pack("<IIII", 1_700_000_000 + clock // 1_000_000, clock % 1_000_000, len(data), len(data)) + data)
            moved = len(payload) + (1 if flags & 3 else 0)
            if client:
                client_next += moved
            else:
                server_next += moved

        frame_syn = frame(True, client_next, 0, 2)
        out.write(struct.pack("<IIII", 1_700_000_000, 0, len(frame_syn), len(frame_syn)) + frame_syn)
        client_next += 1
        put(False, 0x12)
        put(True, 0x10)
        client_hello, server_hello = opening()
        put(True, 0x18, b"\x01" * len(client_hello) if PLAIN else client_hello)
        put(False, 0x18, b"\x01" * len(server_hello) if PLAIN else server_hello)
        # The rest of the handshake, as it looks from outside: the server's flight, the client's Finished, a request.
        for client, length in ((False, 1200), (True, 53), (True, 120)):
            put(client, 0x18, b"\x17\x03\x03" + struct.pack("!H", length) + RANDOM.randbytes(length) if not PLAIN else b"\x01" * (length + 5))
        record = RANDOM.randbytes(16384)
        header = b"\x01" * 5 if PLAIN else b"\x17\x03\x03" + struct.pack("!H", len(record))
        stream, sent, place = bytearray(), 0, 0
        while sent < MEGABYTES * 1_000_000:
            if len(stream) - place < SEGMENT:
                stream, place = stream[place:] + header + record, 0
            put(False, 0x10, bytes(stream[place:place + SEGMENT]))
            place += SEGMENT
            sent += SEGMENT
            if sent // SEGMENT % 2 == 0:
                put(True, 0x10)
        put(True, 0x11)
        put(False, 0x11)


main()
