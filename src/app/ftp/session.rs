//! One control connection: commands wait for their replies, which come in order. Both sides may be seen alone.
use std::{collections::VecDeque, net::IpAddr};

use super::{
    endpoint::{self, Announced},
    note,
};
use crate::{
    app::{
        Carrier, Probe, Session, Sink, Verdict,
        codec::{
            banner,
            draft::Draft,
            facts::{Facts, list, text},
            lines::{Lines, reply, word},
            plaintext,
            starttls::{StartTls, is_client_hello},
        },
    },
    limits,
    record::{Context, Direction, Evidence, Finding, Input, PacketRef, Progress, Severity, Side, Subject},
};

/// Commands by which a client is known that are FTP's alone.
const OWN: [&[u8]; 12] = [
    b"AUTH TLS",
    b"AUTH SSL",
    b"PBSZ 0",
    b"PROT P",
    b"PASV\r\n",
    b"EPSV",
    b"PORT ",
    b"EPRT |",
    b"SYST\r\n",
    b"FEAT\r\n",
    b"OPTS UTF8",
    b"TYPE I\r\n",
];

/// Which bytes are FTP's. A greeting with 220 may be SMTP's too: the text tells, or what the client says.
pub(super) fn probe(asked: &Probe<'_>) -> Verdict {
    if !matches!(asked.carrier, Carrier::Tcp | Carrier::Tls) {
        return Verdict::No;
    }
    let bytes = asked.bytes;
    let starts = |word: &[u8]| bytes.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    if asked.direction == Direction::ClientToServer {
        if OWN.iter().any(|word| starts(word)) {
            return Verdict::Certain;
        }
        // POP3 begins so too, and is told by what its server says.
        let hint = matches!(asked.flow.server.port, 21 | 2121);
        let begins = OWN.iter().any(|word| bytes.len() < word.len() && word.starts_with(bytes));
        return match () {
            () if !asked.from_start => Verdict::No,
            () if starts(b"USER ") && is_lone_word(bytes) => {
                if hint {
                    Verdict::Certain
                } else {
                    Verdict::Maybe
                }
            }
            () if begins && hint => Verdict::Maybe,
            () => Verdict::No,
        };
    }
    if bytes.starts_with(b"227 ") && endpoint::six_numbers(bytes.get(4..).unwrap_or_default()).is_some() {
        return Verdict::Certain;
    }
    if bytes.starts_with(b"229 ") && endpoint::extended(bytes.get(4..).unwrap_or_default()).is_some() {
        return Verdict::Certain;
    }
    if !asked.from_start {
        return Verdict::No;
    }
    if !(bytes.starts_with(b"220 ") || bytes.starts_with(b"220-")) {
        return if bytes.len() < 4 && b"220".starts_with(bytes.get(..3).unwrap_or(bytes)) {
            Verdict::Maybe
        } else {
            Verdict::No
        };
    }
    let contains = |word: &[u8]| bytes.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word));
    match (contains(b"SMTP"), contains(b"FTP"), asked.flow.server.port) {
        (true, ..) => Verdict::No,
        (false, true, _) => Verdict::Certain,
        (false, false, 21 | 2121) if bytes.contains(&b'\n') => Verdict::Likely,
        _ => Verdict::Maybe,
    }
}

/// Whether a command has one argument without spaces, as far as it is here.
fn is_lone_word(line: &[u8]) -> bool {
    let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii_end();
    let (_, argument) = word(line);
    !argument.is_empty() && !argument.contains(&b' ') && argument.iter().all(|byte| (33..=126).contains(byte))
}

/// What waits for its reply.
#[derive(Debug)]
struct Pending {
    command: Command,
    argument: String,
    packet: PacketRef,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    User,
    Password,
    Auth,
    Features,
    System,
    Directory(&'static str),
    /// RETR, STOR and the like.
    Transfer(&'static str),
    /// What changes files.
    Change(&'static str),
    /// PORT and EPRT.
    Active,
    /// PASV and EPSV.
    Passive,
    Other,
}

impl Command {
    fn of(verb: &[u8]) -> Self {
        match verb.to_ascii_uppercase().as_slice() {
            b"USER" => Self::User,
            b"PASS" => Self::Password,
            b"AUTH" => Self::Auth,
            b"FEAT" => Self::Features,
            b"SYST" => Self::System,
            b"CWD" => Self::Directory("CWD"),
            b"RETR" => Self::Transfer("RETR"),
            b"STOR" => Self::Transfer("STOR"),
            b"STOU" => Self::Transfer("STOU"),
            b"APPE" => Self::Transfer("APPE"),
            b"DELE" => Self::Change("DELE"),
            b"MKD" | b"XMKD" => Self::Change("MKD"),
            b"RMD" | b"XRMD" => Self::Change("RMD"),
            b"RNFR" => Self::Change("RNFR"),
            b"RNTO" => Self::Change("RNTO"),
            b"PORT" | b"EPRT" => Self::Active,
            b"PASV" | b"EPSV" => Self::Passive,
            _ => Self::Other,
        }
    }
}

/// The session.
#[derive(Debug)]
pub(super) struct Ftp {
    carrier: Carrier,
    lines: Lines,
    facts: Facts,
    tls: StartTls,
    pending: VecDeque<Pending>,
    /// The first reply was read: a greeting comes only before all others.
    greeted: bool,
    /// The code of a reply of several lines, whose last line is awaited.
    open: Option<u16>,
    features: Vec<String>,
    anonymous: bool,
    password_told: bool,
    transfers: u64,
    changes: u64,
    data_ends: u64,
    foreign_told: bool,
}

impl Ftp {
    pub(super) fn new(carrier: Carrier) -> Self {
        Self {
            carrier,
            lines: Lines::default(),
            facts: Facts::default(),
            tls: StartTls::default(),
            pending: VecDeque::new(),
            greeted: false,
            open: None,
            features: Vec::new(),
            anonymous: false,
            password_told: false,
            transfers: 0,
            changes: 0,
            data_ends: 0,
            foreign_told: false,
        }
    }

    fn stream(&mut self, direction: Direction, bytes: &[u8], context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        let (mut at, mut draft) = (0_usize, Draft::default());
        let progress = loop {
            if direction == Direction::ClientToServer && self.lines.begins(direction) {
                let rest = bytes.get(at..).unwrap_or_default();
                match is_client_hello(rest) {
                    Some(true) => {
                        let title = (self.carrier == Carrier::Tcp).then_some("FTP");
                        self.tls.begin(title, context.packet_at(at), context, out);
                        self.tell(context, out);
                        break Progress::HandOver(at);
                    }
                    None => break Progress::Consumed(at),
                    Some(false) => {}
                }
            }
            let Some(line) = self.lines.next(direction, bytes, &mut at) else { break Progress::Consumed(at) };
            let packet = context.packet_completing(line.end);
            match direction {
                Direction::ClientToServer => self.command(line.text, packet, (context, &mut draft), out),
                Direction::ServerToClient => self.reply_line(line.text, packet, (context, &mut draft), out),
            }
        };
        out.lies(0..at);
        draft.tell("ftp", out);
        progress
    }

    fn command(
        &mut self,
        line: &[u8],
        packet: PacketRef,
        (context, draft): (&Context<'_>, &mut Draft),
        out: &mut Sink<'_>,
    ) {
        // Telnet's interrupt and synch may precede ABOR (RFC 959 4.1.3).
        let line =
            line.iter().position(|byte| *byte < 0xf0).map_or(line, |start| line.get(start..).unwrap_or_default());
        let (verb, argument) = word(line);
        let command = Command::of(verb);
        // What ADAT carries may be a token (RFC 2228).
        let is_secret = command == Command::Password || verb.eq_ignore_ascii_case(b"ADAT");
        let shown: &[u8] = if is_secret { b"****" } else { argument };
        if out.wants_notes() {
            note::request(verb, shown, draft);
        }
        match command {
            Command::User => {
                self.anonymous = matches!(argument.to_ascii_lowercase().as_slice(), b"anonymous" | b"ftp");
                self.facts.add_few("user", text(argument), Side::Client, packet, limits::MAX_REPEATED_FACTS);
            }
            Command::Password if !self.anonymous && !std::mem::replace(&mut self.password_told, true) => {
                plaintext::credentials(
                    (self.carrier, "FTP"),
                    "PASS",
                    "Use SFTP, or FTP over TLS (AUTH TLS).",
                    packet,
                    context,
                    out,
                );
            }
            Command::Auth if matches!(argument.get(..3), Some(start) if start.eq_ignore_ascii_case(b"TLS") || start.eq_ignore_ascii_case(b"SSL")) =>
            {
                self.tls.ask(packet);
            }
            Command::Active => {
                let end = endpoint::six_numbers(argument).or_else(|| endpoint::extended(argument));
                if let Some(end) = end {
                    self.data_end("data_active", end, (Side::Client, packet), context, out);
                }
            }
            _ => {}
        }
        if self.pending.len() >= limits::MAX_APPLICATION_PENDING {
            self.pending.pop_front();
            self.facts.leave_out();
        }
        self.pending.push_back(Pending { command, argument: text(shown), packet });
    }

    fn reply_line(
        &mut self,
        line: &[u8],
        packet: PacketRef,
        (context, draft): (&Context<'_>, &mut Draft),
        out: &mut Sink<'_>,
    ) {
        let read = reply(line);
        if out.wants_notes() {
            note::response(line, read, draft);
        }
        match (self.open, read) {
            // Lines between the first and the last one of a reply may begin with anything (RFC 959 4.2).
            (Some(open), Some((code, true, said))) if code == open => {
                self.open = None;
                self.reply(code, said, packet, context, out);
            }
            (Some(_), _) => self.between(line, packet),
            (None, Some((code, true, said))) => self.reply(code, said, packet, context, out),
            (None, Some((code, false, said))) => {
                self.open = Some(code);
                if code == 220 && !self.greeted {
                    self.banner(said, packet);
                }
            }
            (None, None) => {}
        }
    }

    /// A line of a reply of several lines that is neither the first nor the last.
    fn between(&mut self, line: &[u8], packet: PacketRef) {
        if self.open == Some(211) && matches!(self.pending.front(), Some(Pending { command: Command::Features, .. })) {
            let feature = line.trim_ascii();
            let (name, _) = word(feature);
            self.tls.offered |= name.eq_ignore_ascii_case(b"AUTH");
            if self.features.len() < limits::MAX_APPLICATION_FIELD_VALUES {
                self.features.push(text(feature));
            } else {
                self.facts.leave_out();
            }
        } else if self.open == Some(220)
            && !self.greeted
            && let Some(software) = banner::software(line)
        {
            self.facts.add_once("software", software, Side::Server, packet);
        }
    }

    fn banner(&mut self, said: &[u8], packet: PacketRef) {
        if self.facts.get("banner").is_none() {
            self.facts.add("banner", text(said), Side::Server, packet);
        }
        if let Some(software) = banner::software(said) {
            self.facts.add_once("software", software, Side::Server, packet);
        }
    }

    fn reply(&mut self, code: u16, said: &[u8], packet: PacketRef, context: &Context<'_>, out: &mut Sink<'_>) {
        let first = !std::mem::replace(&mut self.greeted, true);
        // A greeting answers nothing, though the client may have spoken first.
        if first && matches!(code, 120 | 220 | 421) {
            self.greeted = code != 120;
            if code != 120 {
                self.banner(said, packet);
            }
            return;
        }
        // A preliminary reply: the last one is still to come.
        if code < 200 {
            return;
        }
        let asked = self.pending.pop_front();
        let command = asked.as_ref().map_or(Command::Other, |asked| asked.command);
        let argument = asked.as_ref().map(|asked| asked.argument.as_str()).unwrap_or_default();
        match command {
            _ if code == 230 => self.facts.update("login", "accepted", Side::Server, packet),
            Command::User | Command::Password if code >= 400 => {
                self.facts.update("login", format!("refused ({code})"), Side::Server, packet);
            }
            _ if asked.is_none() && code == 530 => {
                self.facts.update("login", format!("refused ({code})"), Side::Server, packet);
            }
            Command::Auth if self.tls.is_asked() => {
                if code == 234 {
                    self.tls.agree();
                } else if code >= 400 {
                    self.tls.refuse("FTP", packet, context, out);
                }
            }
            Command::Features if !self.features.is_empty() => {
                let features = list(self.features.iter().map(String::as_str));
                self.facts.add_once("features", features, Side::Server, packet);
            }
            Command::System if code == 215 => self.facts.add_once("system", text(said), Side::Server, packet),
            Command::Directory(verb) if code < 400 => {
                let value = format!("{verb} {argument}");
                self.facts.add_few("directory", value, Side::Client, packet, limits::MAX_REPEATED_FACTS);
            }
            Command::Transfer(verb) => {
                self.transfers = self.transfers.saturating_add(1);
                let value = format!("{verb} {argument} ({code})");
                self.facts.add_few("file", value, Side::Client, packet, limits::MAX_REPEATED_FACTS);
            }
            Command::Change(verb) => {
                self.changes = self.changes.saturating_add(1);
                let value = format!("{verb} {argument} ({code})");
                self.facts.add_few("change", value, Side::Client, packet, limits::MAX_REPEATED_FACTS);
            }
            _ => {}
        }
        let end = match code {
            227 => endpoint::six_numbers(said),
            229 => endpoint::extended(said),
            _ => None,
        };
        if let Some(end) = end {
            self.data_end("data_passive", end, (Side::Server, packet), context, out);
        }
    }

    /// A data connection is announced.
    fn data_end(
        &mut self,
        name: &'static str,
        (address, port): Announced,
        (side, packet): (Side, PacketRef),
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) {
        self.data_ends = self.data_ends.saturating_add(1);
        let own = match side {
            Side::Client => context.flow.client.address,
            Side::Server => context.flow.server.address,
        };
        let end = crate::record::Endpoint { address: address.unwrap_or(own), port };
        self.facts.add_few(name, end.to_string(), side, packet, limits::MAX_REPEATED_FACTS);
        // 0.0.0.0 stands for the address of the control connection with many servers.
        let foreign = address.filter(|address| !address.is_unspecified() && plain(*address) != plain(own));
        if let Some(address) = foreign
            && !std::mem::replace(&mut self.foreign_told, true)
        {
            let who = if side == Side::Client { "client" } else { "server" };
            out.finding(Finding {
                subject: Subject::new(context.flow.id, Evidence::from_iter([packet.number])),
                client: Some(context.flow.client),
                server: Some(context.flow.server),
                severity: Severity::Note,
                code: "ftp.foreign-data-address",
                title: format!("The FTP {who} announces data connections at {address}, which is not its address here"),
                explanation: "Addresses are translated between both ends, and nothing rewrites those inside FTP; or data \
                              are to flow between two servers. Clients and firewalls refuse such addresses, or connect to \
                              the wrong host. Use extended passive mode (EPSV), or set the server's public address."
                    .to_owned(),
                reference: Some("RFC 2577 3"),
            });
        }
    }

    fn tell(&mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        // Transfers that the capture's end cut off.
        let waiting: Vec<Pending> = self.pending.drain(..).collect();
        for Pending { command, argument, packet } in waiting {
            if let Command::Transfer(verb) = command {
                self.transfers = self.transfers.saturating_add(1);
                let value = format!("{verb} {argument} (no reply seen)");
                self.facts.add_few("file", value, Side::Client, packet, limits::MAX_REPEATED_FACTS);
            }
        }
        let most = u64::try_from(limits::MAX_REPEATED_FACTS).unwrap_or(u64::MAX);
        for (name, count, side) in [
            ("files", self.transfers, Side::Client),
            ("changes", self.changes, Side::Client),
            ("data_connections", self.data_ends, Side::Server),
        ] {
            if count > most {
                self.facts.add(name, count.to_string(), side, context.packet);
            }
        }
        if let Some(tls) = self.tls.fact() {
            self.facts.add("starttls", tls, Side::Client, context.packet);
        }
        if self.lines.met_overlong() {
            self.facts.leave_out();
        }
        self.facts.tell("ftp", context, out);
    }
}

/// An IPv4 address written as one of IPv6 is the same.
fn plain(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

impl Session for Ftp {
    fn input(&mut self, input: Input<'_>, context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        match input {
            Input::Stream { direction, bytes } => self.stream(direction, bytes, context, out),
            Input::Gap { direction, .. } => {
                self.lines.lost(direction);
                // Which reply belongs to which command is not known any more.
                self.pending.clear();
                self.open = None;
                Progress::Consumed(0)
            }
            Input::Close | Input::Datagram { .. } => {
                self.tell(context, out);
                Progress::Done
            }
            Input::End { .. } | Input::Skipped { .. } => Progress::Consumed(0),
        }
    }
}
