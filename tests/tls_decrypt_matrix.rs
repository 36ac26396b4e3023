//! Sessions made on the spot by OpenSSL, one for each way to protect records, through a proxy that writes down what
//! passes; each is opened with the client's key log, or with the server's private key, and the HTTP inside must be read.
use std::{
    fs,
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

/// Options of s_client, and what the session is opened with.
struct Case {
    name: &'static str,
    client: &'static [&'static str],
    suite: &'static str,
    rsa_key: bool,
    /// A line of s_client's own commands, before the request.
    command: Option<&'static str>,
}

const fn case(name: &'static str, client: &'static [&'static str], suite: &'static str) -> Case {
    Case { name, client, suite, rsa_key: false, command: None }
}

const CASES: &[Case] = &[
    case("13 gcm", &["-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256"], "TLS_AES_128_GCM_SHA256"),
    case("13 gcm 256", &["-tls1_3", "-ciphersuites", "TLS_AES_256_GCM_SHA384"], "TLS_AES_256_GCM_SHA384"),
    case("13 chacha", &["-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"], "TLS_CHACHA20_POLY1305_SHA256"),
    case("13 ccm", &["-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_SHA256"], "TLS_AES_128_CCM_SHA256"),
    case("13 ccm 8", &["-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_8_SHA256"], "TLS_AES_128_CCM_8_SHA256"),
    Case {
        command: Some("K"),
        ..case("13 key update", &["-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256"], "TLS_AES_128_GCM_SHA256")
    },
    Case {
        command: Some("k"),
        ..case(
            "13 key update of one side",
            &["-tls1_3", "-ciphersuites", "TLS_AES_256_GCM_SHA384"],
            "TLS_AES_256_GCM_SHA384",
        )
    },
    case("12 gcm", &["-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"], "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
    case("12 gcm 256", &["-tls1_2", "-cipher", "ECDHE-RSA-AES256-GCM-SHA384"], "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
    case(
        "12 chacha",
        &["-tls1_2", "-cipher", "ECDHE-RSA-CHACHA20-POLY1305"],
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    ),
    case("12 ccm", &["-tls1_2", "-cipher", "DHE-RSA-AES128-CCM"], "TLS_DHE_RSA_WITH_AES_128_CCM"),
    case("12 ccm 256", &["-tls1_2", "-cipher", "DHE-RSA-AES256-CCM"], "TLS_DHE_RSA_WITH_AES_256_CCM"),
    case("12 ccm 8", &["-tls1_2", "-cipher", "AES256-CCM8"], "TLS_RSA_WITH_AES_256_CCM_8"),
    case("12 cbc, MAC last", &["-tls1_2", "-cipher", "ECDHE-RSA-AES128-SHA"], "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"),
    case(
        "12 cbc, MAC first",
        &["-tls1_2", "-no_etm", "-cipher", "ECDHE-RSA-AES128-SHA"],
        "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    ),
    case(
        "12 cbc sha256, MAC last",
        &["-tls1_2", "-cipher", "ECDHE-RSA-AES128-SHA256"],
        "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
    ),
    case(
        "12 cbc sha256, MAC first",
        &["-tls1_2", "-no_etm", "-cipher", "AES256-SHA256"],
        "TLS_RSA_WITH_AES_256_CBC_SHA256",
    ),
    case(
        "12 cbc sha384, MAC last",
        &["-tls1_2", "-cipher", "ECDHE-RSA-AES256-SHA384"],
        "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384",
    ),
    case(
        "12 cbc sha384, MAC first",
        &["-tls1_2", "-no_etm", "-cipher", "ECDHE-RSA-AES256-SHA384"],
        "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384",
    ),
    case("12 null", &["-tls1_2", "-cipher", "NULL-SHA256:@SECLEVEL=0"], "TLS_RSA_WITH_NULL_SHA256"),
    case("11 cbc", &["-tls1_1", "-cipher", "AES128-SHA:@SECLEVEL=0"], "TLS_RSA_WITH_AES_128_CBC_SHA"),
    case(
        "11 cbc, MAC first",
        &["-tls1_1", "-no_etm", "-cipher", "AES128-SHA:@SECLEVEL=0"],
        "TLS_RSA_WITH_AES_128_CBC_SHA",
    ),
    case("10 cbc", &["-tls1", "-cipher", "AES256-SHA:@SECLEVEL=0"], "TLS_RSA_WITH_AES_256_CBC_SHA"),
    case(
        "10 cbc, MAC first",
        &["-tls1", "-no_etm", "-cipher", "AES256-SHA:@SECLEVEL=0"],
        "TLS_RSA_WITH_AES_256_CBC_SHA",
    ),
    Case {
        rsa_key: true,
        ..case("12 gcm, private key", &["-tls1_2", "-cipher", "AES128-GCM-SHA256"], "TLS_RSA_WITH_AES_128_GCM_SHA256")
    },
    Case {
        rsa_key: true,
        ..case(
            "12 cbc sha256, private key",
            &["-tls1_2", "-cipher", "AES128-SHA256"],
            "TLS_RSA_WITH_AES_128_CBC_SHA256",
        )
    },
    Case {
        rsa_key: true,
        ..case(
            "12 gcm 256, private key",
            &["-tls1_2", "-cipher", "AES256-GCM-SHA384"],
            "TLS_RSA_WITH_AES_256_GCM_SHA384",
        )
    },
    Case {
        rsa_key: true,
        ..case("10 cbc, private key", &["-tls1", "-cipher", "AES128-SHA:@SECLEVEL=0"], "TLS_RSA_WITH_AES_128_CBC_SHA")
    },
];

/// Ends a process when the test does.
struct Ends(Child);

impl Drop for Ends {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

type Passed = Arc<Mutex<Vec<(bool, Vec<u8>)>>>;

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn connect(port: u16) -> TcpStream {
    let start = Instant::now();
    loop {
        match TcpStream::connect(("127.0.0.1", port)) {
            Ok(stream) => return stream,
            Err(error) => assert!(start.elapsed() < Duration::from_secs(20), "{error}"),
        }
        thread::sleep(Duration::from_millis(20));
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream, from_client: bool, passed: Passed) {
    let mut buffer = [0; 1400];
    while let Ok(count) = from.read(&mut buffer) {
        if count == 0 {
            break;
        }
        // Written down before it goes on, so that an answer never stands before its question.
        passed.lock().unwrap().push((from_client, buffer[..count].to_vec()));
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// One session through a proxy; gives what passed in both directions.
fn session(folder: &Path, server_port: u16, case: &Case, keys: &Path) -> Vec<(bool, Vec<u8>)> {
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = proxy.local_addr().unwrap().port();
    let passed = Passed::default();
    let mine = Arc::clone(&passed);
    let proxying = thread::spawn(move || {
        let (client, _) = proxy.accept().unwrap();
        let server = connect(server_port);
        let (client2, server2) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        let both = Arc::clone(&mine);
        let up = thread::spawn(move || copy(client, server, true, both));
        copy(server2, client2, false, mine);
        up.join().unwrap();
    });
    let mut client = Command::new("openssl")
        .args(["s_client", "-connect", &format!("127.0.0.1:{port}"), "-keylogfile"])
        .arg(keys)
        .args(case.client)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = client.stdin.take().unwrap();
    if let Some(command) = case.command {
        thread::sleep(Duration::from_millis(400));
        writeln!(input, "{command}").unwrap();
        thread::sleep(Duration::from_millis(200));
    }
    input.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    let mut client = Ends(client);
    let start = Instant::now();
    while client.0.try_wait().unwrap().is_none() && start.elapsed() < Duration::from_secs(20) {
        thread::sleep(Duration::from_millis(10));
    }
    drop(input);
    drop(client);
    proxying.join().unwrap();
    Arc::into_inner(passed).unwrap().into_inner().unwrap()
}

/// A capture of a TCP connection that carried this, raw IPv4.
fn write_capture(path: &Path, chunks: &[(bool, Vec<u8>)]) {
    let mut file: Vec<u8> = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65535, 101] {
        file.extend(word.to_le_bytes());
    }
    let mut next = [1000_u32, 5000_u32];
    let mut time = 0_u32;
    let mut packet = |from_client: bool, flags: u8, payload: &[u8]| {
        let (mine, theirs) = if from_client { (0, 1) } else { (1, 0) };
        let (source, target) = if from_client { (40_000_u16, 443_u16) } else { (443, 40_000) };
        let mut bytes = vec![0x45, 0];
        bytes.extend(u16::try_from(40 + payload.len()).unwrap().to_be_bytes());
        bytes.extend([0, 0, 0x40, 0, 64, 6, 0, 0]);
        bytes.extend([10, 0, 0, 1 + mine as u8, 10, 0, 0, 1 + theirs as u8]);
        bytes.extend(source.to_be_bytes());
        bytes.extend(target.to_be_bytes());
        bytes.extend(next[mine].to_be_bytes());
        bytes.extend((if flags & 0x10 == 0 { 0 } else { next[theirs] }).to_be_bytes());
        bytes.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        bytes.extend(payload);
        next[mine] += payload.len() as u32 + u32::from(flags & 3 != 0);
        time += 1;
        for word in [1_700_000_000, time, bytes.len() as u32, bytes.len() as u32] {
            file.extend(word.to_le_bytes());
        }
        file.extend(bytes);
    };
    packet(true, 0x02, &[]);
    packet(false, 0x12, &[]);
    packet(true, 0x10, &[]);
    for (from_client, chunk) in chunks {
        packet(*from_client, 0x18, chunk);
    }
    packet(false, 0x11, &[]);
    packet(true, 0x11, &[]);
    packet(false, 0x10, &[]);
    fs::write(path, file).unwrap();
}

fn run(capture: &Path, option: &str, value: &Path) -> Vec<Value> {
    let run = Command::new(env!("CARGO_BIN_EXE_wireglass"))
        .arg(capture)
        .args(["--format", "ndjson", "--only", "tls,http,findings", option])
        .arg(value)
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn openssl(folder: &Path, arguments: &[&str]) -> bool {
    let run = Command::new("openssl").args(arguments).current_dir(folder).output();
    run.is_ok_and(|run| run.status.success())
}

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn every_protection_is_opened() {
    let folder = Folder(std::env::temp_dir().join(format!("wireglass-matrix-{}", std::process::id())));
    fs::create_dir_all(&folder.0).unwrap();
    let request = "req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 30 -subj /CN=matrix.example";
    if !openssl(&folder.0, &request.split(' ').collect::<Vec<_>>()) {
        eprintln!("SKIPPED: there is no openssl to make sessions with");
        return;
    }
    assert!(openssl(&folder.0, &["rsa", "-in", "key.pem", "-traditional", "-out", "pkcs1.pem"]));
    assert!(openssl(&folder.0, &["genrsa", "-out", "other.pem", "2048"]));
    let port = free_port();
    let server = Command::new("openssl")
        .args(["s_server", "-accept", &format!("127.0.0.1:{port}"), "-cert", "cert.pem", "-key", "key.pem", "-www"])
        .args(["-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"])
        .args(["-ciphersuites", "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256"])
        .current_dir(&folder.0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _server = Ends(server);
    drop(connect(port));
    let mut wrong = Vec::new();
    for (number, case) in CASES.iter().enumerate() {
        let (keys, capture) = (folder.0.join(format!("{number}.keys")), folder.0.join(format!("{number}.pcap")));
        let chunks = session(&folder.0, port, case, &keys);
        write_capture(&capture, &chunks);
        // Both forms of private key, in turn.
        let key = folder.0.join(if number % 2 == 0 { "key.pem" } else { "pkcs1.pem" });
        let records = if case.rsa_key { run(&capture, "--rsa-key", &key) } else { run(&capture, "--keylog", &keys) };
        let http = records.iter().find(|record| record["type"] == "http");
        let tls = records.iter().find(|record| record["type"] == "tls");
        let found = (
            tls.map(|tls| &tls["cipher_suite"]["name"]),
            tls.map(|tls| &tls["decrypted"]),
            http.map(|http| &http["over"]),
            http.map(|http| &http["response"]["status"]),
        );
        let failed = records.iter().any(|record| record["code"] == "tls.decryption-failed");
        let suite = Value::from(case.suite);
        let expected = (Some(&suite), Some(&Value::Bool(true)), Some(&"tls".into()), Some(&200.into()));
        if found != expected || failed {
            wrong.push(format!("{}: {found:?}, failed {failed}, {} chunks", case.name, chunks.len()));
        }
        if case.command.is_some() {
            let phases = tls.map(|tls| tls["phases"].to_string()).unwrap_or_default();
            let both = phases.matches("key_update").count();
            let expected = if case.command == Some("K") { 2 } else { 1 };
            assert_eq!(both, expected, "{}: {phases}", case.name);
        }
        if case.rsa_key {
            let records = run(&capture, "--rsa-key", &folder.0.join("other.pem"));
            let told = records.iter().filter(|record| record["code"] == "tls.decryption-failed").count();
            assert_eq!(told, 1, "{}: a key of another server", case.name);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
