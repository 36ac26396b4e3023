//! What is said over common protocols, as a start for what is made of it.

/// A service: what its sides say.
pub(super) struct Service {
    /// Its port; 0 for messages right above IP.
    pub port: u16,
    /// Over TCP, or UDP.
    pub is_tcp: bool,
    /// What clients say.
    pub client: &'static [&'static [u8]],
    /// What servers say.
    pub server: &'static [&'static [u8]],
}

const fn tcp(port: u16, client: &'static [&'static [u8]], server: &'static [&'static [u8]]) -> Service {
    Service { port, is_tcp: true, client, server }
}

const fn udp(port: u16, client: &'static [&'static [u8]], server: &'static [&'static [u8]]) -> Service {
    Service { port, is_tcp: false, client, server }
}

/// A ClientHello with SNI, ALPN, groups, versions and a key share.
const CLIENT_HELLO: &[u8] = b"\x16\x03\x01\0\x8f\x01\0\0\x8b\x03\x03\
    ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef\0\0\x06\x13\x01\xc0\x2f\0\xff\x01\0\0\x5c\
    \0\0\0\x10\0\x0e\0\0\x0bexample.org\0\x10\0\x0e\0\x0c\x02h2\x08http/1.1\0\x0a\0\x04\0\x02\0\x1d\0\x2b\0\x03\x02\x03\x04\
    \0\x33\0\x26\0\x24\0\x1d\0\x20ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef\xff";
const SERVER_HELLO: &[u8] = b"\x16\x03\x03\0\x3a\x02\0\0\x36\x03\x03ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef\0\x13\x01\0\0\x0e\
    \0\x2b\0\x02\x03\x04\0\x10\0\x04\0\x02\x02h2";
const QUERY: &[u8] = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x03www\x07example\x03org\0\0\x01\0\x01";
const ANSWER: &[u8] = b"\x12\x34\x81\x80\0\x01\0\x01\0\0\0\0\x03www\x07example\x03org\0\0\x01\0\x01\
    \xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x01";
const NO_NAME: &[u8] = b"\x12\x34\x81\x83\0\x01\0\0\0\0\0\0\x03www\x07example\x03org\0\0\x01\0\x01";
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64\
    \0\0\x0d\x01\x05\0\0\0\x01\x82\x86\x84\x41\x88example\x0a";

/// The services; seeds name them by place, so new ones come last.
pub(super) const SERVICES: &[Service] = &[
    tcp(
        80,
        &[
            b"GET /index.html HTTP/1.1\r\nHost: example.org\r\nAccept: */*\r\n\r\n",
            b"POST /form HTTP/1.1\r\nHost: example.org\r\nContent-Length: 5\r\n\r\nhello",
            b"GET /chat HTTP/1.1\r\nHost: example.org\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
              Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
            b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58",
            PREFACE,
        ],
        &[
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            b"HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n",
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
              Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
            b"\x81\x05hello",
            b"\0\0\0\x04\0\0\0\0\0\0\0\x01\x01\x05\0\0\0\x01\x88",
        ],
    ),
    udp(53, &[QUERY], &[ANSWER, NO_NAME]),
    tcp(443, &[CLIENT_HELLO, b"\x14\x03\x03\0\x01\x01\x17\x03\x03\0\x05hello"], &[SERVER_HELLO, b"\x15\x03\x03\0\x02\x02\x28"]),
    Service { port: 0, is_tcp: false, client: &[b"\x08\0\0\0\0\x01\0\x01abcdefgh"], server: &[b"\0\0\0\0\0\x01\0\x01abcdefgh"] },
    tcp(
        22,
        &[b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"],
        &[b"SSH-2.0-OpenSSH_9.6\r\n", b"\0\0\0\x0c\x0a\x14ABCDEFGHIJ"],
    ),
    tcp(
        25,
        &[b"EHLO client.example.org\r\n", b"STARTTLS\r\n", b"MAIL FROM:<a@example.org>\r\n", b"DATA\r\n", b"AUTH LOGIN\r\n", b"QUIT\r\n"],
        &[b"220 mail.example.org ESMTP\r\n", b"250-mail.example.org\r\n250 STARTTLS\r\n", b"354 Go on\r\n", b"334 VXNlcm5hbWU6\r\n"],
    ),
    tcp(
        21,
        &[b"USER anonymous\r\n", b"PASS guest@\r\n", b"PASV\r\n", b"RETR file.txt\r\n", b"PORT 10,0,0,1,200,10\r\n"],
        &[b"220 ready\r\n", b"331 password\r\n", b"230 in\r\n", b"227 Entering Passive Mode (10,0,0,9,200,11)\r\n"],
    ),
    udp(123, &[b"\x23\0\x06\xec\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xe9\0\0\0\0\0\0\0"],
        &[b"\x24\x02\x06\xec\0\0\0\0\0\0\0\0\x0a\0\0\x01\xe9\0\0\0\0\0\0\0\xe9\0\0\0\0\0\0\0\xe9\0\0\0\0\0\0\0\xe9\0\0\0\0\0\0\0"]),
    udp(161, &[b"\x30\x26\x02\x01\x01\x04\x06public\xa0\x19\x02\x01\x07\x02\x01\0\x02\x01\0\x30\x0e\x30\x0c\x06\x08\x2b\x06\x01\x02\x01\x01\x01\0\x05\0"],
        &[b"\x30\x28\x02\x01\x01\x04\x06public\xa2\x1b\x02\x01\x07\x02\x01\0\x02\x01\0\x30\x10\x30\x0e\x06\x08\x2b\x06\x01\x02\x01\x01\x01\0\x04\x02hi"]),
    udp(69, &[b"\0\x01file.bin\0octet\0blksize\x001428\0", b"\0\x04\0\x01"], &[b"\0\x03\0\x01hello", b"\0\x05\0\x01gone\0"]),
    tcp(1080, &[b"\x05\x01\0", b"\x05\x01\0\x03\x0bexample.org\x01\xbb"], &[b"\x05\0", b"\x05\0\0\x01\x0a\0\0\x09\x01\xbb"]),
    tcp(
        5432,
        &[b"\0\0\0\x08\x04\xd2\x16\x2f", b"\0\0\0\x1a\0\x03\0\0user\0me\0database\0d\0\0\0"],
        &[b"S", b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I"],
    ),
    tcp(
        3306,
        &[b"\x20\0\0\x01\x05\xae\x03\0\0\0\0\x01\x21\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"],
        &[b"\x1c\0\0\0\x0a8.0.1\0\x07\0\0\0ABCDEFGH\0\xff\xf7\x21\x02\0\xff\x81"],
    ),
    tcp(53, &[b"\0\x21\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x03www\x07example\x03org\0\0\x01\0\x01"], &[]),
    tcp(23, &[b"\xff\xfd\x03\xff\xfb\x18", b"me\r\n"], &[b"\xff\xfb\x01\xff\xfd\x18login: ", b"Password: "]),
    tcp(
        143,
        &[b"a1 LOGIN me secret\r\n", b"a2 SELECT INBOX\r\n", b"a3 STARTTLS\r\n"],
        &[b"* OK IMAP4rev1 ready\r\n", b"a1 OK in\r\n", b"* BYE\r\n"],
    ),
    udp(67, &[b"\x01\x01\x06\0ABCD\0\0\0\0"], &[b"\x02\x01\x06\0ABCD\0\0\0\0"]),
    udp(
        443,
        &[b"\xc0\0\0\0\x01\x08ABCDEFGH\x04abcd\0\x40\x20ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"],
        &[b"\xc0\0\0\0\0\x04abcd\x08ABCDEFGH\0\0\0\x01", b"\xf0\0\0\0\x01\x04abcd\x08ABCDEFGHtokenABCDEFGHIJKLMNOP"],
    ),
    udp(5353, &[QUERY], &[ANSWER]),
    udp(137, &[b"\x12\x34\x01\x10\0\x01\0\0\0\0\0\0\x20FHEPFCELEHFCEPFFFACACACACACACABM\0\0\x20\0\x01"], &[]),
    udp(1194, &[b"\x38ABCDEFGH\0\0\0\0\0"], &[b"\x40ABCDEFGH\x01\0\0\0\0abcdefgh\0\0\0\0"]),
    udp(51820, &[b"\x01\0\0\0ABCD"], &[b"\x02\0\0\0ABCDABCD"]),
    udp(500, &[b"ABCDEFGH\0\0\0\0\0\0\0\0\x21\x20\x22\x08\0\0\0\0\0\0\0\x24\0\0\0\x08\0\0\0\0"], &[]),
    tcp(110, &[b"USER me\r\n", b"STLS\r\n"], &[b"+OK ready\r\n", b"-ERR no\r\n"]),
    tcp(5222, &[b"<stream:stream xmlns='jabber:client' to='example.org'>", b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"], &[b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"]),
];
