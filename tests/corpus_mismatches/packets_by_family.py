#!/usr/bin/env python3
"""Compares the corpus's table `packets` by the truth's own rule: of IPv4 and IPv6, and of TCP and UDP, the first of the two that the
packet has at all.

usage: packets_by_family.py WIREGLASS CORPUS                   (SHOW=40 rows that differ)

`from_ndjson.py` joins both families in the order of the layers, so that packets of one family inside the other differ in its rows only.
"""
import collections, json, os, subprocess, sys

BOTH = {
    'ip_src': ('ip.src', 'ipv6.src'), 'ip_dst': ('ip.dst', 'ipv6.dst'), 'ip_proto': ('ip.proto', 'ipv6.nxt'),
    'ttl': ('ip.ttl', 'ipv6.hlim'), 'sport': ('tcp.srcport', 'udp.srcport'), 'dport': ('tcp.dstport', 'udp.dstport'),
}
ONE = {
    'eth_src': 'eth.src', 'eth_dst': 'eth.dst', 'vlan': 'vlan.id', 'ip_id': 'ip.id', 'mf': 'ip.flags.mf', 'frag_off': 'ip.frag_offset',
    'tcp_flags': 'tcp.flags', 'seq': 'tcp.seq_raw', 'ack': 'tcp.ack_raw', 'win': 'tcp.window_size_value', 'tcp_len': 'tcp.len',
    'udp_len': 'udp.length',
}


def norm(cell):
    parts = []
    for part in cell.split(','):
        parts.append(str(int(part, 16)) if part.startswith('0x') else {'True': '1', 'False': '0'}.get(part, part.lower()))
    return ','.join(parts)


def rows(binary, capture):
    out = subprocess.run([binary, 'packets', capture, '--format', 'ndjson', '-V'], capture_output=True).stdout
    for line in out.decode('utf8', 'replace').splitlines():
        packet = json.loads(line)
        fields = collections.defaultdict(list)
        for layer in packet['layers']:
            for name, value in layer['fields'].items():
                fields[name].append(str(int(value)) if isinstance(value, bool) else str(value))
        joined = {name: ','.join(values) for name, values in fields.items()}
        row = {column: joined.get(first) or joined.get(second, '') for column, (first, second) in BOTH.items()}
        row |= {column: joined.get(name, '') for column, name in ONE.items()}
        yield str(packet['number']), row


def main():
    binary, corpus = sys.argv[1:3]
    excluded = {tuple(line.rstrip('\n').split('\t')[:2]) for line in open(os.path.join(corpus, 'DEBATABLE.tsv'))}
    total = same = 0
    wrong = collections.Counter()
    examples = []
    for folder, _, files in sorted(os.walk(os.path.join(corpus, 'truth'))):
        if 'packets.tsv' not in files:
            continue
        name = os.path.relpath(folder, os.path.join(corpus, 'truth'))
        if (name, 'packets') in excluded or (name, '*') in excluded:
            continue
        here = dict(rows(binary, os.path.join(corpus, 'pcaps', name)))
        lines = open(os.path.join(folder, 'packets.tsv'), encoding='utf8', errors='surrogateescape', newline='\n').read().splitlines()
        head = lines[0].split('\t')
        for line in lines[1:]:
            cells = dict(zip(head, line.split('\t') + [''] * len(head)))
            total += 1
            row = here.get(cells['frame'], {})
            bad = [column for column in [*BOTH, *ONE] if norm(cells.get(column, '')) != norm(row.get(column, ''))]
            if bad:
                wrong[name] += 1
                examples.append(f"{name} {cells['frame']}: " + '; '.join(f"{c}: truth {cells.get(c)}, here {row.get(c)}" for c in bad[:2]))
            else:
                same += 1
    print(f'{same} of {total} rows agree: {100 * same / max(total, 1):.3f} %')
    for name, count in wrong.most_common():
        print(f'{count:6} {name}')
    for example in examples[: int(os.environ.get('SHOW', '0'))]:
        print(example)


main()
