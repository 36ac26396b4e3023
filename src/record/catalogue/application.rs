//! Findings about protocols of which the first facts are read.
use super::{ERROR, Entry, NOTE, WARNING};

pub static ENTRIES: &[Entry] = &[
    Entry {
        code: "application.plaintext-credentials",
        severities: WARNING,
        title: "a password travels in the clear",
        explanation: "A client logs in, and nothing around the connection encrypts it: FTP, SMTP, POP3, IMAP and Telnet send what \
             is typed as it is, or in base64, which hides nothing. Whoever can read the way between both ends has user \
             name and password, and what follows.\n\n\
             Passwords are never kept and never printed here. Use the protocol over TLS (STARTTLS, or the port where TLS \
             comes first), and SSH instead of Telnet; and set the server so that it takes no login before.",
        reference: Some("RFC 8314 3"),
    },
    Entry {
        code: "application.limit",
        severities: WARNING,
        title: "flows said more than is listed of one",
        explanation: "Of a protocol that is not followed further only the first 48 facts of a flow are listed.",
        reference: None,
    },
    Entry {
        code: "ftp.foreign-data-address",
        severities: NOTE,
        title: "an end of FTP announces data connections at an address that is not its own",
        explanation: "FTP tells the address of each data connection inside the control connection. It differs from the \
             address that this end has here: addresses are translated on the way and nothing rewrites those inside FTP \
             (over TLS nothing can), the server does not know its public address, or the data are to flow between two \
             servers.\n\n\
             Many clients and firewalls refuse such addresses or replace them; others connect to the wrong host and \
             transfers hang. Extended passive mode (EPSV) names no address and so avoids this.",
        reference: Some("RFC 2577 3"),
    },
    Entry {
        code: "ssh.old-version",
        severities: WARNING,
        title: "an end speaks version 1 of SSH",
        explanation: "Version 1 of SSH has been broken since 1998: whoever is on the way can change what passes, and read \
             it with some effort. Servers that say 1.99 do both versions and are not meant.",
        reference: Some("RFC 4253 5"),
    },
    Entry {
        code: "ssh.nothing-in-common",
        severities: ERROR,
        title: "two ends of SSH have no algorithm in common",
        explanation: "Both ends list what they can do, and of each kind the first one of the client's list that the server has \
             too is used. Of one kind there is none, so the connection ends here. Usually one end is much older: newer \
             software has dropped what was once the only choice.",
        reference: Some("RFC 4253 7.1"),
    },
    Entry {
        code: "ssh.weak-algorithm",
        severities: NOTE,
        title: "an SSH connection uses an algorithm that is no longer strong",
        explanation: "What both ends agreed on is the best that they have in common, and it is no longer thought to be strong \
             enough: a key exchange with SHA-1 over a small group, DSA keys, RC4, 3DES and other small block ciphers, or \
             MACs with MD5.",
        reference: Some("RFC 9142"),
    },
    Entry {
        code: "ssh.terrapin",
        severities: NOTE,
        title: "the beginning of an SSH connection could be shortened unnoticed",
        explanation: "With ChaCha20-Poly1305, or CBC with encrypt-then-MAC, somebody on the way can remove messages from the \
             beginning of the encrypted part, such as the list of extensions that makes logins safer. Both ends must do \
             strict key exchange to prevent it; at least one does not say that it does.",
        reference: Some("CVE-2023-48795"),
    },
];
