#!/usr/bin/env python3
"""A capture of many flows that are all open at once, to measure what a flow costs in memory.
   usage: flows.py tcp|udp|syn FLOWS OUT.pcap     tcp: handshake and 100 bytes; udp: two datagrams; syn: one SYN"""
import struct, sys

kind, count, out = sys.argv[1], int(sys.argv[2]), sys.argv[3]


def total(data):
    data += b"\0" * (len(data) % 2)
    return sum(struct.unpack(f">{len(data) // 2}H", data))


def fold(number):
    while number >> 16:
        number = (number & 0xFFFF) + (number >> 16)
    return ~number & 0xFFFF


def packet(source, destination, protocol, segment, place):
    pseudo = source + destination + struct.pack(">HH", protocol, len(segment))
    checksum = struct.pack(">H", fold(total(pseudo) + total(segment)))
    segment = segment[:place] + checksum + segment[place + 2:]
    header = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(segment), 0, 0x4000, 64, protocol, 0, source, destination)
    header = header[:10] + struct.pack(">H", fold(total(header))) + header[12:]
    return b"\2\0\0\0\0\2\2\0\0\0\0\1\x08\0" + header + segment


def tcp(source, destination, ports, sequence, ack, flags, payload=b""):
    segment = struct.pack(">HHIIBBHHH", *ports, sequence, ack, 0x50, flags, 65535, 0, 0) + payload
    return packet(source, destination, 6, segment, 16)


def udp(source, destination, ports, payload):
    return packet(source, destination, 17, struct.pack(">HHHH", *ports, 8 + len(payload), 0) + payload, 6)


with open(out, "wb") as file:
    file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
    moment = 0
    steps = {"syn": 1, "udp": 2, "tcp": 4}[kind]
    for step in range(steps):
        for flow in range(count):
            client, server = struct.pack(">I", 10 << 24 | flow), b"\xac\x10\0\1"
            port = 32768 + (flow * 7919) % 28000
            there, back = (port, 9999), (9999, port)
            if kind == "udp":
                data = udp(client, server, there, b"q" * 40) if step == 0 else udp(server, client, back, b"a" * 40)
            elif step == 0:
                data = tcp(client, server, there, 1000, 0, 2)
            elif step == 1:
                data = tcp(server, client, back, 5000, 1001, 0x12)
            elif step == 2:
                data = tcp(client, server, there, 1001, 5001, 0x10)
            else:
                data = tcp(client, server, there, 1001, 5001, 0x18, b"\x01" * 100)
            moment += 10
            file.write(struct.pack("<IIII", 1_700_000_000 + moment // 1_000_000, moment % 1_000_000, len(data), len(data)) + data)
