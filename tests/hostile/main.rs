//! Captures made to hurt: floods that want memory or time, and names that want to command a terminal, a browser or a
//! spreadsheet. Small versions of what `fuzz/README.md` lists with measurements.
mod caps_capture;
mod caps_datagrams;
mod caps_dns;
mod caps_http;
mod caps_more;
mod caps_tls;
mod floods;
mod output;
mod output_more;
mod wire;

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

fn scratch(name: &str, bytes: &[u8]) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("hostile");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path
}

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_wireglass")).args(arguments).stdin(Stdio::null()).output().unwrap()
}

/// What a run over a capture gave: its records, and what it cost.
struct Survived {
    records: Vec<Value>,
    output: Vec<u8>,
    /// Highest resident memory seen, in MiB; 0 where the system does not tell.
    memory: u64,
}

impl Survived {
    fn findings(&self, code: &str) -> Vec<&Value> {
        self.records.iter().filter(|record| record["code"] == code).collect()
    }

    fn of_type(&self, name: &str) -> usize {
        self.records.iter().filter(|record| record["type"] == name).count()
    }

    /// The finding about a cap: there is one, and it concerns the whole capture.
    fn limit(&self, code: &str) -> &Value {
        let [finding] = self.findings(code)[..] else { panic!("not one finding {code}: {:?}", self.findings(code)) };
        assert!(finding["flow"].is_null() && finding["evidence"][0].is_u64(), "{finding}");
        finding
    }
}

/// Runs wireglass over a capture: it must end well, soon, and within 256 MiB.
fn survive(name: &str, capture: &[u8], more: &[&str]) -> Survived {
    let path = scratch(name, capture);
    let (out, started) = (scratch(&format!("{name}.out"), b""), Instant::now());
    let mut child = Command::new(env!("CARGO_BIN_EXE_wireglass"))
        .args([path.to_str().unwrap(), "--format", "ndjson"])
        .args(more)
        .stdin(Stdio::null())
        .stdout(fs::File::create(&out).unwrap())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (status_file, mut memory) = (format!("/proc/{}/status", child.id()), 0);
    let status = loop {
        let told = fs::read_to_string(&status_file).unwrap_or_default();
        let peak = told.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        memory = memory.max(peak.unwrap_or(0) / 1024);
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        assert!(started.elapsed() < Duration::from_secs(120), "{name} does not end");
        std::thread::sleep(Duration::from_millis(5));
    };
    assert!(status.success(), "{name}: {status}");
    // Sixteen workers under load hold the most: each has parcels and records of its own on the way.
    assert!(memory < 256, "{name}: {memory} MiB");
    let output = fs::read(&out).unwrap();
    let lines = output.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let records = lines.map(|line| serde_json::from_slice(line).unwrap()).collect();
    Survived { records, output, memory }
}
