//! What the hosts of the lab do: a server that answers, and scripts of a client. Each runs in a process of its own, as a
//! process is in one network namespace.
use std::{
    fs,
    io::{self, Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket},
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    thread,
    time::{Duration, SystemTime},
};

use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};

use super::lab::SERVER;

/// Ports, by who closes and how.
const CLIENT_CLOSES: u16 = 7001;
const SERVER_CLOSES: u16 = 7002;
const SERVER_ABORTS: u16 = 7003;
const HALF_CLOSED: u16 = 7004;
const BOTH_CLOSE: u16 = 7005;
const NOBODY: u16 = 7009;
const HTTP: u16 = 80;
const DNS: u16 = 53;
const HTTPS: u16 = 443;
/// Where floods go; somebody listens, so that no ICMP errors answer.
const FLOOD: u16 = 9999;

/// Plays the part that the environment says.
pub fn play() {
    let script = std::env::var("WIREGLASS_TRAFFIC").unwrap();
    let directory = PathBuf::from(std::env::var_os("WIREGLASS_TRAFFIC_DIRECTORY").unwrap());
    let mut words = script.split(' ');
    let mut number = |words: &mut std::str::Split<char>| words.next().map_or(0, |word| word.parse::<u64>().unwrap());
    match words.next() {
        Some("serve") => serve(&directory),
        Some("mixture") => mixture(&directory, number(&mut words)),
        Some("tls") => tls(&directory),
        Some("dns") => (0..number(&mut words)).for_each(|id| dns(id as u16)),
        Some("flood") => {
            let (packets, bytes, pause) = (number(&mut words), number(&mut words), number(&mut words));
            flood(&directory, packets, bytes as usize, Duration::from_micros(pause));
        }
        other => panic!("no such script: {other:?}"),
    }
}

fn listen(port: u16, answer: impl Fn(TcpStream) -> io::Result<()> + Send + 'static) {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let _ = answer(stream);
        }
    });
}

fn line(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    let mut byte = [0];
    while stream.read(&mut byte)? == 1 {
        line.push(byte[0]);
        if line.ends_with(b"\n") {
            break;
        }
    }
    Ok(line)
}

fn to_end(mut stream: TcpStream) -> io::Result<()> {
    io::copy(&mut stream, &mut io::sink()).map(|_| ())
}

/// Serves until it is killed, five minutes at most.
fn serve(directory: &Path) {
    listen(CLIENT_CLOSES, |mut stream| {
        let asked = line(&mut stream)?;
        stream.write_all(&asked.repeat(300))?;
        to_end(stream)
    });
    listen(SERVER_CLOSES, |mut stream| {
        line(&mut stream)?;
        stream.write_all(b"that was all\n")?;
        stream.shutdown(Shutdown::Write)?;
        to_end(stream)
    });
    // Closed with bytes unread: an RST.
    listen(SERVER_ABORTS, |mut stream| {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        thread::sleep(Duration::from_millis(20));
        Ok(())
    });
    listen(HALF_CLOSED, |mut stream| {
        io::copy(&mut stream, &mut io::sink())?;
        for _ in 0..3 {
            stream.write_all(&[b'x'; 5000])?;
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    });
    listen(BOTH_CLOSE, |mut stream| {
        line(&mut stream)?;
        stream.shutdown(Shutdown::Write)?;
        to_end(stream)
    });
    listen(HTTP, |mut stream| {
        loop {
            let request = line(&mut stream)?;
            if request.is_empty() {
                return Ok(());
            }
            while line(&mut stream)?.len() > 2 {}
            let body = format!("you asked for {}", String::from_utf8_lossy(&request).trim());
            let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n", body.len());
            stream.write_all((head + &body).as_bytes())?;
        }
    });
    let key = rcgen::generate_simple_self_signed(["lab.example".to_owned()]).unwrap();
    let certificate = key.cert.der().clone();
    fs::write(directory.join("certificate.der"), &certificate).unwrap();
    let secret = PrivateKeyDer::Pkcs8(key.signing_key.serialize_der().into());
    let config =
        rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], secret).unwrap();
    let config = Arc::new(config);
    listen(HTTPS, move |mut stream| {
        let mut tls = rustls::ServerConnection::new(Arc::clone(&config)).map_err(io::Error::other)?;
        let mut tls = rustls::Stream::new(&mut tls, &mut stream);
        let mut request = [0; 1000];
        let count = tls.read(&mut request)?;
        let body = format!("{count} bytes of request");
        tls.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).as_bytes())?;
        tls.conn.send_close_notify();
        tls.flush()?;
        let _ = tls.read(&mut request);
        Ok(())
    });
    let flooded = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, FLOOD)).unwrap();
    thread::spawn(move || while flooded.recv(&mut [0; 2000]).is_ok() {});
    let names = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, DNS)).unwrap();
    thread::spawn(move || {
        let mut query = [0; 512];
        while let Ok((size, from)) = names.recv_from(&mut query) {
            let question = &query[12..size];
            // Names that begin with `no` do not exist.
            let is_known = !question[1..].starts_with(b"no");
            let mut answer = query[..2].to_vec();
            answer.extend_from_slice(&[
                0x85,
                if is_known { 0x80 } else { 0x83 },
                0,
                1,
                0,
                u8::from(is_known),
                0,
                0,
                0,
                0,
            ]);
            answer.extend_from_slice(question);
            if is_known {
                answer.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 77, 0, 2]);
            }
            let _ = names.send_to(&answer, from);
        }
    });
    fs::write(directory.join("ready"), "").unwrap();
    thread::sleep(Duration::from_secs(300));
}

fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect_timeout(&SocketAddr::from((SERVER, port)), Duration::from_secs(5)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// All of it, `rounds` times.
fn mixture(directory: &Path, rounds: u64) {
    for round in 0..rounds {
        let mut stream = connect(CLIENT_CLOSES);
        stream.write_all(b"a request\n").unwrap();
        stream.read_exact(&mut [0; 3000]).unwrap();
        drop(stream);

        let mut stream = connect(SERVER_CLOSES);
        stream.write_all(b"a request\n").unwrap();
        to_end(stream).unwrap();

        let mut stream = connect(SERVER_ABORTS);
        stream.write_all(b"more than is read").unwrap();
        let _ = to_end(stream);

        let mut stream = connect(HALF_CLOSED);
        stream.write_all(b"that is all I say").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        to_end(stream).unwrap();

        let mut stream = connect(BOTH_CLOSE);
        stream.write_all(b"bye\n").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        to_end(stream).unwrap();

        let refused = TcpStream::connect_timeout(&SocketAddr::from((SERVER, NOBODY)), Duration::from_secs(5));
        assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);

        let mut stream = connect(HTTP);
        for target in ["/", "/style.css", "/a%20b?c=d"] {
            stream.write_all(format!("GET {target} HTTP/1.1\r\nHost: lab.example\r\n\r\n").as_bytes()).unwrap();
            while line(&mut stream).unwrap().len() > 2 {}
            stream.read_exact(&mut [0; 20]).unwrap();
        }
        drop(stream);

        (0..4).for_each(|id| dns((round * 4 + id) as u16));
        // A port that nobody has: an ICMP error.
        let lost = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
        lost.send_to(b"anybody there?", (SERVER, NOBODY)).unwrap();
        tls(directory);
    }
    let _ = Command::new("ping").args(["-c", "3", "-i", "0.01", "-W", "2", &SERVER.to_string()]).output();
}

fn dns(id: u16) {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let mut query = id.to_be_bytes().to_vec();
    query.extend_from_slice(&[1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    let host = if id % 4 == 3 { format!("no{id}") } else { format!("host{id}") };
    for label in [host.as_str(), "lab", "example"] {
        query.push(label.len() as u8);
        query.extend_from_slice(label.as_bytes());
    }
    query.extend_from_slice(&[0, 0, 1, 0, 1]);
    socket.send_to(&query, (SERVER, DNS)).unwrap();
    socket.recv(&mut [0; 512]).unwrap();
}

/// HTTP inside TLS; the client logs its secrets where SSLKEYLOGFILE says.
fn tls(directory: &Path) {
    let certificate = CertificateDer::from(fs::read(directory.join("certificate.der")).unwrap());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate).unwrap();
    let mut config = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.key_log = Arc::new(rustls::KeyLogFile::new());
    let name = ServerName::try_from("lab.example").unwrap();
    let mut connection = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = connect(HTTPS);
    let mut tls = rustls::Stream::new(&mut connection, &mut stream);
    tls.write_all(b"GET /secret HTTP/1.1\r\nHost: lab.example\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = tls.read_to_end(&mut answer);
    assert!(answer.starts_with(b"HTTP/1.1 200 OK"));
    tls.conn.send_close_notify();
    let _ = tls.flush();
}

/// Numbered datagrams at a steady pace. When each was sent is in `sent.log`: number and nanoseconds since 1970.
fn flood(directory: &Path, packets: u64, bytes: usize, pause: Duration) {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    let mut sent = String::new();
    let mut payload = vec![b'.'; bytes.max(8)];
    for number in 0..packets {
        payload[..8].copy_from_slice(&number.to_be_bytes());
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos();
        socket.send_to(&payload, (SERVER, FLOOD)).unwrap();
        sent.push_str(&format!("{number} {now}\n"));
        thread::sleep(pause);
    }
    fs::write(directory.join("sent.log"), sent).unwrap();
}
