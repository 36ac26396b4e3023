//! Findings about TLS handshakes and certificates.
use super::{ERROR, Entry, NOTE, WARNING};

pub static ENTRIES: &[Entry] = &[
    Entry {
        code: "tls.alert",
        severities: ERROR,
        title: "a fatal alert ended the handshake",
        explanation: "One side told the other in an alert why it does not go on; the alert's name is the reason. \
             certificate_expired and unknown_ca come from who checked the certificate, handshake_failure and \
             protocol_version mean that both ends have nothing in common, unrecognized_name that the server does \
             not serve the name asked for.\n\n\
             The side that sent the alert is the one that was not content: look at what the other side had sent \
             just before.",
        reference: Some("RFC 9846 6"),
    },
    Entry {
        code: "tls.handshake-incomplete",
        severities: WARNING,
        title: "the handshake broke off without a reason that can be seen",
        explanation: "No alert was sent, or none that was seen. A server that closes after ClientHello often has no \
             certificate for the name, or speaks another protocol; a client that closes after the certificate \
             often does not trust it. In TLS 1.3 the client's alert is encrypted: its size and place give it away, \
             its reason does not show.",
        reference: Some("RFC 9846 6.1"),
    },
    Entry {
        code: "tls.too-many-hellos",
        severities: WARNING,
        title: "one flow holds more hellos than are reported",
        explanation: "Handshakes in the clear are rarely repeated on one connection: this may be an attack on the server, \
             or on whoever reads the capture. The rest of the flow's handshakes is left out.",
        reference: Some("RFC 5246 7.4.1.1"),
    },
    Entry {
        code: "tls.obsolete-version",
        severities: WARNING,
        title: "both ends agreed on an obsolete version",
        explanation: "SSL 2.0, SSL 3.0, TLS 1.0 and TLS 1.1 must not be used any more: they rest on MD5, SHA-1 and weak \
             constructions. Enable TLS 1.2 and 1.3 on both ends.",
        reference: Some("RFC 8996"),
    },
    Entry {
        code: "tls.weak-cipher",
        severities: WARNING,
        title: "the server chose a cipher suite that should not be used",
        explanation: "Suites without encryption or authentication, with export keys, RC4, DES or MD5 can be broken; those \
             without forward secrecy let whoever gets the server's key later read everything recorded. Order the \
             server's suites anew.",
        reference: Some("RFC 9325 4.1"),
    },
    Entry {
        code: "tls.certificate-expired",
        severities: ERROR,
        title: "a certificate had expired",
        explanation: "It had expired when the packet was captured, judged by the capture's clock; clients refuse it. Renew \
             it, and have the server load it: a renewed file is of no use while the process still shows the old \
             one.",
        reference: Some("RFC 5280 4.1.2.5"),
    },
    Entry {
        code: "tls.certificate-expires",
        severities: NOTE,
        title: "a certificate expires soon",
        explanation: "Fewer than 30 days were left when the packet was captured. Renew it in time; where renewal is \
             automatic, it should have happened by now.",
        reference: Some("RFC 5280 4.1.2.5"),
    },
    Entry {
        code: "tls.certificate-not-yet-valid",
        severities: WARNING,
        title: "a certificate was not valid yet",
        explanation: "It was not valid yet when the packet was captured, or the clock of the capture, or of who issued it, \
             is wrong. Clients refuse it until then.",
        reference: Some("RFC 5280 4.1.2.5"),
    },
    Entry {
        code: "tls.weak-key",
        severities: WARNING,
        title: "a certificate has a weak key or signature",
        explanation: "RSA keys of less than 2048 bits, and signatures that rest on MD2, MD5 or SHA-1, can be forged or \
             broken; clients refuse them.",
        reference: Some("RFC 9325 4.5"),
    },
    Entry {
        code: "tls.self-signed",
        severities: NOTE,
        title: "the server's certificate vouches for itself",
        explanation: "Subject and issuer are the same: no authority vouches for it. Clients accept it only where it was \
             installed by hand, as on test machines and appliances.",
        reference: Some("RFC 5280 3.2"),
    },
    Entry {
        code: "tls.name-mismatch",
        severities: WARNING,
        title: "the certificate is not for the name that was asked for",
        explanation: "Clients compare the name they connect to with the DNS names in the certificate's subjectAltName (the \
             common name no longer counts), and refuse what does not match. The server has no certificate for this \
             name, or answers with its default one because it does not know the name.",
        reference: Some("RFC 9525 6"),
    },
    Entry {
        code: "tls.limit",
        severities: WARNING,
        title: "more came in a handshake than is kept",
        explanation: "Handshake messages are read up to a length, and only so many certificates, alerts and fragments of \
             one handshake are kept; what is beyond is left out.",
        reference: None,
    },
    Entry {
        code: "tls.decryption-failed",
        severities: WARNING,
        title: "given keys do not open a session's records",
        explanation: "A key log or private key that was given fits the session, but its records, or some of them, do not \
             authenticate with it. Where none does, the secrets are of another session. Where some do not, those \
             records were changed on their way, or records before them are missing from the capture, so that their \
             number, which is part of what is authenticated, is not known.",
        reference: Some("RFC 9846 5.2"),
    },
    Entry {
        code: "tls.decryption-unsupported",
        severities: NOTE,
        title: "keys are there, but this kind of session cannot be opened",
        explanation: "The version, cipher suite or compression is not implemented: AES-GCM, AES-CCM, ChaCha20-Poly1305, \
             AES-CBC, 3DES-CBC and RC4 of TLS 1.0 to 1.3 are.",
        reference: Some("RFC 9846 5.2"),
    },
    Entry {
        code: "tls.key-log-lines",
        severities: WARNING,
        title: "lines of the key log cannot be read",
        explanation: "A line has a label, the client random and the secret, in hex. Lines that are cut or mixed up open \
             nothing; what they would have opened stays closed. They are not shown, as they may hold secrets.",
        reference: Some("RFC 9850 2"),
    },
];
