//! What follows from both offers (RFC 4253 7.1): of each list the first name of the client that the server has too. Pure.
use md5::{Digest, Md5};

use super::parser::KexInit;

/// What both ends will use. Null where they have nothing in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreed<'a> {
    /// Method of the key exchange.
    pub key_exchange: Option<&'a str>,
    /// Algorithm of the server's host key.
    pub host_key: Option<&'a str>,
    /// Ciphers, for what the client and the server sends.
    pub cipher: [Option<&'a str>; 2],
    /// MACs, likewise; `implicit` where the cipher has its own.
    pub mac: [Option<&'a str>; 2],
    /// Compression, likewise.
    pub compression: [Option<&'a str>; 2],
}

/// What the MAC is called where the cipher authenticates (RFC 5647, OpenSSH's PROTOCOL).
const IMPLICIT: &str = "implicit";

/// What is in neither's power to use, though it stands in lists of key exchange methods: signs that an end understands
/// an extension (RFC 8308 2.1, OpenSSH's PROTOCOL 1.10).
const SIGNS: [&str; 6] = ["ext-info-c", "ext-info-s", STRICT[0], STRICT[1], "kex-strict-c", "kex-strict-s"];

/// The sign of strict key exchange, of client and server.
const STRICT: [&str; 2] = ["kex-strict-c-v00@openssh.com", "kex-strict-s-v00@openssh.com"];

/// What the client's and the server's offers come to.
pub fn agree<'a>(client: &'a KexInit, server: &'a KexInit) -> Agreed<'a> {
    let both = |client: &'a [String; 2], server: &'a [String; 2]| {
        let [there, back] = client;
        let [of_client, of_server] = server;
        [first_common(there, of_client), first_common(back, of_server)]
    };
    let cipher = both(&client.encryption, &server.encryption);
    let [mac_there, mac_back] = both(&client.mac, &server.mac);
    let [there, back] = cipher;
    let mac_of = |cipher: Option<&str>, mac| if cipher.is_some_and(authenticates) { Some(IMPLICIT) } else { mac };
    Agreed {
        key_exchange: first_common(&client.key_exchange, &server.key_exchange),
        host_key: first_common(&client.host_key, &server.host_key),
        cipher,
        mac: [mac_of(there, mac_there), mac_of(back, mac_back)],
        compression: both(&client.compression, &server.compression),
    }
}

fn first_common<'a>(client: &'a str, server: &str) -> Option<&'a str> {
    let offers =
        |name: &&str| !name.is_empty() && !SIGNS.contains(name) && server.split(',').any(|other| other == *name);
    client.split(',').find(offers)
}

fn authenticates(cipher: &str) -> bool {
    cipher.ends_with("-gcm@openssh.com")
        || cipher == "chacha20-poly1305@openssh.com"
        || matches!(cipher, "AEAD_AES_128_GCM" | "AEAD_AES_256_GCM")
}

/// Which end says that it does strict key exchange: the client, the server.
pub fn strict(client: Option<&KexInit>, server: Option<&KexInit>) -> [Option<bool>; 2] {
    let has =
        |offer: Option<&KexInit>, sign: &str| offer.map(|offer| offer.key_exchange.split(',').any(|name| name == sign));
    let [of_client, of_server] = STRICT;
    [has(client, of_client), has(server, of_server)]
}

impl Agreed<'_> {
    /// What they have nothing in common of.
    pub fn missing(&self) -> Option<&'static str> {
        let lacks = |pair: &[Option<&str>; 2]| pair.iter().any(Option::is_none);
        match () {
            () if self.key_exchange.is_none() => Some("key exchange method"),
            () if self.host_key.is_none() => Some("host key algorithm"),
            () if lacks(&self.cipher) => Some("cipher"),
            () if lacks(&self.mac) => Some("MAC"),
            () if lacks(&self.compression) => Some("compression"),
            () => None,
        }
    }

    /// Whether packets can be cut out of the beginning unnoticed (CVE-2023-48795) unless both ends do strict key exchange.
    pub fn needs_strict(&self) -> bool {
        let pairs = self.cipher.iter().flatten().zip(self.mac.iter().flatten());
        pairs.into_iter().any(|(cipher, mac)| {
            *cipher == "chacha20-poly1305@openssh.com"
                || (cipher.ends_with("-cbc") && mac.ends_with("-etm@openssh.com"))
        })
    }

    /// What is agreed and no longer thought to be strong (RFC 8758, RFC 9142 and OpenSSH's defaults).
    pub fn weak(&self) -> Vec<&str> {
        let all = self.key_exchange.into_iter().chain(self.host_key).chain(self.cipher.into_iter().flatten());
        let mut weak: Vec<&str> = all.chain(self.mac.into_iter().flatten()).filter(|name| is_weak(name)).collect();
        weak.dedup();
        weak
    }
}

fn is_weak(name: &str) -> bool {
    matches!(
        name,
        "diffie-hellman-group1-sha1"
            | "diffie-hellman-group-exchange-sha1"
            | "rsa1024-sha1"
            | "ssh-dss"
            | "3des-cbc"
            | "blowfish-cbc"
            | "cast128-cbc"
            | "des-cbc"
            | "idea-cbc"
            | "none"
            | "hmac-sha1-96"
            | "hmac-md5-96"
            | "hmac-md5"
    ) || name.starts_with("arcfour")
}

/// HASSH, the fingerprint of an end's offer: MD5 over its lists for what it sends itself. `sender`: 0 client, 1 server.
pub fn hassh(offer: &KexInit, sender: usize) -> String {
    let of = |lists: &[String; 2]| lists.get(sender).cloned().unwrap_or_default();
    let lists = [offer.key_exchange.clone(), of(&offer.encryption), of(&offer.mac), of(&offer.compression)];
    let digest = Md5::digest(lists.join(";").as_bytes());
    digest.iter().fold(String::with_capacity(32), |mut text, byte| {
        for nibble in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(u32::from(nibble), 16));
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(key_exchange: &str, encryption: &str, mac: &str) -> KexInit {
        let both = |names: &str| [names.to_owned(), names.to_owned()];
        KexInit {
            key_exchange: key_exchange.to_owned(),
            host_key: "ssh-ed25519".to_owned(),
            encryption: both(encryption),
            mac: both(mac),
            compression: both("none,zlib@openssh.com"),
        }
    }

    #[test]
    fn the_clients_order_decides() {
        let client = offer("a,b,ext-info-c", "aes256-ctr,aes128-ctr", "hmac-sha1,hmac-sha2-256");
        let server = offer("ext-info-c,b,a", "aes128-ctr,aes256-ctr", "hmac-sha2-256,hmac-sha1");
        let agreed = agree(&client, &server);
        assert_eq!(agreed.key_exchange, Some("a"));
        assert_eq!((agreed.cipher, agreed.mac), ([Some("aes256-ctr"); 2], [Some("hmac-sha1"); 2]));
        assert_eq!(agreed.compression, [Some("none"); 2]);
        assert_eq!((agreed.missing(), agreed.needs_strict(), agreed.weak().len()), (None, false, 0));
    }

    #[test]
    fn signs_are_not_agreed_on() {
        let (client, server) = (offer("ext-info-c,x", "none", "none"), offer("ext-info-c", "none", "none"));
        assert_eq!(agree(&client, &server).missing(), Some("key exchange method"));
    }

    #[test]
    fn ciphers_that_authenticate_have_no_mac() {
        let client = offer("x,kex-strict-c-v00@openssh.com", "chacha20-poly1305@openssh.com,aes128-cbc", "a");
        let server = offer("x", "chacha20-poly1305@openssh.com", "b");
        let agreed = agree(&client, &server);
        assert_eq!((agreed.mac, agreed.missing(), agreed.needs_strict()), ([Some(IMPLICIT); 2], None, true));
        assert_eq!(strict(Some(&client), Some(&server)), [Some(true), Some(false)]);
        assert_eq!(strict(Some(&client), None), [Some(true), None]);
    }

    #[test]
    fn weak_ones() {
        let both = offer("diffie-hellman-group1-sha1", "aes128-cbc,3des-cbc", "hmac-md5-etm@openssh.com");
        let agreed = agree(&both, &both);
        assert_eq!((agreed.weak(), agreed.needs_strict()), (vec!["diffie-hellman-group1-sha1"], true));
    }
}
