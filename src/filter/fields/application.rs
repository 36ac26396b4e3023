//! Fields of the protocols of which the first facts are read.
use super::{Field, flag, text, u8, u16, u24, u32};

pub(super) static SSH: &[Field] = &[
    text("ssh.protocol", "Identification"),
    flag("ssh.direction", "From the server"),
    u32("ssh.packet_length", "Length of the packet"),
    u8("ssh.padding_length", "Length of the padding"),
    u8("ssh.message_code", "Kind of message"),
    text("ssh.kex_algorithms", "Key exchange methods on offer"),
    text("ssh.server_host_key_algorithms", "Host key algorithms on offer"),
    text("ssh.encryption_algorithms_client_to_server", "Ciphers on offer for what the client sends"),
    text("ssh.encryption_algorithms_server_to_client", "Ciphers on offer for what the server sends"),
    text("ssh.mac_algorithms_client_to_server", "MACs on offer for what the client sends"),
    text("ssh.mac_algorithms_server_to_client", "MACs on offer for what the server sends"),
    text("ssh.compression_algorithms_client_to_server", "Compression on offer for what the client sends"),
    text("ssh.compression_algorithms_server_to_client", "Compression on offer for what the server sends"),
    text("ssh.kex.hassh", "Fingerprint of the client's offer"),
    text("ssh.kex.hasshserver", "Fingerprint of the server's offer"),
];

pub(super) static FTP: &[Field] = &[
    flag("ftp.request", "A request"),
    text("ftp.request.command", "Command"),
    text("ftp.request.arg", "Argument of a command; passwords are not shown"),
    flag("ftp.response", "A response"),
    u32("ftp.response.code", "Code of a reply"),
    text("ftp.response.arg", "Text of a reply"),
];

pub(super) static SMTP: &[Field] = &[
    flag("smtp.req", "A request"),
    text("smtp.req.command", "Command"),
    text("smtp.req.parameter", "Parameter of a command; passwords are not shown"),
    flag("smtp.rsp", "A response"),
    u32("smtp.response.code", "Code of a reply"),
    text("smtp.rsp.parameter", "Text of a reply"),
];

pub(super) static POP: &[Field] = &[
    text("pop.request", "A request; passwords are not shown"),
    text("pop.request.command", "Command"),
    text("pop.request.parameter", "Parameter of a command; passwords are not shown"),
    text("pop.response", "A response"),
    text("pop.response.indicator", "+OK or -ERR"),
    text("pop.response.description", "Text of a response"),
];

pub(super) static IMAP: &[Field] = &[
    flag("imap.isrequest", "From the client"),
    text("imap.request_tag", "Tag of a request"),
    text("imap.request.command", "Command"),
    text("imap.request.username", "User who logs in"),
    text("imap.request.folder", "Mailbox of a command"),
    text("imap.response_tag", "Tag of a response"),
    text("imap.response.status", "Status of a response"),
    text("imap.response.command", "First word behind the status of a response"),
];

pub(super) static TELNET: &[Field] =
    &[u8("telnet.cmd", "Command"), u8("telnet.subcmd", "Option that a command is about")];

pub(super) static MYSQL: &[Field] = &[
    u24("mysql.packet_length", "Length of the packet"),
    u8("mysql.packet_number", "Number of the packet"),
    text("mysql.version", "Version of the server"),
    text("mysql.user", "User who logs in"),
    text("mysql.schema", "Database"),
    u16("mysql.error_code", "Code of an error"),
    text("mysql.error.message", "Text of an error"),
];

pub(super) static PGSQL: &[Field] = &[
    text("pgsql.type", "Kind of message"),
    u32("pgsql.length", "Length of the message"),
    text("pgsql.parameter_name", "Name of a parameter"),
    text("pgsql.parameter_value", "Value of a parameter"),
    u32("pgsql.authtype", "How the client shall prove itself"),
    text("pgsql.code", "Code of an error"),
    text("pgsql.message", "Text of an error"),
];
