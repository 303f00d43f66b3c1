//! A small mail server for tests: SMTP with STARTTLS or TLS and logins, its own reading of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A certificate for `localhost` of an authority that nobody trusts, for these tests only, until 2126:
/// `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 36500 -subj /CN=farebox-test
/// -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE`.
pub(crate) const CERTIFICATE: &[u8] = include_bytes!("localhost.pem");
const KEY: &[u8] = include_bytes!("localhost-key.pem");

/// A message as it was handed over.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mail {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) login: Option<String>,
    pub(crate) was_secured: bool,
    /// Header and body, dots undone.
    pub(crate) text: String,
}

impl Mail {
    /// A header, unfolded.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let head = self.text.split("\r\n\r\n").next()?.replace("\r\n ", " ");
        let line = head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")))?;
        Some(line.to_owned())
    }

    pub(crate) fn body(&self) -> String {
        let body = self.text.split_once("\r\n\r\n").map(|(_, body)| body).unwrap_or_default();
        if self.header("Content-Transfer-Encoding").as_deref() != Some("base64") {
            return body.to_owned();
        }
        let bytes = STANDARD.decode(body.replace("\r\n", "")).expect("base64");
        String::from_utf8(bytes).expect("UTF-8")
    }

    /// The event's id.
    pub(crate) fn id(&self) -> String {
        let id = self.header("Message-ID").expect("an id");
        id.trim_start_matches('<').split('@').next().unwrap_or_default().to_owned()
    }
}

/// How it secures connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Secure {
    StartTls,
    FromTheStart,
}

/// The server.
#[derive(Clone)]
pub(crate) struct MailServer {
    mails: Arc<Mutex<Vec<Mail>>>,
    down: Arc<AtomicBool>,
    /// An answer to give instead of the usual one, by the word it is given to.
    odd: Arc<Mutex<Option<(&'static str, &'static str)>>>,
    secure: Option<Secure>,
    port: u16,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl MailServer {
    pub(crate) async fn start(secure: Option<Secure>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let server =
            MailServer { mails: Arc::default(), down: Arc::default(), odd: Arc::default(), secure, port };
        let own = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let own = own.clone();
                tokio::spawn(async move {
                    if !own.down.load(Ordering::Relaxed) {
                        own.talk(Box::new(stream)).await;
                    }
                });
            }
        });
        server
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn is_down(&self, down: bool) {
        self.down.store(down, Ordering::Relaxed);
    }

    pub(crate) fn answers(&self, word: &'static str, answer: &'static str) {
        *self.odd.lock().expect("a lock") = Some((word, answer));
    }

    pub(crate) fn mails(&self) -> Vec<Mail> {
        self.mails.lock().expect("a lock").clone()
    }

    async fn talk(&self, stream: Box<dyn Stream>) -> Option<()> {
        let mut mail = Mail::default();
        let mut stream = BufReader::new(stream);
        if self.secure == Some(Secure::FromTheStart) {
            stream = secured(stream).await?;
            mail.was_secured = true;
        }
        say(&mut stream, "220 localhost ready").await?;
        loop {
            let line = read(&mut stream).await?;
            let word = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            let odd = *self.odd.lock().expect("a lock");
            if let Some((_, answer)) = odd.filter(|(odd, _)| *odd == word || line.contains(odd)) {
                say(&mut stream, answer).await?;
                continue;
            }
            match word.as_str() {
                "EHLO" => {
                    let can = match (self.secure, mail.was_secured) {
                        (Some(Secure::StartTls), false) => "STARTTLS",
                        _ => "AUTH LOGIN PLAIN",
                    };
                    say(&mut stream, &format!("250-localhost\r\n250-8BITMIME\r\n250 {can}")).await?;
                }
                "STARTTLS" => {
                    say(&mut stream, "220 go on").await?;
                    stream = secured(stream).await?;
                    mail.was_secured = true;
                }
                "AUTH" => {
                    let encoded = line.rsplit(' ').next().unwrap_or_default();
                    mail.login = String::from_utf8(STANDARD.decode(encoded).ok()?).ok();
                    say(&mut stream, "235 welcome").await?;
                }
                "MAIL" => {
                    mail.from = address(&line)?;
                    say(&mut stream, "250 ok").await?;
                }
                "RCPT" => {
                    mail.to.push(address(&line)?);
                    say(&mut stream, "250 ok").await?;
                }
                "DATA" => {
                    say(&mut stream, "354 go on").await?;
                    loop {
                        let line = read(&mut stream).await?;
                        if line == "." {
                            break;
                        }
                        assert!(line.len() <= 998 && line.is_ascii(), "{line}");
                        mail.text += line.strip_prefix('.').unwrap_or(&line);
                        mail.text += "\r\n";
                    }
                    self.mails.lock().expect("a lock").push(mail.clone());
                    say(&mut stream, "250 queued as 42").await?;
                }
                "QUIT" => return say(&mut stream, "221 bye").await,
                _ => say(&mut stream, "502 what?").await?,
            }
        }
    }
}

async fn secured(stream: BufReader<Box<dyn Stream>>) -> Option<BufReader<Box<dyn Stream>>> {
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE).expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(KEY).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("a certificate that fits its key");
    let stream = TlsAcceptor::from(Arc::new(config)).accept(stream.into_inner()).await.ok()?;
    Some(BufReader::new(Box::new(stream)))
}

async fn say(stream: &mut BufReader<Box<dyn Stream>>, words: &str) -> Option<()> {
    stream.write_all(format!("{words}\r\n").as_bytes()).await.ok()?;
    stream.flush().await.ok()
}

async fn read(stream: &mut BufReader<Box<dyn Stream>>) -> Option<String> {
    let mut line = String::new();
    if stream.read_line(&mut line).await.ok()? == 0 {
        return None;
    }
    Some(line.strip_suffix("\r\n").expect("CR LF").to_owned())
}

fn address(line: &str) -> Option<String> {
    Some(line.split_once('<')?.1.split_once('>')?.0.to_owned())
}
