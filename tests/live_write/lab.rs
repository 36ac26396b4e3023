//! Two hosts for a test: network namespaces with a veth pair between them, gone when the test is over, however it ends;
//! and programs that run in them.
use std::{
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader, Read},
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        atomic::{AtomicU32, Ordering},
        mpsc::{self, Receiver},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

pub const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
pub const SERVER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);
/// The client's interface, which is captured from.
pub const INTERFACE: &str = "wgc0";

/// Nothing here takes so long, even on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The two hosts, and a directory of the test's own.
pub struct Lab {
    client: String,
    server: String,
    pub directory: PathBuf,
    serving: Vec<Running>,
}

/// Whether `program` is there.
pub fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin"), PathBuf::from("/sbin")])
        .any(|directory| directory.join(program).is_file())
}

fn ip(arguments: &str) -> bool {
    let output = Command::new("ip").args(arguments.split(' ')).output();
    output.is_ok_and(|output| {
        if !output.status.success() {
            eprintln!("ip {arguments}: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        output.status.success()
    })
}

impl Lab {
    /// None where namespaces cannot be made, which is said.
    pub fn new() -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let own = format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        if !has("ip") {
            eprintln!("SKIPPED: there is no `ip`");
            return None;
        }
        let directory = std::env::temp_dir().join(format!("wireglass-live-write-{own}"));
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory).unwrap();
        let lab =
            Self { client: format!("wglw-c-{own}"), server: format!("wglw-s-{own}"), directory, serving: Vec::new() };
        let (client, server) = (&lab.client, &lab.server);
        if !ip(&format!("netns add {client}")) || !ip(&format!("netns add {server}")) {
            eprintln!("SKIPPED: network namespaces cannot be made (needs root)");
            return None;
        }
        let made = ip(&format!("link add {INTERFACE} netns {client} type veth peer name wgs0 netns {server}"))
            && ip(&format!("-n {client} addr add {CLIENT}/24 dev {INTERFACE}"))
            && ip(&format!("-n {server} addr add {SERVER}/24 dev wgs0"))
            && ip(&format!("-n {client} addr add fd77::1/64 dev {INTERFACE} nodad"))
            && ip(&format!("-n {server} addr add fd77::2/64 dev wgs0 nodad"))
            && [(client, INTERFACE), (client, "lo"), (server, "wgs0"), (server, "lo")]
                .iter()
                .all(|(host, device)| ip(&format!("-n {host} link set {device} up")));
        assert!(made, "the namespaces are there, but no veth pair");
        Some(lab)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// A command on the client's host.
    pub fn client<S: AsRef<OsStr>>(&self, program: S) -> Command {
        inside(&self.client, program)
    }

    /// `ip -n CLIENT arguments`
    pub fn configure(&self, arguments: &str) {
        assert!(ip(&format!("-n {} {arguments}", self.client)));
    }

    /// Begins to serve, on the server's host; ready when this returns.
    pub fn serve(&mut self) {
        let ready = self.path("ready");
        let mut command = inside(&self.server, std::env::current_exe().unwrap());
        let running = Running::start(self.play(&mut command, "serve"));
        wait_for("the server", || ready.exists());
        self.serving.push(running);
    }

    /// Traffic from the client's host: see `traffic.rs`. Over when this returns.
    pub fn traffic(&self, script: &str) {
        let mut running = self.begin_traffic(script);
        let status = running.wait();
        assert!(status.success(), "traffic `{script}`: {}", running.errors());
    }

    /// The same, going on.
    pub fn begin_traffic(&self, script: &str) -> Running {
        let mut command = self.client(std::env::current_exe().unwrap());
        Running::start(self.play(&mut command, script))
    }

    fn play<'a>(&self, command: &'a mut Command, script: &str) -> &'a mut Command {
        command
            .args(["--ignored", "--exact", "plays_a_host", "--nocapture"])
            .env("WIREGLASS_TRAFFIC", script)
            .env("WIREGLASS_TRAFFIC_DIRECTORY", &self.directory)
            .env("SSLKEYLOGFILE", self.path("keys.log"))
    }

    /// `wireglass live -i INTERFACE ...` on the client's host, capturing when this returns.
    pub fn live<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Running {
        let mut command = self.client(env!("CARGO_BIN_EXE_wireglass"));
        let mut running = Running::start(command.args(["live", "-i", INTERFACE]).args(arguments));
        running.expect("capturing on");
        running
    }

    /// `tcpdump` beside it, capturing when this returns.
    pub fn tcpdump(&self, file: &Path) -> Running {
        let mut command = self.client("tcpdump");
        command.args([
            "-i",
            INTERFACE,
            "--time-stamp-precision=nano",
            "--immediate-mode",
            "-U",
            "-s",
            "262144",
            "-B",
            "8192",
        ]);
        // Root's files are tcpdump's user's otherwise.
        let mut running = Running::start(command.args(["-Z", "root", "-w"]).arg(file));
        running.expect("listening on");
        running
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.serving.clear();
        for host in [&self.client, &self.server] {
            let _ = Command::new("ip").args(["netns", "del", host]).stderr(Stdio::null()).status();
        }
        if thread::panicking() {
            eprintln!("left for a look: {}", self.directory.display());
        } else {
            let _ = fs::remove_dir_all(&self.directory);
        }
    }
}

fn inside<S: AsRef<OsStr>>(host: &str, program: S) -> Command {
    let mut command = Command::new("ip");
    command.args(["netns", "exec", host]).arg(program);
    command
}

pub fn wait_for(what: &str, mut is_there: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_there() {
        assert!(began.elapsed() < PATIENCE, "{what} did not come");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A program that runs; ended with the test.
pub struct Running {
    child: Child,
    lines: Receiver<String>,
    said: String,
    output: Option<JoinHandle<Vec<u8>>>,
}

impl Running {
    /// Standard output is read as it comes.
    pub fn start(command: &mut Command) -> Self {
        let mut running = Self::start_unread(command);
        let mut stdout = running.child.stdout.take().unwrap();
        running.output = Some(thread::spawn(move || {
            let mut all = Vec::new();
            let _ = stdout.read_to_end(&mut all);
            all
        }));
        running
    }

    /// Standard output is for the test to read.
    pub fn start_unread(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = child.stderr.take().unwrap();
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Self { child, lines, said: String::new(), output: None }
    }

    pub fn stdout(&mut self) -> impl Read + use<> {
        self.child.stdout.take().unwrap()
    }

    /// Waits until standard error says so; answers the line.
    pub fn expect(&mut self, what: &str) -> String {
        let began = Instant::now();
        loop {
            match self.lines.recv_timeout(PATIENCE.saturating_sub(began.elapsed())) {
                Ok(line) => {
                    self.said.push_str(&line);
                    self.said.push('\n');
                    if line.contains(what) {
                        return line;
                    }
                }
                Err(_) => panic!("`{what}` was not said, but: {}", self.said),
            }
        }
    }

    pub fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success(), "kill -{signal} {id}");
    }

    pub fn wait(&mut self) -> ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(began.elapsed() < PATIENCE, "it does not end; it said: {}", self.errors());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits, and answers the status and standard output.
    pub fn end(&mut self) -> (ExitStatus, Vec<u8>) {
        let status = self.wait();
        let output = self.output.take().map(|output| output.join().unwrap()).unwrap_or_default();
        (status, output)
    }

    /// Ctrl-C: must succeed. Answers standard output.
    pub fn interrupt(&mut self) -> Vec<u8> {
        self.signal("INT");
        let (status, output) = self.end();
        assert!(status.success(), "{status}: {}", self.errors());
        output
    }

    /// Standard error so far.
    pub fn errors(&mut self) -> String {
        // What was said last may be under way.
        while let Ok(line) = self.lines.recv_timeout(Duration::from_millis(50)) {
            self.said.push_str(&line);
            self.said.push('\n');
        }
        self.said.clone()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
