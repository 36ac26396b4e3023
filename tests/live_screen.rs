//! `live` on a terminal: a pseudo-terminal of `script` (util-linux) around the real program on the loopback interface. Whatever
//! ends it, the terminal is as it was before, and the report is on it.
#![cfg(all(target_os = "linux", feature = "live"))]
use std::{
    fs,
    io::{Read, Write},
    net::UdpSocket,
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

const PATIENCE: Duration = Duration::from_secs(60);
const ENTER: &str = "\x1b[?1049h";
const LEAVE: &str = "\x1b[?1049l";

/// Says what is missing.
fn is_possible() -> bool {
    let missing = if !Command::new("script").arg("--version").output().is_ok_and(|output| output.status.success()) {
        "no `script` (util-linux)"
    } else if fs::read_to_string("/proc/self/status").is_ok_and(|status| !may_capture(&status)) {
        "not allowed to capture"
    } else {
        return true;
    };
    eprintln!("SKIPPED: {missing}");
    false
}

fn may_capture(status: &str) -> bool {
    /// CAP_NET_RAW in capabilities(7).
    const NET_RAW: u32 = 13;
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    effective.and_then(|set| u64::from_str_radix(set.trim(), 16).ok()).is_some_and(|set| set & (1 << NET_RAW) != 0)
}

/// The program on a pseudo-terminal of 80 by 24.
struct OnTerminal {
    child: Child,
    keys: ChildStdin,
    seen: Arc<Mutex<Vec<u8>>>,
    socket: UdpSocket,
    port: u16,
}

impl OnTerminal {
    fn new(port: u16) -> Self {
        let program = env!("CARGO_BIN_EXE_wireglass");
        // The shell tells its number before, and its modes when all is over.
        let command = format!(
            "stty rows 24 cols 80; echo shell=$$; '{program}' live -i lo --no-promiscuous -f 'udp port {port}' -n; echo status=$?; stty -a"
        );
        let mut child = Command::new("script")
            .args(["-qfc", &command, "/dev/null"])
            .env("TERM", "xterm-256color")
            .env("SHELL", "/bin/sh")
            .env_remove("NO_COLOR")
            .env_remove("COLUMNS")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (keys, mut out) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&seen);
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = out.read(&mut buffer) {
                sink.lock().unwrap().extend_from_slice(&buffer[..count]);
            }
        });
        Self { child, keys, seen, socket: UdpSocket::bind("127.0.0.1:0").unwrap(), port }
    }

    fn text(&self) -> String {
        self.text_behind(0)
    }

    /// What came behind so many bytes.
    fn text_behind(&self, bytes: usize) -> String {
        String::from_utf8_lossy(&self.seen.lock().unwrap()[bytes..]).into_owned()
    }

    fn length(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    /// Sends a DNS query now and then, until the terminal was given `wanted` behind its first `behind` bytes.
    fn wait_for(&self, wanted: &str, behind: usize) {
        let until = Instant::now() + PATIENCE;
        let query = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x07example\x00\x00\x01\x00\x01";
        while !self.text_behind(behind).contains(wanted) {
            assert!(Instant::now() < until, "no {wanted:?} in {:?}", self.text());
            self.socket.send_to(query, ("127.0.0.1", self.port)).unwrap();
            thread::sleep(Duration::from_millis(100));
        }
    }

    fn type_keys(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// The number of the process below the shell.
    fn process(&self) -> String {
        let text = self.text();
        let shell = text.split("shell=").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
        let children = fs::read_to_string(format!("/proc/{shell}/task/{shell}/children")).unwrap();
        children.split_whitespace().next().unwrap().to_owned()
    }

    fn signal(&self, signal: &str) {
        assert!(Command::new("kill").args([signal, &self.process()]).status().unwrap().success());
    }

    /// Waits for the end: what came after the screen was left.
    fn end(mut self) -> String {
        let until = Instant::now() + PATIENCE;
        while self.child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < until, "it does not end: {:?}", self.text());
            thread::sleep(Duration::from_millis(50));
        }
        thread::sleep(Duration::from_millis(200));
        let text = self.text();
        let (_, after) = text.rsplit_once(LEAVE).unwrap_or_else(|| panic!("the screen was not left: {text:?}"));
        after.to_owned()
    }
}

impl Drop for OnTerminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The terminal is as it was, and the report is on it.
fn check(all: &str, after: &str, status: &str) {
    for mode in ["\x1b[?25", "\x1b[?7"] {
        let last = all.rfind(mode).map(|at| &all[at + mode.len()..at + mode.len() + 1]);
        assert_eq!(last, Some("h"), "{mode:?} is not as it was");
    }
    assert!(after.contains(&format!("status={status}")), "{after:?}");
    let modes = after.split("status=").nth(1).unwrap();
    for mode in ["icanon", "echo", "isig", "opost", "icrnl"] {
        let words = modes.split_whitespace().map(|word| word.trim_end_matches(';'));
        assert!(words.into_iter().any(|word| word == mode), "{mode} is not set again: {modes:?}");
    }
    if status == "0" {
        assert!(after.contains(" · live · "), "no report: {after:?}");
        assert!(after.contains("www.example"), "no report: {after:?}");
        assert!(after.split("status=").next().unwrap().contains("\r\n"), "lines end as they do");
    }
}

#[test]
fn keys_end_it() {
    if !is_possible() {
        return;
    }
    let mut run = OnTerminal::new(47_101);
    run.wait_for(ENTER, 0);
    // What happens is on the screen: the flow that is open.
    run.wait_for("udp port 47101", 0);
    run.wait_for("packets/s", 0);
    let before = run.length();
    run.type_keys("p");
    run.wait_for("paused", before);
    let before = run.length();
    run.type_keys("p?");
    run.wait_for("Ctrl-C", before);
    run.type_keys("?q");
    let seen = Arc::clone(&run.seen);
    let after = run.end();
    let all = String::from_utf8_lossy(&seen.lock().unwrap()).into_owned();
    check(&all, &after, "0");
    assert!(!all.contains("\x1b[2J\x1b[2J"));
}

#[test]
fn signals_end_it() {
    if !is_possible() {
        return;
    }
    let run = OnTerminal::new(47_102);
    run.wait_for("packets/s", 0);
    run.signal("-TERM");
    let seen = Arc::clone(&run.seen);
    let after = run.end();
    check(&String::from_utf8_lossy(&seen.lock().unwrap()), &after, "0");
}

#[test]
fn stopped_it_gives_the_terminal_back() {
    if !is_possible() {
        return;
    }
    let mut run = OnTerminal::new(47_103);
    run.wait_for("packets/s", 0);
    let process = run.process();
    let state = || fs::read_to_string(format!("/proc/{process}/stat")).unwrap().rsplit(')').next().unwrap().to_owned();
    let until = Instant::now() + PATIENCE;
    run.type_keys("\x1a");
    while !state().trim_start().starts_with('T') {
        assert!(Instant::now() < until, "Ctrl-Z does not stop it");
        thread::sleep(Duration::from_millis(50));
    }
    thread::sleep(Duration::from_millis(200));
    assert!(run.text().contains(LEAVE), "stopped on the alternate screen");
    let before = run.length();
    run.signal("-CONT");
    run.wait_for(ENTER, before);
    run.wait_for("packets/s", before);
    run.type_keys("\x03");
    let seen = Arc::clone(&run.seen);
    let after = run.end();
    check(&String::from_utf8_lossy(&seen.lock().unwrap()), &after, "0");
}
