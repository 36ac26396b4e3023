//! MySQL and MariaDB up to the end of the login: the server's version, who logs in to which database, by which means and with
//! what outcome, and where TLS begins. Commands and results pass unread.
//! <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase.html>
use crate::{
    app::{
        Carrier, Session, Sink,
        codec::{
            draft::Draft,
            facts::{Facts, text},
            plaintext,
            starttls::{StartTls, is_client_hello},
        },
    },
    record::{Context, Direction, Input, PacketRef, Progress, Side},
};

/// What a client can (and wants to) do, as bits.
mod capability {
    pub const WITH_DATABASE: u32 = 0x8;
    pub const PROTOCOL_41: u32 = 0x200;
    pub const TLS: u32 = 0x800;
    pub const SECURE_CONNECTION: u32 = 0x8000;
    pub const PLUGIN: u32 = 0x8_0000;
    pub const ATTRIBUTES: u32 = 0x10_0000;
    pub const LONG_RESPONSE: u32 = 0x20_0000;
}

/// Longest packet of the login, in bytes.
const MAX_PACKET_BYTES: usize = 1 << 16;

/// The session.
#[derive(Debug)]
pub(super) struct MySql {
    carrier: Carrier,
    facts: Facts,
    tls: StartTls,
    greeted: bool,
    /// The client's first packet, or its login behind a request for TLS, was read.
    asked: bool,
    /// The method under way sends the password as it is.
    clear: bool,
    password_told: bool,
}

/// The greeting of protocol 10 or an error that stands in its place, behind the four bytes of the packet's head.
fn version(payload: &[u8]) -> Option<String> {
    let [10, rest @ ..] = payload else { return None };
    let version = rest.split(|byte| *byte == 0).next()?;
    // MariaDB calls itself 5.5.5 first, lest old replicas take fright.
    let version = version.strip_prefix(b"5.5.5-").filter(|rest| !rest.is_empty()).unwrap_or(version);
    (version.len() < rest.len()).then(|| text(version))
}

/// What a login tells.
#[derive(Debug, Default, PartialEq, Eq)]
struct Login {
    user: String,
    database: Option<String>,
    plugin: Option<String>,
    client: Option<String>,
}

/// Text up to a zero byte, and what follows.
fn zero_ended(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr(0, bytes)?;
    let (text, rest) = bytes.split_at_checked(end)?;
    Some((text, rest.get(1..)?))
}

/// Bytes whose length stands before them in one to nine bytes.
fn counted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = match bytes {
        [0xfc, low, high, rest @ ..] => (usize::from(u16::from_le_bytes([*low, *high])), rest),
        [length @ 0..=250, rest @ ..] => (usize::from(*length), rest),
        _ => return None,
    };
    rest.split_at_checked(length)
}

/// HandshakeResponse41, or 320 of servers before 4.1.
fn login(payload: &[u8]) -> Option<Login> {
    let mut found = Login::default();
    let flags = u32::from_le_bytes(*payload.first_chunk()?);
    if flags & capability::PROTOCOL_41 == 0 {
        let (user, rest) = zero_ended(payload.get(5..)?).or_else(|| Some((payload.get(5..)?, &[])))?;
        found.user = text(user);
        if flags & capability::WITH_DATABASE != 0 {
            found.database = zero_ended(rest).and_then(|(_, rest)| zero_ended(rest)).map(|(name, _)| text(name));
        }
        return Some(found);
    }
    let (user, rest) = zero_ended(payload.get(32..)?)?;
    found.user = text(user);
    let response = if flags & capability::LONG_RESPONSE != 0 {
        counted(rest)
    } else if flags & capability::SECURE_CONNECTION != 0 {
        rest.split_first().and_then(|(length, rest)| rest.split_at_checked(usize::from(*length)))
    } else {
        zero_ended(rest)
    };
    let Some((_, mut rest)) = response else { return Some(found) };
    if flags & capability::WITH_DATABASE != 0
        && let Some((name, after)) = zero_ended(rest)
    {
        found.database = Some(text(name)).filter(|name| !name.is_empty());
        rest = after;
    }
    if flags & capability::PLUGIN != 0
        && let Some((name, after)) = zero_ended(rest)
    {
        found.plugin = Some(text(name)).filter(|name| !name.is_empty());
        rest = after;
    }
    if flags & capability::ATTRIBUTES != 0
        && let Some((mut attributes, _)) = counted(rest)
    {
        let (mut name, mut version) = (None, None);
        while let Some((key, after)) = counted(attributes) {
            let Some((value, after)) = counted(after) else { break };
            match key {
                b"_client_name" => name = Some(text(value)),
                b"_client_version" => version = Some(text(value)),
                _ => {}
            }
            attributes = after;
        }
        found.client = name.map(|name| version.map_or_else(|| name.clone(), |version| format!("{name} {version}")));
    }
    Some(found)
}

impl MySql {
    pub(super) fn new(carrier: Carrier) -> Self {
        Self {
            carrier,
            facts: Facts::default(),
            tls: StartTls::default(),
            greeted: false,
            asked: false,
            clear: false,
            password_told: false,
        }
    }

    fn stream(&mut self, direction: Direction, bytes: &[u8], context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        let (mut at, mut draft) = (0_usize, Draft::default());
        let progress = loop {
            let rest = bytes.get(at..).unwrap_or_default();
            if direction == Direction::ClientToServer && !self.asked {
                match is_client_hello(rest) {
                    Some(true) => {
                        self.tls.begin(Some("MySQL"), context.packet_at(at), context, out);
                        self.tell(context, out);
                        break Progress::HandOver(at);
                    }
                    None => break Progress::Consumed(at),
                    Some(false) => {}
                }
            }
            let [low, middle, high, number, ..] = rest else { break Progress::Consumed(at) };
            let length = usize::try_from(u32::from_le_bytes([*low, *middle, *high, 0])).unwrap_or(usize::MAX);
            if length == 0 || length > MAX_PACKET_BYTES {
                self.tell(context, out);
                break Progress::Done;
            }
            let end = length.saturating_add(4);
            let Some(payload) = rest.get(4..end) else {
                break Progress::Need { consumed: at, at_least: end };
            };
            at = at.saturating_add(end);
            let packet = context.packet_completing(at);
            if out.wants_notes() {
                draft.number("mysql.packet_length", u32::try_from(length).unwrap_or_default());
                draft.number("mysql.packet_number", *number);
            }
            let over = match direction {
                Direction::ClientToServer => {
                    self.client(payload, packet, (context, &mut draft), out);
                    false
                }
                Direction::ServerToClient => self.server(payload, packet, &mut draft),
            };
            if over {
                self.tell(context, out);
                break Progress::Done;
            }
        };
        out.lies(0..at);
        draft.tell("mysql", out);
        progress
    }

    fn client(
        &mut self,
        payload: &[u8],
        packet: PacketRef,
        (context, draft): (&Context<'_>, &mut Draft),
        out: &mut Sink<'_>,
    ) {
        if self.asked {
            draft.say_first("Auth response ****");
            if self.clear {
                self.password(packet, context, out);
            }
            return;
        }
        let flags = payload.first_chunk().map(|flags| u32::from_le_bytes(*flags)).unwrap_or_default();
        if payload.len() == 32 && flags & capability::TLS != 0 {
            draft.say_first("Login Request: TLS");
            // The server answers with its part of TLS only.
            self.tls.ask(packet);
            return;
        }
        self.asked = true;
        let Some(login) = login(payload) else { return };
        draft.say_first(&format!(
            "Login Request user={} db={}",
            login.user,
            login.database.as_deref().unwrap_or_default()
        ));
        draft.text("mysql.user", login.user.as_bytes());
        let side = Side::Client;
        if let Some(database) = &login.database {
            draft.text("mysql.schema", database.as_bytes());
            self.facts.add("database", database.clone(), side, packet);
        }
        self.facts.add("user", login.user, side, packet);
        if let Some(client) = login.client {
            self.facts.add("client_software", client, side, packet);
        }
        if let Some(plugin) = login.plugin {
            self.method(plugin, side, packet);
            if self.clear {
                self.password(packet, context, out);
            }
        }
    }

    fn method(&mut self, plugin: String, side: Side, packet: PacketRef) {
        self.clear = plugin == "mysql_clear_password" || plugin == "dialog";
        self.facts.update("auth_mechanism", plugin, side, packet);
    }

    fn password(&mut self, packet: PacketRef, context: &Context<'_>, out: &mut Sink<'_>) {
        if !std::mem::replace(&mut self.password_told, true) {
            let instead = "Let the client go over to TLS before it logs in.";
            plaintext::credentials((self.carrier, "MySQL"), "mysql_clear_password", instead, packet, context, out);
        }
    }

    /// Reads a server's packet; whether the login is over.
    fn server(&mut self, payload: &[u8], packet: PacketRef, draft: &mut Draft) -> bool {
        let side = Side::Server;
        if let [0xff, low, high, rest @ ..] = payload {
            let code = u16::from_le_bytes([*low, *high]);
            // Behind a number sign there are five bytes of SQL's own state.
            let message = rest.strip_prefix(b"#").and_then(|rest| rest.get(5..)).unwrap_or(rest);
            draft.say_first(&format!("Response  Error {code}"));
            draft.number("mysql.error_code", code);
            draft.text("mysql.error.message", message);
            let name = if self.greeted { "login" } else { "greeting" };
            self.facts.add(name, format!("refused ({code} {})", text(message)), side, packet);
            return true;
        }
        if !std::mem::replace(&mut self.greeted, true) {
            let Some(version) = version(payload) else { return true };
            draft.say_first(&format!("Server Greeting  proto=10 version={version}"));
            draft.text("mysql.version", version.as_bytes());
            self.facts.add("server_version", version, side, packet);
            return false;
        }
        match payload {
            [0, ..] => {
                draft.say_first("Response  OK");
                self.facts.add("login", "accepted", side, packet);
                true
            }
            [0xfe, rest @ ..] if !rest.is_empty() => {
                draft.say_first("Auth Switch Request");
                let plugin = zero_ended(rest).map_or(rest, |(plugin, _)| plugin);
                self.method(text(plugin), side, packet);
                false
            }
            // More of the method, such as the server's public key.
            _ => {
                draft.say_first("Auth more data");
                false
            }
        }
    }

    fn tell(&mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        if let Some(tls) = self.tls.fact() {
            self.facts.add("starttls", tls, Side::Client, context.packet);
        }
        self.facts.tell("mysql", context, out);
    }
}

impl Session for MySql {
    fn input(&mut self, input: Input<'_>, context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        match input {
            Input::Stream { direction, bytes } => self.stream(direction, bytes, context, out),
            // Where the next packet begins cannot be told.
            Input::Gap { .. } | Input::Close | Input::Datagram { .. } => {
                self.tell(context, out);
                Progress::Done
            }
            Input::End { .. } | Input::Skipped { .. } => Progress::Consumed(0),
        }
    }
}
