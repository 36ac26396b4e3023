//! Findings about TLS handshakes and certificates, and about STARTTLS.
use super::{ANY, ERROR, Entry, NOTE, WARNING, WARNING_OR_ERROR};

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
        code: "tls.no-answer",
        severities: WARNING,
        title: "one side stopped answering during the handshake",
        explanation: "The capture goes on for 10 seconds or more without another message, an alert or an end of the \
             connection. A server that hangs, or that waits for one behind it, does this, and so does a firewall that \
             drops what it does not like: large ClientHellos with post-quantum keys, or certain names. Where packets \
             of full size are lost, look at the path's MTU.",
        reference: Some("RFC 9846 2"),
    },
    Entry {
        code: "tls.not-tls",
        severities: ERROR,
        title: "one side does not speak TLS on this port",
        explanation: "A ClientHello was answered with something else, often plain text of the protocol inside. The \
             port is the one without TLS (HTTP on 80, SMTP on 25), the protocol wants STARTTLS first, or TLS is not \
             enabled in the server's configuration (nginx: listen 443 without ssl).",
        reference: Some("RFC 9846 5.1"),
    },
    Entry {
        code: "tls.plain-text-to-tls-port",
        severities: ERROR,
        title: "the client does not speak TLS to a port that expects it",
        explanation: "What the client sent first is no TLS, and the server answered with a TLS alert. Use the \
             protocol's TLS variant (https, ldaps, ...), or the port that speaks without TLS. Behind a proxy or load \
             balancer, TLS may end there while the server behind it expects it too.",
        reference: Some("RFC 9846 5.1"),
    },
    Entry {
        code: "starttls.not-asked",
        severities: ERROR,
        title: "TLS began on a port where it has to be asked for first",
        explanation: "The protocol begins in the clear on this port, and the client sent its ClientHello without \
             asking for TLS, so the server cannot understand it. Set the client to STARTTLS (587 for mail submission, \
             143 for IMAP), or use the port where TLS comes first (465, 993).",
        reference: Some("RFC 7817 2"),
    },
    Entry {
        code: "starttls.refused",
        severities: WARNING,
        title: "the server refused to go over to TLS",
        explanation: "The client asked for TLS and the server declined: TLS is not set up there, or has no \
             certificate. What follows is in the clear, passwords included, unless the client stops here. Somebody on \
             the way can forge such a refusal, so clients should insist on TLS instead of going on without it.",
        reference: Some("RFC 7817 2"),
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
        code: "tls.malformed-extension",
        severities: WARNING,
        title: "an extension does not hold what its definition says",
        explanation: "A hello, or another message with extensions, holds one whose lengths do not add up, that is empty \
             where it must not be, or longer than what belongs there. Strict peers answer with the alert decode_error \
             and end the handshake; lenient ones pass over it. The sender's TLS library is faulty, or the message was \
             made up, as scanners and fuzzers do.",
        reference: Some("RFC 9846 4.2"),
    },
    Entry {
        code: "tls.duplicate-extension",
        severities: WARNING,
        title: "one message holds the same extension twice",
        explanation: "There must be no more than one extension of a type in a message. Which of them counts is not \
             defined: peers that take different ones can be played off against each other, as when a firewall reads \
             another server_name than the server does. Most peers refuse with illegal_parameter or decode_error.",
        reference: Some("RFC 9846 4.2"),
    },
    Entry {
        code: "tls.unsolicited-extension",
        severities: WARNING,
        title: "the server answered an extension that the client had not offered",
        explanation: "A server may only answer what the client asked for. Clients refuse the handshake with the alert \
             unsupported_extension. The server's TLS library is faulty, or something between the two changed the \
             client's hello, as inspecting proxies do.",
        reference: Some("RFC 9846 4.2"),
    },
    Entry {
        code: "tls.truncated",
        severities: WARNING,
        title: "a connection was closed in the middle of a TLS record",
        explanation: "What was sent is cut: the receiver cannot decrypt the last record and must treat the data as \
             truncated. The sender crashed or gave up, or somebody on the way closed the connection in its name.",
        reference: Some("RFC 9846 6.1"),
    },
    Entry {
        code: "tls.no-close-notify",
        severities: NOTE,
        title: "the server closed without saying so in TLS",
        explanation: "Before its FIN a server should send the alert close_notify. Without it the end of the data is \
             not protected: the client cannot tell it from a connection that somebody cut. Harmless where the \
             protocol inside tells its own length, as HTTP does; many servers do this.",
        reference: Some("RFC 9846 6.1"),
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
        severities: WARNING_OR_ERROR,
        title: "a certificate was not valid yet",
        explanation: "It was not valid yet when the packet was captured, or the clock of the capture, or of who issued it, \
             is wrong. Clients refuse it until then.",
        reference: Some("RFC 5280 4.1.2.5"),
    },
    Entry {
        code: "tls.invalid-signature",
        severities: ERROR,
        title: "a signature in a certificate chain is wrong",
        explanation: "It does not fit the key of the issuer that the certificate names. The certificate was altered, \
             or its issuer has another key under the same name: an authority that was made anew, or a certificate put \
             together with the wrong chain. No client accepts it. Install the chain that came with the certificate.",
        reference: Some("RFC 5280 6.1.3"),
    },
    Entry {
        code: "tls.certificate-revoked",
        severities: ERROR,
        title: "the server's certificate was revoked",
        explanation: "The OCSP response that the server itself shows in the handshake (its staple) says that the \
             authority has withdrawn the certificate, because its key was lost or stolen, or it was replaced. Clients \
             that look at staples refuse it. Get a new certificate, with a new key. A staple whose signature is wrong, or \
             that is about another certificate, is not believed (tls.staple-invalid).",
        reference: Some("RFC 6960 2.2"),
    },
    Entry {
        code: "tls.staple-invalid",
        severities: WARNING,
        title: "the OCSP response that the server staples does not hold",
        explanation: "A server may show, with its certificate, a signed statement of the authority that the certificate is \
             still good. This one's signature does not fit, or is of somebody who may not sign it; it is about another \
             certificate; it is out of date by the capture's clock; or it holds no statement at all. Clients that \
             look at staples, Firefox among them, refuse the connection; others pass over it, and then nothing keeps \
             a revoked certificate from being used. Look at how the server gets its staples: whether it can reach the \
             responder, and throws old ones away.",
        reference: Some("RFC 6960 3.2"),
    },
    Entry {
        code: "tls.must-staple-missing",
        severities: NOTE,
        title: "the certificate asks for OCSP stapling, and the server does not staple",
        explanation: "The certificate has the TLS feature status_request (must-staple): its owner had the authority write \
             into it that it counts only together with a fresh OCSP response. The client asked for one and the server \
             showed none. Clients that honour this refuse the connection. Switch stapling on, or have the certificate \
             issued anew without the feature.",
        reference: Some("RFC 7633 4.2.3.1"),
    },
    Entry {
        code: "tls.compressed-certificate",
        severities: WARNING,
        title: "a compressed certificate message cannot be read",
        explanation: "A TLS 1.3 peer may compress its certificates (zlib, brotli, zstd). This message does not unpack, does \
             not unpack to the length that it announces, would unpack to more than a chain of certificates can be \
             long (a decompression bomb), or uses another algorithm. What certificates it holds is not known.",
        reference: Some("RFC 8879 4"),
    },
    Entry {
        code: "tls.client-certificate",
        severities: ANY,
        title: "something is wrong with the client's certificate",
        explanation: "The client proved itself with a certificate (mutual TLS). It has expired, is not meant for clients, \
             is badly signed or breaks another rule that servers check. That its authority is not one of those given is \
             told only when the server refused it: authorities of clients are private as a rule (give them with --ca).\n\n\
             It is an error when the server did refuse it, and a note when the authority alone is in question.",
        reference: Some("RFC 5280 6.1"),
    },
    Entry {
        code: "tls.inspection-signs",
        severities: NOTE,
        title: "signs that a device or program on the way reads TLS",
        explanation: "Firewalls, proxies, virus scanners and debugging tools that inspect TLS end the client's connection \
             themselves and show it a certificate which they made for the server's name on the spot, signed by an \
             authority of their own that was installed on the client. The finding lists what points to that: the \
             authority's name is that of such a product; one private authority signs for many sites that have nothing \
             to do with one another, without saying, as public authorities must, where to ask about revocation; or \
             certificates of different sites share one key. That may be wanted. Where it is not, look at which \
             authorities the client trusts. What the server itself showed is not in this capture.",
        reference: Some("RFC 9846 9.3"),
    },
    Entry {
        code: "tls.weak-key",
        severities: WARNING_OR_ERROR,
        title: "a certificate has a key that is too short",
        explanation: "RSA and DSA keys of less than 2048 bits, and elliptic curves of less than 224, can be broken; \
             clients have refused them since 2014. It may be the server's own certificate or one of its issuers. Have \
             it issued anew for a longer key.\n\n\
             It is an error when the client did refuse the certificate.",
        reference: Some("RFC 9325 4.5"),
    },
    Entry {
        code: "tls.weak-signature",
        severities: WARNING_OR_ERROR,
        title: "a certificate is signed with a broken hash",
        explanation: "Signatures that rest on MD2, MD4, MD5 or SHA-1 can be forged, so clients refuse them: MD5 since \
             2012, SHA-1 since 2017; what counts is the time of the capture. A root's own signature does not matter. \
             Have the certificate issued anew with SHA-256.\n\n\
             It is an error when the client did refuse the certificate.",
        reference: Some("RFC 9325 4.5"),
    },
    Entry {
        code: "tls.self-signed",
        severities: ANY,
        title: "the server's certificate vouches for itself",
        explanation: "Subject and issuer are the same: no authority vouches for it. Clients accept it only where it \
             was installed by hand, as on test machines and appliances.\n\n\
             It is a warning when the client probably refused it, and an error when it said so.",
        reference: Some("RFC 5280 3.2"),
    },
    Entry {
        code: "tls.name-mismatch",
        severities: WARNING_OR_ERROR,
        title: "the certificate is not for the name that was asked for",
        explanation: "Clients compare the name they connect to with the DNS names in the certificate's subjectAltName (the \
             common name no longer counts), and refuse what does not match. The server has no certificate for this \
             name, or answers with its default one because it does not know the name.",
        reference: Some("RFC 9525 6"),
    },
    Entry {
        code: "tls.missing-intermediate",
        severities: WARNING_OR_ERROR,
        title: "the server does not send the intermediate certificate",
        explanation: "Authorities do not sign servers' certificates with their root, but with an intermediate \
             certificate, and the server has to send that along. Without it most clients cannot find a way to the \
             root. Browsers often have it from elsewhere, so the site works there and fails in programs. Configure \
             the server with the full chain (fullchain.pem).\n\n\
             It is an error when the client did refuse the certificate.",
        reference: Some("RFC 9846 4.4.2"),
    },
    Entry {
        code: "tls.unknown-ca",
        severities: ANY,
        title: "the certificate is from an authority that is not trusted",
        explanation: "The chain does not lead to one of the authorities that were given. For a private authority, as \
             of a company or a device that inspects TLS, that is right, and its clients have to trust it: give its \
             certificate here too (--ca). Otherwise the authority is no longer trusted, or another intermediate \
             certificate is missing.\n\n\
             It is a warning when the client probably refused the certificate, and an error when it said so.",
        reference: Some("RFC 5280 6.1"),
    },
    Entry {
        code: "tls.certificate-chain",
        severities: WARNING_OR_ERROR,
        title: "a certificate chain breaks a rule",
        explanation: "A certificate is malformed, its authority is distrusted by name, it is not meant for servers \
             (extendedKeyUsage), an issuer is no authority or may not issue for this name or at this depth, or the \
             certificates form more paths than a client tries. The finding says which. Clients that check refuse it: \
             have the certificate issued correctly.\n\n\
             It is an error when the client did refuse it.",
        reference: Some("RFC 5280 6.1"),
    },
    Entry {
        code: "tls.certificate-not-checked",
        severities: ANY,
        title: "the server's certificate could not be checked",
        explanation: "It is of a version, or has a critical extension, that clients do not accept, or uses an \
             algorithm that is not checked here. Nothing is said of whether it is genuine.\n\n\
             It is a warning when the client probably refused the certificate, and an error when it said so.",
        reference: Some("RFC 5280 6"),
    },
    Entry {
        code: "tls.certificate-refused",
        severities: WARNING,
        title: "the client refused a certificate in which nothing is wrong",
        explanation: "The chain leads to a trusted authority and was valid by the capture's clock, and yet the \
             client's alert says that it does not accept it. The client has other authorities (an old system, or a \
             container without any), pins another key, or its clock is wrong. Look at the client.",
        reference: Some("RFC 9846 6.2"),
    },
    Entry {
        code: "tls.comparison-limit",
        severities: WARNING,
        title: "TLS handshakes were not compared with all others",
        explanation: "Signs of inspection show when certificates of many handshakes lie side by side. To bound memory, only \
             the first 256 authorities that are not trusted, and the first 64 sites of each, are compared. All handshakes \
             are reported; filter the capture to compare others.",
        reference: None,
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
