"""Compares our dns records with Zeek's and Suricata's DNS logs: rcode, AA, answers, rtt. usage: dns_zeek_suricata.py BINARY CORPUS"""
import ipaddress, subprocess, json, sys, os, glob, collections
B,C=sys.argv[1:3]
def ours(path):
    out=subprocess.run([B,path,'--format','ndjson','--only','dns','--ignore-secrets'],capture_output=True,text=True,timeout=60).stdout
    return [json.loads(l) for l in out.splitlines()]
tot=collections.Counter(); bad=[]
for t in sorted(glob.glob(C+'/truth/**/zeek_dns*',recursive=True)):
    rel=os.path.dirname(os.path.relpath(t,C+'/truth')); cap=C+'/pcaps/'+rel
    if not os.path.exists(cap): continue
    L=[l.rstrip('\n').split('\t') for l in open(t,errors='replace')]; h=L[0]
    rows=[dict(zip(h,r)) for r in L[1:]]
    idx=collections.defaultdict(list)
    for d in ours(cap):
        q=d['query'] or {}; r=d['response'] or {}
        name=(q.get('name') or r.get('name') or '').lower()
        idx[(d['client']['address'],d['client']['port'],d['server']['address'],d['server']['port'],d['id'],name)].append(d)
    for r in rows:
        if r['proto']!='udp' and r['proto']!='tcp': continue
        q=r['query'].lower(); q='' if q=='-' else q
        k=(r['src'],int(r['sport']),r['dst'],int(r['dport']),int(r['trans_id']),q)
        c=idx.get(k) or idx.get(k[:5]+('.',))
        if not c: tot['missing']+=1; bad.append((rel,'missing',k)); continue
        d=c.pop(0) if len(c)>1 else c[0]
        tot['rows']+=1
        resp=d['response']
        if r['rcode']!='-':
            ok = resp is not None and (resp['rcode']==r['rcode_name'] or resp['rcode'].startswith('BAD'))
            tot['rcode '+('ok' if ok else 'bad')]+=1
            if not ok: bad.append((rel,'rcode',k,r['rcode_name'],resp and resp['rcode']))
            if resp:
                ok = (r['AA']=='T')==resp['authoritative']; tot['AA '+('ok' if ok else 'bad')]+=1
                if not ok: bad.append((rel,'AA',k))
        elif resp is None: tot['unanswered ok']+=1
        else: tot['unanswered bad']+=1; bad.append((rel,'answered by us',k))
        if r['rtt'] not in('-','') and d['latency_ns'] is not None:
            ok=abs(float(r['rtt'])*1e9-d['latency_ns'])<2000; tot['rtt '+('ok' if ok else 'bad')]+=1
            if not ok: bad.append((rel,'rtt',k,r['rtt'],d['latency_ns'],d['retransmissions']))
        if resp and r['answers'] not in ('-',''):
            mine={a['data'].lower().strip('"') for a in resp['answers']}
            theirs={a.lower() for a in r['answers'].split(',')}
            simple=all(a['type'] in('A','AAAA','CNAME','PTR','NS') for a in resp['answers'])
            if simple:
                ok=mine==theirs; tot['answers '+('ok' if ok else 'bad')]+=1
                if not ok: bad.append((rel,'answers',k,sorted(theirs)[:4],sorted(mine)[:4]))
print('zeek',dict(tot)); 
for b in bad[:40]: print('  ',b)
tot=collections.Counter(); bad=[]
for t in sorted(glob.glob(C+'/truth/**/suri_dns*',recursive=True)):
    rel=os.path.dirname(os.path.relpath(t,C+'/truth')); cap=C+'/pcaps/'+rel
    if not os.path.exists(cap): continue
    L=[l.rstrip('\n').split('\t') for l in open(t,errors='replace')]; h=L[0]
    idx=collections.defaultdict(list)
    for d in ours(cap):
        for half,side in (('query','client'),('response','server')):
            if d[half]: idx[(half,d['id'],d[side]['address'],d[side]['port'])].append(d)
    for row in L[1:]:
        r=dict(zip(h,row)); half='query' if r['type'] in('request','query') else 'response'
        c=idx.get((half,int(r['id']),str(ipaddress.ip_address(r['src'])),int(r['sport'])))
        if not c: tot['missing '+half]+=1; bad.append((rel,'missing',r)); continue
        d=c.pop(0) if len(c)>1 else c[0]; tot['rows']+=1
        name=((d['query'] or {}).get('name') or (d['response'] or {}).get('name') or '').lower()
        ok=(name.rstrip('.')==r['qname'].lower().rstrip('.')); tot['name '+('ok' if ok else 'bad')]+=1
        if not ok: bad.append((rel,'name',r['qname'],name))
        if half=='response':
            ok=d['response']['rcode']==r['rcode']; tot['rcode '+('ok' if ok else 'bad')]+=1
            if not ok: bad.append((rel,'rcode',r['rcode'],d['response']['rcode']))
print('suricata',dict(tot))
for b in bad[:40]: print('  ',b)
