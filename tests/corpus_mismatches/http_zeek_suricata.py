"""Compares our http records with Zeek's and Suricata's HTTP logs: method, target, host, status, agent, sizes. usage: http_zeek_suricata.py BINARY CORPUS"""
import collections, glob, ipaddress, json, os, subprocess, sys, urllib.parse

BINARY, CORPUS = sys.argv[1:3]


def ours(path):
    # Only what is in the clear, as the logs were made without keys.
    run = subprocess.run([BINARY, path, "--format", "ndjson", "--only", "http", "--ignore-secrets"], capture_output=True, text=True, timeout=60)
    records = [json.loads(line) for line in run.stdout.splitlines()]
    return [record for record in records if record["type"] == "http"]


def rows(table):
    for path in sorted(glob.glob(f"{CORPUS}/truth/**/{table}.tsv", recursive=True)):
        name = os.path.dirname(os.path.relpath(path, f"{CORPUS}/truth"))
        capture = f"{CORPUS}/pcaps/{name}"
        if os.path.exists(capture):
            lines = [line.rstrip("\n").split("\t") for line in open(path, errors="replace")]
            yield name, capture, [dict(zip(lines[0], line)) for line in lines[1:]]


def index(records):
    found = collections.defaultdict(list)
    for record in records:
        ends = (record["client"]["address"], record["client"]["port"], record["server"]["address"], record["server"]["port"])
        found[ends].append(record)
    return found


def compare(table, expected):
    total, bad = collections.Counter(), []
    for name, capture, lines in rows(table):
        by_ends = index(ours(capture))
        for row in lines:
            ends = (address(row["src"]), int(row["sport"]), address(row["dst"]), int(row["dport"]))
            method, target = expected["method"](row), expected["target"](row)
            if not method:
                # Suricata writes a line for each HTTP/2 stream without a request, and for responses whose request is missing.
                total["no request in their row"] += 1
                continue
            fits = lambda record: (record["request"] or {}).get("method") == method and same_target((record["request"] or {}).get("target"), target)
            record = next((record for record in by_ends[ends] if fits(record)), None)
            total["rows"] += 1
            if record is None:
                total["missing"] += 1
                bad.append((name, "missing", ends, method, target[:60], [((r["request"] or {}).get("method"), ((r["request"] or {}).get("target") or "")[:40]) for r in by_ends[ends]][:3]))
                continue
            by_ends[ends].remove(record)
            for what, theirs, mine in expected["fields"](row, record):
                if theirs is None:
                    continue
                total[what + (" equal" if theirs == mine else " differs")] += 1
                if theirs != mine:
                    bad.append((name, what, ends, theirs, mine))
    print(table, dict(total))
    for line in bad:
        print("  ", line)


def address(text):
    return str(ipaddress.ip_address(text))


def without_port(host):
    name, _, port = (host or "").rpartition(":")
    return name if name and port.isdigit() else host


def same_target(mine, theirs):
    # Zeek prints what percent signs stand for.
    if mine is not None and urllib.parse.unquote(mine, "latin-1") == urllib.parse.unquote(theirs, "latin-1"):
        return True
    return mine == theirs or (mine is not None and mine.split("://", 1)[-1].partition("/")[2] == theirs.lstrip("/"))


def zeek(row, record):
    given = lambda name: None if row[name] in ("-", "(empty)", "") else row[name]
    response, request = record["response"] or {}, record["request"] or {}
    yield "status", given("status_code"), None if response.get("status") is None else str(response["status"])
    host = (request.get("authority") or "")
    yield "host", given("host"), host
    yield "agent", given("user_agent"), request.get("user_agent")
    yield "reason", given("status_msg"), response.get("reason")
    yield "request bytes", given("request_body_len"), str(request.get("body_bytes"))
    yield "response bytes", given("response_body_len") if response else None, str(response.get("body_bytes"))


def suricata(row, record):
    given = lambda name: row[name] or None
    response, request = record["response"] or {}, record["request"] or {}
    yield "status", given("status"), None if response.get("status") is None else str(response["status"])
    yield "host", without_port(given("host")), without_port(request.get("authority"))
    yield "agent", given("user_agent"), request.get("user_agent")
    kind = (response.get("content_type") or "").partition(";")[0].strip()
    yield "content type", given("content_type"), kind


compare("zeek_http", {"method": lambda row: row["method"], "target": lambda row: row["uri"], "fields": zeek})
compare("suri_http", {"method": lambda row: row["method"], "target": lambda row: row["url"], "fields": suricata})
