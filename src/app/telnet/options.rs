//! Options of Telnet: their names, and which are in effect. Pure.
use crate::record::Side;

/// IANA's names of options.
pub fn name(option: u8) -> Option<&'static str> {
    Some(match option {
        0 => "binary",
        1 => "echo",
        2 => "reconnection",
        3 => "suppress go ahead",
        4 => "approximate message size",
        5 => "status",
        6 => "timing mark",
        7 => "remote controlled transmission and echo",
        8 => "output line width",
        9 => "output page size",
        10 => "carriage-return disposition",
        11 => "horizontal tab stops",
        12 => "horizontal tab disposition",
        13 => "form-feed disposition",
        14 => "vertical tab stops",
        15 => "vertical tab disposition",
        16 => "line-feed disposition",
        17 => "extended ASCII",
        18 => "logout",
        19 => "byte macro",
        20 => "data entry terminal",
        21 => "SUPDUP",
        22 => "SUPDUP output",
        23 => "send location",
        24 => "terminal type",
        25 => "end of record",
        26 => "TACACS user identification",
        27 => "output marking",
        28 => "terminal location",
        29 => "3270 regime",
        30 => "X.3 PAD",
        31 => "window size",
        32 => "terminal speed",
        33 => "remote flow control",
        34 => "line mode",
        35 => "X display location",
        36 => "environment",
        37 => "authentication",
        38 => "encryption",
        39 => "new environment",
        40 => "TN3270E",
        41 => "XAUTH",
        42 => "charset",
        43 => "remote serial port",
        44 => "com port control",
        45 => "suppress local echo",
        46 => "start TLS",
        47 => "Kermit",
        48 => "SEND-URL",
        49 => "FORWARD_X",
        138 => "PRAGMA logon",
        139 => "SSPI logon",
        140 => "PRAGMA heartbeat",
        255 => "extended options list",
        _ => return None,
    })
}

/// Numbers used here.
pub mod option {
    pub const TERMINAL_TYPE: u8 = 24;
    pub const WINDOW_SIZE: u8 = 31;
    pub const TERMINAL_SPEED: u8 = 32;
    pub const X_DISPLAY: u8 = 35;
    pub const ENVIRONMENT: u8 = 36;
    pub const NEW_ENVIRONMENT: u8 = 39;
}

/// One bit for each option.
type Set = [u64; 4];

fn place(option: u8) -> (usize, u64) {
    (usize::from(option >> 6), 1 << (option & 63))
}

/// What one end said of the options at its own end: will, and of those of the other: do.
#[derive(Clone, Copy, Debug, Default)]
struct Said {
    will: Set,
    wants: Set,
}

/// What both ends said. An option is in effect at the end that says WILL while the other one says DO (RFC 854).
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    said: [Said; 2],
}

/// The commands that negotiate.
pub mod command {
    pub const SE: u8 = 240;
    pub const SB: u8 = 250;
    pub const WILL: u8 = 251;
    pub const DONT: u8 = 254;
    pub const IAC: u8 = 255;
}

impl Options {
    /// An end says WILL (251), WONT (252), DO (253) or DONT (254).
    pub fn say(&mut self, side: Side, command: u8, option: u8) {
        let said = self.said.get_mut(if side == Side::Client { 0 } else { 1 });
        let Some(said) = said else { return };
        let set = if command <= 252 { &mut said.will } else { &mut said.wants };
        let (word, bit) = place(option);
        if let Some(word) = set.get_mut(word) {
            *word = if matches!(command, 251 | 253) { *word | bit } else { *word & !bit };
        }
    }

    /// Names of the options in effect at an end.
    pub fn in_effect(&self, side: Side) -> Vec<String> {
        let [client, server] = &self.said;
        let (own, other) = if side == Side::Client { (client, server) } else { (server, client) };
        let is = |option: &u8| {
            let (word, bit) = place(*option);
            [&own.will, &other.wants].iter().all(|set| set.get(word).is_some_and(|word| word & bit != 0))
        };
        let known = |option| name(option).map_or_else(|| format!("option {option}"), str::to_owned);
        (0..=u8::MAX).filter(is).map(known).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_takes_two() {
        let mut options = Options::default();
        options.say(Side::Client, 251, 24);
        assert!(options.in_effect(Side::Client).is_empty());
        options.say(Side::Server, 253, 24);
        options.say(Side::Server, 251, 1);
        options.say(Side::Client, 253, 1);
        options.say(Side::Client, 251, 200);
        options.say(Side::Server, 253, 200);
        assert_eq!(options.in_effect(Side::Client), ["terminal type", "option 200"]);
        assert_eq!(options.in_effect(Side::Server), ["echo"]);
        options.say(Side::Client, 254, 1);
        assert!(options.in_effect(Side::Server).is_empty());
    }
}
