//! Software as servers name it in their greetings, in words made for people: a list of names, and the version behind them.

/// Names as they stand in greetings, the more precise ones first.
const NAMES: &[&str] = &[
    "vsFTPd",
    "ProFTPD",
    "Pure-FTPd",
    "FileZilla Server",
    "Microsoft FTP Service",
    "pyftpdlib",
    "bftpd",
    "glFTPd",
    "Serv-U",
    "wu-ftpd",
    "inetutils",
    "Microsoft ESMTP MAIL Service",
    "Microsoft Exchange",
    "Postfix",
    "Exim",
    "Sendmail",
    "OpenSMTPD",
    "Haraka",
    "MailEnable",
    "hMailServer",
    "MDaemon",
    "Zimbra",
    "Lotus Domino",
    "Python SMTP",
    "gsmtp",
    "qmail",
    "qpsmtpd",
    "Dovecot",
    "Courier-IMAP",
    "Cyrus IMAP",
    "Cyrus POP3",
    "UW-IMAP",
    "Gimap",
    "Qpopper",
    "TCPOP",
    "Gpop",
    "Stalwart",
    "CommuniGate",
];

/// The software a greeting names, with its version where one follows.
pub fn software(greeting: &[u8]) -> Option<String> {
    let greeting = String::from_utf8_lossy(greeting);
    let lower = greeting.to_ascii_lowercase();
    let (name, start) =
        NAMES.iter().find_map(|name| lower.find(&name.to_ascii_lowercase()).map(|start| (*name, start)))?;
    let written = greeting.get(start..start.saturating_add(name.len())).unwrap_or(name);
    let rest = greeting.get(start.saturating_add(name.len())..).unwrap_or_default();
    let follows = rest.trim_start_matches([' ', '/', ',', '[', '-']);
    let follows = follows.strip_prefix("Version ").or_else(|| follows.strip_prefix("ESMTP ")).unwrap_or(follows);
    let version = follows.split([' ', ')', ']', ',', ';', ':']).next().unwrap_or_default();
    let is_version = |text: &str| {
        let digits = text.strip_prefix(['v', 'V']).unwrap_or(text);
        digits.starts_with(|letter: char| letter.is_ascii_digit()) && text.len() <= 32
    };
    Some(if is_version(version) { format!("{written} {version}") } else { written.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greetings() {
        for (greeting, expected) in [
            ("(vsFTPd 3.0.3)", Some("vsFTPd 3.0.3")),
            ("ProFTPD 1.3.5rc3 Server (Debian) [::ffff:10.0.0.1]", Some("ProFTPD 1.3.5rc3")),
            ("---------- Welcome to Pure-FTPd [privsep] [TLS] ----------", Some("Pure-FTPd")),
            ("FileZilla Server version 0.9.41 beta", Some("FileZilla Server")),
            ("mail.example.org ESMTP Exim 4.96 Sat, 21 Nov 2026", Some("Exim 4.96")),
            ("mail.example.org ESMTP Postfix (Debian/GNU)", Some("Postfix")),
            ("x ESMTP Sendmail 8.13.8/8.13.8; Mon", Some("Sendmail 8.13.8/8.13.8")),
            ("x Microsoft ESMTP MAIL Service, Version: 6.0.3790.3959 ready", Some("Microsoft ESMTP MAIL Service")),
            ("Dovecot ready.", Some("Dovecot")),
            ("POP3 server ready", None),
        ] {
            assert_eq!(software(greeting.as_bytes()).as_deref(), expected, "{greeting}");
        }
    }
}
