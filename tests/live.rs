//! `wireglass live` on real interfaces: network namespaces joined by veth pairs, made and removed here. Needs root and `ip`;
//! says so where they are absent. What `-w` writes is looked at in `live_write.rs`.
//!
//! `sends` is no test: it is what a far host runs.
#![cfg(target_os = "linux")]
use std::{
    fs,
    io::{BufRead, BufReader, Read},
    net::UdpSocket,
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        atomic::{AtomicU32, Ordering},
        mpsc::{Receiver, channel},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

const NOBODY: u32 = 65534;
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
#[ignore = "what the far hosts of the other tests run"]
fn sends() {
    let Ok(job) = std::env::var("WIREGLASS_TEST_SENDS") else { return };
    let mut words = job.split(' ');
    let count: u32 = words.next().unwrap().parse().unwrap();
    let pause = Duration::from_micros(words.next().unwrap().parse().unwrap());
    let ends: Vec<&str> = words.collect();
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    for number in 0..count {
        for end in &ends {
            // The other end answers that nobody listens, which is an error of the next call.
            while socket.send_to(&number.to_be_bytes(), end).is_err() {}
        }
        if !pause.is_zero() {
            thread::sleep(pause);
        }
    }
}

/// Two hosts with two cables between them; gone when dropped.
struct Lab {
    near: String,
    far: String,
    folder: PathBuf,
}

impl Lab {
    fn new() -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let id = format!("{}x{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(format!("wireglass-live-{id}"));
        fs::create_dir_all(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
        let lab = Self { near: format!("wgn{id}"), far: format!("wgf{id}"), folder };
        if !ip(&["netns", "add", &lab.near]) || !ip(&["netns", "add", &lab.far]) {
            eprintln!("SKIPPED: no network namespaces here (root and `ip` are needed)");
            return None;
        }
        for cable in 0..2 {
            let (here, there) = (format!("near{cable}"), format!("far{cable}"));
            let hardware = format!("02:00:00:00:00:0{cable}");
            let words = format!(
                "link add {here} address {hardware} netns {} type veth peer name {there} netns {}",
                lab.near, lab.far
            );
            assert!(ip(&words.split(' ').collect::<Vec<_>>()), "{words}");
            for (host, name, last) in [(&lab.near, &here, 1), (&lab.far, &there, 2)] {
                assert!(ip(&["-n", host, "addr", "add", &format!("10.77.{cable}.{last}/24"), "dev", name]));
                assert!(ip(&["-n", host, "link", "set", name, "up"]));
            }
            // Nothing waits for an address to be found, where only so much can wait.
            let neighbor =
                format!("-n {} neigh add 10.77.{cable}.1 lladdr {hardware} dev {there} nud permanent", lab.far);
            assert!(ip(&neighbor.split(' ').collect::<Vec<_>>()), "{neighbor}");
        }
        Some(lab)
    }

    fn near(&self, words: &[&str]) {
        assert!(ip(&[&["-n", &self.near], words].concat()), "ip {words:?}");
    }

    /// Sends `count` datagrams to each of `ends` in turn, from the far host.
    fn send(&self, count: u32, pause_us: u32, ends: &[&str]) {
        let test = std::env::current_exe().unwrap();
        let sent = Command::new("ip")
            .args(["netns", "exec", &self.far])
            .arg(test)
            .args(["--exact", "sends", "--ignored", "--nocapture"])
            .env("WIREGLASS_TEST_SENDS", format!("{count} {pause_us} {}", ends.join(" ")))
            .stdout(Stdio::null())
            .status();
        assert!(sent.unwrap().success());
    }

    /// Begins a capture on the near host, and waits until it has begun.
    fn live(&self, words: &[&str]) -> Live {
        self.live_with(words, |_| {})
    }

    fn live_with(&self, words: &[&str], with: impl Fn(&mut Command)) -> Live {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.near, env!("CARGO_BIN_EXE_wireglass"), "live"]).args(words);
        command.env_remove("SUDO_UID").env_remove("SUDO_GID");
        with(&mut command);
        Live::begin(command)
    }

    fn file(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for host in [&self.near, &self.far] {
            let _ = Command::new("ip").args(["netns", "del", host]).stderr(Stdio::null()).status();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn ip(words: &[&str]) -> bool {
    Command::new("ip").args(words).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// A capture that runs; killed when dropped.
struct Live {
    child: Child,
    said: Vec<String>,
    says: Receiver<String>,
    printed: Option<thread::JoinHandle<String>>,
}

impl Live {
    fn begin(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, says) = channel();
        let errors = BufReader::new(child.stderr.take().unwrap());
        thread::spawn(move || errors.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let mut out = child.stdout.take().unwrap();
        let printed = thread::spawn(move || {
            let mut text = String::new();
            out.read_to_string(&mut text).map(|_| text).unwrap()
        });
        let mut live = Self { child, said: Vec::new(), says, printed: Some(printed) };
        live.hears("capturing on");
        live
    }

    /// Waits for a line on standard error.
    fn hears(&mut self, what: &str) -> String {
        let end = Instant::now() + PATIENCE;
        while let Ok(line) = self.says.recv_timeout(end.saturating_duration_since(Instant::now())) {
            self.said.push(line.clone());
            if line.contains(what) {
                return line;
            }
        }
        panic!("it did not say `{what}`, but {:?}", self.said);
    }

    fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Asks for the counts until the first interface has captured so many; the kernel's own count comes a little later.
    fn captured(&mut self, packets: u32) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            self.signal("USR1");
            let line = self.hears("packets captured");
            if line.contains(&format!(": {packets} packets captured, {packets} received")) {
                return line;
            }
            assert!(Instant::now() < end, "{line}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits for the end.
    fn ends(mut self) -> (ExitStatus, String, String) {
        let end = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < end, "it did not end; it said {:?}", self.said);
            thread::sleep(Duration::from_millis(10));
        };
        let printed = self.printed.take().unwrap().join().unwrap();
        self.said.extend(self.says.iter());
        (status, printed, self.said.join("\n"))
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn records(ndjson: &str) -> Vec<Value> {
    ndjson.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

fn capture(ndjson: &str) -> Value {
    let last = records(ndjson).pop().expect("records");
    assert_eq!(last["type"], "capture", "the last record");
    last
}

fn wireglass(words: &[&str]) -> (ExitStatus, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_wireglass")).args(words).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status, text(output.stdout), text(output.stderr))
}

#[test]
fn two_interfaces_are_one_capture_in_the_order_of_time() {
    let Some(lab) = Lab::new() else { return };
    for immediate in [false, true] {
        let file = lab.file(if immediate { "immediate.pcapng" } else { "both.pcapng" });
        let mut words = vec!["-i", "near0", "-i", "near1", "-f", "udp dst port 9"];
        words.extend(["-c", "400", "-w", &file]);
        words.extend(immediate.then_some("--immediate-mode"));
        let live = lab.live(&words);
        lab.send(250, 300, &["10.77.0.1:9", "10.77.1.1:9"]);
        let (status, printed, said) = live.ends();
        assert_eq!(status.code(), Some(0), "{said}");
        let live_capture = capture(&printed);
        assert_eq!((&live_capture["packets"], &live_capture["timestamps_backwards"]), (&400.into(), &0.into()));
        assert_eq!(live_capture["interfaces"].as_array().unwrap().len(), 2);
        let (status, packets, said) = wireglass(&["packets", &file, "-o", "ndjson"]);
        assert!(status.success(), "{said}");
        let packets = records(&packets);
        let times: Vec<&str> = packets.iter().filter_map(|packet| packet["ts"].as_str()).collect();
        assert_eq!(times.len(), 400);
        assert!(times.is_sorted(), "in the order of time");
        let numbers: Vec<u64> = packets.iter().filter_map(|packet| packet["number"].as_u64()).collect();
        assert_eq!(numbers, (1..=400).collect::<Vec<_>>());
        // They were sent in turn, so each follows one of the other interface, but where the sender was held up in between.
        let flows = |ndjson: &str| {
            let mut udp: Vec<Value> = records(ndjson).into_iter().filter(|record| record["type"] == "udp").collect();
            udp.sort_by_key(|record| record["flow"].to_string());
            udp
        };
        let (_, offline, _) = wireglass(&[&file, "-o", "ndjson"]);
        assert_eq!(flows(&printed), flows(&offline), "live says what its file says");
        assert_eq!(flows(&printed).len(), 2, "one flow an interface");
    }
}

#[test]
fn counts_are_the_senders() {
    let Some(lab) = Lab::new() else { return };
    let live = lab.live(&["-i", "near0", "-i", "near1", "-f", "dst port 9", "-f", "dst port 10", "--duration", "5.5"]);
    let began = Instant::now();
    lab.send(2000, 20, &["10.77.0.1:9", "10.77.1.1:9", "10.77.1.1:10"]);
    let (status, printed, said) = live.ends();
    assert!((4..15).contains(&began.elapsed().as_secs()));
    assert_eq!(status.code(), Some(0), "{said}");
    let capture = capture(&printed);
    assert_eq!(capture["packets"], 4000);
    for interface in capture["interfaces"].as_array().unwrap() {
        assert_eq!(interface["received"], 2000, "its own filter: {interface}");
        for count in ["dropped", "dropped_by_kernel", "dropped_by_interface", "not_analyzed"] {
            assert_eq!(interface[count], 0, "{count}");
        }
    }
}

#[test]
fn signals_end_it_with_the_whole_report_or_ask_for_counts() {
    let Some(lab) = Lab::new() else { return };
    for (signal, format) in [("INT", "ndjson"), ("TERM", "table")] {
        let mut live = lab.live(&["-i", "near0", "-f", "dst port 9", "-o", format]);
        lab.send(20, 0, &["10.77.0.1:9"]);
        let line = live.captured(20);
        assert!(line.contains("near0: 20 packets captured, 20 received, 0 dropped by the kernel"), "{line}");
        // What was sent just before the end is in the report: the kernel shows it a little later.
        lab.send(1, 0, &["10.77.0.1:9"]);
        live.signal(signal);
        let (status, printed, said) = live.ends();
        assert_eq!(status.code(), Some(0), "{said}");
        if format == "ndjson" {
            assert_eq!(capture(&printed)["packets"], 21);
        } else {
            assert!(printed.contains("21 packets") && printed.contains("complete, no drops"), "{printed}");
        }
    }
}

#[test]
fn records_come_while_it_runs() {
    let Some(lab) = Lab::new() else { return };
    let mut command = Command::new("ip");
    command.args(["netns", "exec", &lab.near, env!("CARGO_BIN_EXE_wireglass"), "live", "-i", "near0"]);
    command.args(["-f", "dst port 9", "--udp-timeout", "1"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (sender, printed) = channel();
    thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| sender.send(line)));
    let next = || records(&printed.recv_timeout(PATIENCE).unwrap_or_default()).pop();
    assert_eq!(next().expect("NDJSON where no terminal is, not held back")["type"], "report");
    lab.send(3, 0, &["10.77.0.1:9"]);
    // The wire is silent from now on: time passes all the same.
    let flow = next();
    child.kill().unwrap();
    child.wait().unwrap();
    let flow = flow.expect("a flow that is over is reported while the capture goes on");
    assert_eq!((&flow["type"], &flow["flow"]), (&"udp".into(), &"1".into()), "{flow}");
}

#[test]
fn an_interface_that_goes_away_is_told_and_the_others_go_on() {
    let Some(lab) = Lab::new() else { return };
    let mut live = lab.live(&["-i", "near0", "-i", "near1", "-f", "dst port 9"]);
    lab.send(10, 0, &["10.77.0.1:9"]);
    live.captured(10);
    lab.near(&["link", "del", "near0"]);
    live.hears("near0 is gone");
    lab.send(5, 0, &["10.77.1.1:9"]);
    thread::sleep(Duration::from_millis(100));
    live.signal("INT");
    let (status, printed, said) = live.ends();
    assert_eq!(status.code(), Some(3), "it is not the capture that was asked for: {said}");
    let last = capture(&printed);
    assert_eq!(last["packets"], 15);
    assert_eq!(last["interfaces"][0]["events"].as_array().unwrap().last().unwrap()["what"], "gone");

    // The only one: the report of what came.
    let live = lab.live(&["-i", "near1", "-f", "dst port 9", "-o", "table"]);
    lab.send(7, 0, &["10.77.1.1:9"]);
    lab.near(&["link", "del", "near1"]);
    let (status, printed, said) = live.ends();
    assert_eq!(status.code(), Some(3), "{said}");
    assert!(said.contains("near1 is gone") && printed.contains("7 packets"), "{said}\n{printed}");
    assert!(printed.contains("the capture from it ends there") && !printed.contains("complete"), "{printed}");
}

#[test]
fn an_interface_that_goes_down_and_comes_back_goes_on() {
    let Some(lab) = Lab::new() else { return };
    let mut live = lab.live(&["-i", "near0", "-f", "dst port 9"]);
    lab.send(3, 0, &["10.77.0.1:9"]);
    live.captured(3);
    lab.near(&["link", "set", "near0", "down"]);
    live.hears("near0 went down");
    lab.near(&["link", "set", "near0", "up"]);
    live.hears("near0 is up again");
    lab.send(4, 0, &["10.77.0.1:9"]);
    live.captured(7);
    live.signal("INT");
    let (status, printed, said) = live.ends();
    assert_eq!(status.code(), Some(0), "{said}");
    let events = capture(&printed)["interfaces"][0]["events"].clone();
    let what: Vec<&str> = events.as_array().unwrap().iter().filter_map(|event| event["what"].as_str()).collect();
    assert_eq!((what.first(), what.last()), (Some(&"down"), Some(&"up")), "{what:?}");
}

#[test]
fn a_reader_that_has_gone_ends_it_and_the_file_is_whole() {
    let Some(lab) = Lab::new() else { return };
    let file = lab.file("broken.pcapng");
    let mut command = Command::new("ip");
    command.args(["netns", "exec", &lab.near, env!("CARGO_BIN_EXE_wireglass"), "live", "-l", "-i", "near0"]);
    command.args(["--also", "dns_messages", "--udp-timeout", "1", "-f", "udp", "-w", &file]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(errors.by_ref().any(|line| line.contains("capturing on")));
    drop(child.stdout.take());
    // Each run of the sender is a flow of its own, which is over after a second: its record finds nobody.
    let end = Instant::now() + PATIENCE;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if Instant::now() > end {
            child.kill().unwrap();
            panic!("it went on without a reader");
        }
        lab.send(3, 0, &["10.77.0.1:9"]);
        thread::sleep(Duration::from_millis(200));
    };
    assert!(status.success(), "{status}");
    let said: Vec<String> = errors.collect();
    assert!(!said.iter().any(|line| line.contains("cannot write the output")), "it is silent: {said:?}");
    let (status, _, said) = wireglass(&[&file, "--strict"]);
    assert!(status.success(), "the file is whole: {said}");
}

#[test]
fn privileges_are_given_up() {
    let Some(lab) = Lab::new() else { return };
    let status_of = |live: &Live| fs::read_to_string(format!("/proc/{}/status", live.child.id())).unwrap();
    let field = |status: &str, name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{name}"));
        line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    let check = |mut live: Live, file: &str| {
        lab.send(5, 0, &["10.77.0.1:9"]);
        let line = live.captured(5);
        let status = status_of(&live);
        let nobody = NOBODY.to_string();
        assert_eq!(field(&status, "Uid:"), [&*nobody; 4]);
        assert_eq!(field(&status, "Gid:"), [&*nobody; 4]);
        assert!(!field(&status, "Groups:").contains(&"0".to_owned()), "root's groups are gone: {status}");
        assert_eq!(field(&status, "CapPrm:"), ["0000000000000000"]);
        assert_eq!(field(&status, "NoNewPrivs:"), ["1"]);
        assert!(line.contains("no new privileges"), "{line}");
        if line.contains("seccomp") {
            assert_eq!(field(&status, "Seccomp:"), ["2"]);
        } else {
            eprintln!("SKIPPED: this kernel has no seccomp");
        }
        live.signal("INT");
        let (status, printed, said) = live.ends();
        assert_eq!((status.code(), &capture(&printed)["packets"]), (Some(0), &5.into()), "{said}");
        assert_eq!(fs::metadata(file).unwrap().uid(), NOBODY, "the file is the user's");
    };
    let file = lab.file("by-option.pcapng");
    check(lab.live(&["-i", "near0", "-f", "dst port 9", "--user", "nobody", "-w", &file]), &file);
    // As sudo says who called.
    let file = lab.file("by-sudo.pcapng");
    let sudo = |command: &mut Command| {
        command.env("SUDO_UID", NOBODY.to_string()).env("SUDO_GID", NOBODY.to_string());
    };
    check(lab.live_with(&["-i", "near0", "-f", "dst port 9", "-w", &file], sudo), &file);
    // Root without sudo stays root, and is closed in all the same.
    let live = lab.live(&["-i", "near0"]);
    let status = status_of(&live);
    assert_eq!((&*field(&status, "Uid:")[0], &*field(&status, "NoNewPrivs:")[0]), ("0", "1"));
    drop(live);
    // Where that user may not write, it is said who could not.
    let shut = lab.folder.join("shut");
    fs::create_dir(&shut).unwrap();
    fs::set_permissions(&shut, fs::Permissions::from_mode(0o755)).unwrap();
    let path = shut.join("file.pcapng").display().to_string();
    let words = ["live", "-i", "lo", "--user", "nobody", "-w", &path];
    let (status, _, said) = wireglass(&words);
    assert_eq!(status.code(), Some(2), "{said}");
    assert!(said.contains("nobody") && !Path::new(&path).exists(), "{said}");
}

#[test]
fn what_prevents_it_is_said_with_what_to_do() {
    let Some(lab) = Lab::new() else { return };
    let (status, _, said) = wireglass(&["live", "-i", "loo"]);
    assert_eq!(status.code(), Some(5));
    assert!(said.contains("Did you mean `lo`?"), "{said}");
    let (status, _, said) = wireglass(&["live", "-i", "lo", "-f", "tcp portt 1"]);
    assert_eq!(status.code(), Some(4), "{said}");
    for words in [["--user", "no-such-user"], ["-i", "lo"], ["--duration", "0"], ["--duration", "x"], ["-s", "0"]] {
        let (status, _, said) = wireglass(&[&["live", "-i", "lo"], &words[..]].concat());
        assert_eq!(status.code(), Some(2), "{words:?}: {said}");
    }
    // Whoever may not is told how: the program must be where that user can start it.
    let program = lab.folder.join("wireglass");
    fs::copy(env!("CARGO_BIN_EXE_wireglass"), &program).unwrap();
    let unprivileged = |words: &[&str]| {
        let output = Command::new(&program).args(words).current_dir("/").uid(NOBODY).gid(NOBODY).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (status, said) = unprivileged(&["live", "-i", "lo"]);
    assert_eq!(status, Some(5), "{said}");
    let setcap = format!("sudo setcap cap_net_raw,cap_net_admin=eip {}", program.display());
    let sudo = format!("sudo {} live", program.display());
    assert!(said.contains(&setcap) || said.contains(&sudo), "{said}");
    let (_, said) = unprivileged(&["interfaces"]);
    assert!(said.contains("capturing is not allowed now"), "{said}");
    // And the command helps: it captures, and then has the right no more.
    let allowed = Command::new("setcap").args(["cap_net_raw,cap_net_admin=eip"]).arg(&program).status();
    if !allowed.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: no capabilities of files here (`setcap`)");
        return;
    }
    let mut command = Command::new(&program);
    command.args(["live", "-i", "lo", "-f", "udp port 9"]).current_dir("/").uid(NOBODY).gid(NOBODY);
    let mut live = Live::begin(command);
    live.captured(0);
    let status = fs::read_to_string(format!("/proc/{}/status", live.child.id())).unwrap();
    assert!(status.contains("CapPrm:\t0000000000000000"), "{status}");
    live.signal("INT");
    let (status, _, said) = live.ends();
    assert_eq!(status.code(), Some(0), "{said}");
}

#[test]
fn interfaces_have_numbers() {
    let Some(lab) = Lab::new() else { return };
    let listed = |words: &[&str]| {
        let program = env!("CARGO_BIN_EXE_wireglass");
        let output = Command::new("ip").args(["netns", "exec", &lab.near, program]).args(words).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let list = listed(&["interfaces"]);
    assert_eq!(list, listed(&["-D"]));
    let line = list.lines().find(|line| line.contains("near1")).unwrap_or_else(|| panic!("{list}"));
    assert!(line.contains("10.77.1.1") && line.contains("up"), "{line}");
    let number = line.split_whitespace().next().unwrap();
    let live = lab.live(&["-i", number, "-f", "dst port 9", "-c", "2"]);
    lab.send(2, 0, &["10.77.1.1:9"]);
    let (status, printed, _) = live.ends();
    assert_eq!((status.code(), &capture(&printed)["interfaces"][0]["name"]), (Some(0), &"near1".into()));
}
