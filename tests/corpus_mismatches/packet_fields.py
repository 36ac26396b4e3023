#!/usr/bin/env python3
"""Compares every field that `wireglass packets -V` prints with tshark's field of that name, frame by frame.

usage: packet_fields.py WIREGLASS CAPTURE... > table.md        (EXAMPLES=3 shows that many frames of each field that differs)

For each capture: `wireglass packets CAPTURE --format ndjson -V`, and `tshark -T fields -E occurrence=a` for the names that occur. All values
of a frame, in their order, are compared with all of tshark's. Columns: frames in which wireglass prints the field; those in which
tshark's values are the same; those in which it has other values; those in which it has none; frames in which only tshark has it.
"""
import collections, ipaddress, json, os, re, subprocess, sys, tempfile

PREFERENCES = ['tcp.reassemble_out_of_order', 'ip.defragment', 'ip.check_checksum', 'tcp.check_checksum', 'udp.check_checksum']
ENVIRONMENT = {**os.environ, 'WIRESHARK_CONFIG_DIR': tempfile.mkdtemp()}
EXAMPLES = int(os.environ.get('EXAMPLES', '0'))


def known_fields():
    out = subprocess.run(['tshark', '-G', 'fields'], capture_output=True, env=ENVIRONMENT).stdout.decode('utf8', 'replace')
    kinds = {}
    for line in out.splitlines():
        cells = line.split('\t')
        if cells[0] == 'F':
            kinds.setdefault(cells[2], cells[3])
    return kinds


def value(kind, text):
    """A value in one form for both."""
    if isinstance(text, bool):
        return int(text)
    if isinstance(text, (int, float)):
        return text
    if kind in ('FT_STRING', 'FT_STRINGZ', 'FT_UINT_STRING'):
        return text.replace('\\r', '\r').replace('\\n', '\n')
    if kind in ('FT_BYTES', 'FT_UINT_BYTES', 'FT_ETHER'):
        return text.replace(':', '').lower()
    if kind == 'FT_IPv6':
        try:
            return str(ipaddress.ip_address(text))
        except ValueError:
            return text
    if text in ('True', 'False'):
        return int(text == 'True')
    if re.fullmatch(r'0x[0-9a-fA-F]{1,16}', text):
        return int(text, 16)
    if re.fullmatch(r'-?\d{1,20}', text):
        return int(text)
    if re.fullmatch(r'-?\d+\.\d+', text):
        return float(text)
    return text


def ours(binary, capture, kinds):
    out = subprocess.run([binary, 'packets', capture, '--format', 'ndjson', '-V'], capture_output=True).stdout
    frames = {}
    for line in out.decode('utf8', 'replace').splitlines():
        packet = json.loads(line)
        fields = collections.defaultdict(list)
        for layer in packet['layers']:
            for name, values in layer['fields'].items():
                fields[name] += [value(kinds.get(name), one) for one in (values if isinstance(values, list) else [values])]
        frames[packet['number']] = fields
    return frames


def theirs(capture, names, kinds):
    command = ['tshark', '-n', '-2', '-r', capture, '-T', 'fields', '-E', 'occurrence=a', '-E', 'aggregator=\x1f', '-e', 'frame.number']
    for preference in PREFERENCES:
        command += ['-o', preference + ':TRUE']
    for name in names:
        command += ['-e', name]
    out = subprocess.run(command, capture_output=True, env=ENVIRONMENT).stdout.decode('utf8', 'replace')
    frames = {}
    for line in out.split('\n'):
        cells = line.split('\t')
        if cells[0].isdigit():
            frames[int(cells[0])] = {
                name: [value(kinds.get(name), one) for one in cell.split('\x1f')] for name, cell in zip(names, cells[1:]) if cell
            }
    return frames


def main():
    binary, captures = sys.argv[1], sys.argv[2:]
    kinds = known_fields()
    count, examples, unknown = collections.defaultdict(collections.Counter), collections.defaultdict(list), set()
    for capture in captures:
        here = ours(binary, capture, kinds)
        printed = {name for fields in here.values() for name in fields}
        unknown |= {name for name in printed if name not in kinds}
        names = sorted(printed & set(kinds))
        there = theirs(capture, names, kinds)
        for number, fields in here.items():
            other = there.get(number, {})
            for name in set(fields) | set(other):
                if name not in kinds:
                    continue
                mine, yours = fields.get(name), other.get(name)
                # A protocol or a mere presence has no value to compare.
                if mine and yours and kinds[name] in ('FT_NONE', 'FT_PROTOCOL'):
                    yours = mine
                kind = 'printed' if mine else 'only_tshark'
                count[name][kind] += 1
                if mine:
                    verdict = 'same' if mine == yours else 'other' if yours else 'none'
                    count[name][verdict] += 1
                if mine != yours and len(examples[name]) < EXAMPLES * 4:
                    examples[name].append(f'{os.path.basename(capture)} {number}: here {mine}, tshark {yours}'[:200])
    total = collections.Counter()
    print('| field | printed | same | other | none | only tshark |\n|---|---|---|---|---|---|')
    exact = []
    for name in sorted(count):
        row = count[name]
        total.update(row)
        if row['printed'] == row['same'] and not row['only_tshark']:
            exact.append(f"{name} {row['same']}")
            continue
        print(f"| `{name}` | {row['printed']} | {row['same']} | {row['other']} | {row['none']} | {row['only_tshark']} |")
        for example in examples[name][:: max(1, len(examples[name]) // max(EXAMPLES, 1))][:EXAMPLES]:
            print('   ', example)
    print(f'\nThe same in every frame ({len(exact)} fields): ' + ', '.join(exact))
    print('\nNot Wireshark\'s: ' + ', '.join(sorted(unknown)))
    print(f"\nAll fields: {total['printed']} printed, {total['same']} the same, {total['other']} other, {total['none']} not in tshark, "
          f"{total['only_tshark']} only in tshark")


main()
