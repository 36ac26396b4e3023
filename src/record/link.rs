//! Link types: what the first bytes of a captured packet are.
use std::{borrow::Cow, fmt};

/// A link type as numbered by the tcpdump group (<https://www.tcpdump.org/linktypes.html>).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkType(pub u16);

#[allow(missing_docs)] // the registry's names
impl LinkType {
    pub const NULL: Self = Self(0);
    pub const ETHERNET: Self = Self(1);
    pub const RAW_12: Self = Self(12);
    pub const RAW: Self = Self(101);
    pub const LOOP: Self = Self(108);
    pub const LINUX_SLL: Self = Self(113);
    pub const IPV4: Self = Self(228);
    pub const IPV6: Self = Self(229);
    pub const LINUX_SLL2: Self = Self(276);
}

/// Numbers that differ between systems (`DLT_*`, what libpcap says of an interface) and files (`LINKTYPE_*`), on Linux
/// and most others.
const DLT_TO_FILE: [(u16, u16); 8] =
    [(11, 100), (12, 101), (14, 101), (15, 102), (16, 103), (18, 246), (19, 106), (149, 258)];

impl LinkType {
    /// From a file's header field. The upper 16 bits tell the length of the frame check sequence, and fuzzers
    /// and old writers leave other things there; 12 and 14 are raw IP from systems that wrote their own numbers.
    #[must_use]
    pub fn from_file(field: u32) -> Self {
        let [_, _, high, low] = field.to_be_bytes();
        match u16::from_be_bytes([high, low]) {
            12 | 14 => Self::RAW,
            number => Self(number),
        }
    }

    /// From the number libpcap gives an interface (`DLT_*`).
    #[must_use]
    pub fn from_dlt(dlt: u16) -> Self {
        DLT_TO_FILE.iter().find(|(here, _)| *here == dlt).map_or(Self(dlt), |(_, file)| Self(*file))
    }

    /// The number by which libpcap knows it (`DLT_*`) on Linux.
    #[must_use]
    pub fn dlt(self) -> u16 {
        match self.0 {
            100 => 11,
            101 => 12,
            102 => 15,
            103 => 16,
            106 => 19,
            246 => 18,
            number => number,
        }
    }

    /// Its name for people; `link type 12345` when the registry as known here has none.
    #[must_use]
    pub fn name(self) -> Cow<'static, str> {
        match NAMES.binary_search_by_key(&self.0, |(number, _)| *number) {
            Ok(index) => NAMES.get(index).map_or(Cow::Borrowed(""), |(_, name)| Cow::Borrowed(*name)),
            Err(_) => Cow::Owned(format!("link type {}", self.0)),
        }
    }

    /// The link type of that name, as [`Self::name`] gives it.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let numbered = || name.strip_prefix("link type ")?.parse().ok();
        NAMES.iter().find(|(_, known)| *known == name).map(|(number, _)| *number).or_else(numbered).map(Self)
    }
}

impl fmt::Display for LinkType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

/// The registry, by number.
#[rustfmt::skip]
const NAMES: &[(u16, &str)] = &[
    (0, "BSD loopback (NULL)"),
    (1, "Ethernet"),
    (2, "Experimental Ethernet"),
    (3, "AX.25"),
    (4, "ProNET"),
    (5, "Chaosnet"),
    (6, "IEEE 802.5 Token Ring"),
    (7, "ARCNET (BSD)"),
    (8, "SLIP"),
    (9, "PPP"),
    (10, "FDDI"),
    (50, "PPP in HDLC-like framing"),
    (51, "PPPoE"),
    (99, "Symantec Firewall"),
    (100, "ATM RFC 1483"),
    (101, "Raw IP"),
    (102, "SLIP (BSD/OS)"),
    (103, "PPP (BSD/OS)"),
    (104, "Cisco HDLC"),
    (105, "IEEE 802.11"),
    (106, "ATM Classical IP"),
    (107, "Frame Relay"),
    (108, "OpenBSD loopback"),
    (109, "OpenBSD IPsec enc"),
    (112, "Cisco IOS debug"),
    (113, "Linux cooked v1"),
    (114, "Apple LocalTalk"),
    (115, "Acorn Econet"),
    (116, "OpenBSD ipfilter log"),
    (117, "OpenBSD pf log"),
    (118, "Cisco IOS"),
    (119, "IEEE 802.11 with Prism header"),
    (120, "IEEE 802.11 with Aironet header"),
    (121, "Siemens HiPath HDLC"),
    (122, "IP over Fibre Channel"),
    (123, "ATM (SunATM)"),
    (124, "RapidIO"),
    (125, "PCI Express"),
    (126, "Aurora Link Layer"),
    (127, "IEEE 802.11 with radiotap header"),
    (128, "Tazmen Sniffer Protocol"),
    (129, "ARCNET (Linux)"),
    (130, "Juniper ML-PPP"),
    (131, "Juniper MLFR"),
    (132, "Juniper Encryption Services"),
    (133, "Juniper GGSN"),
    (134, "Juniper FRF.16"),
    (135, "Juniper ATM2"),
    (136, "Juniper Services"),
    (137, "Juniper ATM1"),
    (138, "Apple IP over IEEE 1394"),
    (139, "SS7 MTP2 with pseudo-header"),
    (140, "SS7 MTP2"),
    (141, "SS7 MTP3"),
    (142, "SS7 SCCP"),
    (143, "DOCSIS"),
    (144, "Linux IrDA"),
    (145, "IBM SP Switch"),
    (146, "IBM Next Federation Switch"),
    (147, "User 0"),
    (148, "User 1"),
    (149, "User 2"),
    (150, "User 3"),
    (151, "User 4"),
    (152, "User 5"),
    (153, "User 6"),
    (154, "User 7"),
    (155, "User 8"),
    (156, "User 9"),
    (157, "User 10"),
    (158, "User 11"),
    (159, "User 12"),
    (160, "User 13"),
    (161, "User 14"),
    (162, "User 15"),
    (163, "IEEE 802.11 with AVS header"),
    (164, "Juniper Monitoring Services"),
    (165, "BACnet MS/TP"),
    (166, "PPP with direction (pppd)"),
    (167, "Juniper PPPoE"),
    (168, "Juniper PPPoE over ATM"),
    (169, "GPRS LLC"),
    (170, "GFP-T"),
    (171, "GFP-F"),
    (172, "Gcom T1/E1 line monitoring"),
    (173, "Gcom serial"),
    (174, "Juniper PIC Peer"),
    (175, "Endace ERF Ethernet"),
    (176, "Endace ERF PoS"),
    (177, "Linux LAPD"),
    (178, "Juniper Ethernet"),
    (179, "Juniper PPP"),
    (180, "Juniper Frame Relay"),
    (181, "Juniper Cisco HDLC"),
    (182, "Juniper MFR"),
    (183, "Juniper Voice PIC"),
    (184, "Arinc 429"),
    (185, "Arinc 653"),
    (186, "USB (FreeBSD)"),
    (187, "Bluetooth HCI UART (H4)"),
    (188, "IEEE 802.16 MAC CPS"),
    (189, "USB (Linux, 48-byte header)"),
    (190, "CAN 2.0b"),
    (191, "IEEE 802.15.4 (Linux)"),
    (192, "Per-Packet Information"),
    (193, "IEEE 802.16 MAC CPS with radio header"),
    (194, "Juniper Integrated Service Module"),
    (195, "IEEE 802.15.4 with FCS"),
    (196, "SITA WAN"),
    (197, "Endace ERF"),
    (198, "RapidIO over Ethernet (u10)"),
    (199, "IPMB over I2C"),
    (200, "Juniper Secure Tunnel"),
    (201, "Bluetooth HCI UART (H4) with direction"),
    (202, "AX.25 KISS"),
    (203, "LAPD"),
    (204, "PPP with direction"),
    (205, "Cisco HDLC with direction"),
    (206, "Frame Relay with direction"),
    (207, "LAPB with direction"),
    (209, "IPMB (Linux)"),
    (210, "FlexRay"),
    (211, "MOST"),
    (212, "LIN"),
    (213, "X2E serial"),
    (214, "X2E Xoraya"),
    (215, "IEEE 802.15.4 non-ASK PHY"),
    (216, "Linux evdev"),
    (217, "GSM Um"),
    (218, "GSM Abis"),
    (219, "MPLS"),
    (220, "USB (Linux, 64-byte header)"),
    (221, "DECT"),
    (222, "AOS space data link"),
    (223, "WirelessHART"),
    (224, "Fibre Channel FC-2"),
    (225, "Fibre Channel FC-2 with delimiters"),
    (226, "Solaris ipnet"),
    (227, "CAN (SocketCAN)"),
    (228, "Raw IPv4"),
    (229, "Raw IPv6"),
    (230, "IEEE 802.15.4 without FCS"),
    (231, "D-Bus"),
    (232, "Juniper Virtual Server"),
    (233, "Juniper SRX E2E"),
    (234, "Juniper Fibre Channel"),
    (235, "DVB-CI"),
    (236, "3GPP TS 27.010 multiplexer"),
    (237, "STANAG 5066 D_PDU"),
    (238, "Juniper ATM CEMIC"),
    (239, "Linux netfilter log"),
    (240, "Hilscher netANALYZER"),
    (241, "Hilscher netANALYZER transparent"),
    (242, "IP over InfiniBand"),
    (243, "MPEG-2 transport stream"),
    (244, "ng40"),
    (245, "NFC LLCP"),
    (246, "OpenBSD pfsync"),
    (247, "InfiniBand"),
    (248, "SCTP"),
    (249, "USB (USBPcap)"),
    (250, "RTAC serial"),
    (251, "Bluetooth LE"),
    (252, "Wireshark upper PDU"),
    (253, "Linux netlink"),
    (254, "Bluetooth Linux monitor"),
    (255, "Bluetooth BR/EDR baseband"),
    (256, "Bluetooth LE with radio header"),
    (257, "PROFIBUS DL"),
    (258, "Apple PKTAP"),
    (259, "Ethernet with EPON preamble"),
    (260, "IPMI trace"),
    (261, "Z-Wave R1/R2"),
    (262, "Z-Wave R3"),
    (263, "WattStopper DLM"),
    (264, "ISO 14443"),
    (265, "Radio data system"),
    (266, "USB (Darwin)"),
    (267, "OpenFlow"),
    (268, "SDLC"),
    (269, "TI LLN sniffer"),
    (270, "LoRaTap"),
    (271, "VSOCK"),
    (272, "Nordic BLE sniffer"),
    (273, "DOCSIS 3.1 XRA31"),
    (274, "Ethernet mPackets"),
    (275, "DisplayPort AUX"),
    (276, "Linux cooked v2"),
    (277, "Sercos monitor"),
    (278, "OpenVizsla"),
    (279, "Elektrobit high-speed capture"),
    (280, "VPP graph dispatch trace"),
    (281, "Broadcom switch tag"),
    (282, "Broadcom switch tag, prepended"),
    (283, "IEEE 802.15.4 with TAP header"),
    (284, "Marvell DSA tag"),
    (285, "Marvell EDSA tag"),
    (286, "Lawful interception (ELEE)"),
    (287, "Z-Wave serial"),
    (288, "USB 2.0"),
    (289, "ATSC ALP"),
    (290, "Event Tracing for Windows"),
    (291, "Hilscher netANALYZER NG"),
    (292, "ZBOSS NCP"),
    (293, "USB 2.0 low speed"),
    (294, "USB 2.0 full speed"),
    (295, "USB 2.0 high speed"),
    (296, "Auerswald log"),
    (297, "Z-Wave with TAP header"),
    (298, "Silicon Labs debug channel"),
    (299, "FIRA UWB UCI"),
    (300, "MDB"),
    (301, "DECT New Radio"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_found() {
        assert!(NAMES.is_sorted_by(|one, other| one.0 < other.0));
        assert_eq!(LinkType::ETHERNET.name(), "Ethernet");
        assert_eq!(LinkType::LINUX_SLL2.name(), "Linux cooked v2");
        assert_eq!(LinkType(64_000).name(), "link type 64000");
        for number in 0..=400 {
            assert_eq!(LinkType::from_name(&LinkType(number).name()), Some(LinkType(number)), "names are told apart");
        }
        assert_eq!(LinkType::from_name("carrier pigeon"), None);
    }

    #[test]
    fn file_field_is_masked_and_raw_ip_has_one_number() {
        assert_eq!(LinkType::from_file(0x3400_0001), LinkType::ETHERNET);
        assert_eq!(LinkType::from_file(12), LinkType::RAW);
        assert_eq!(LinkType::from_file(14), LinkType::RAW);
        assert_eq!(LinkType::from_file(108), LinkType::LOOP);
        assert_eq!(LinkType::from_dlt(12), LinkType::RAW);
        assert_eq!(LinkType::RAW.dlt(), 12);
    }
}
