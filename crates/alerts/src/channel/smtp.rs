//! Handing one message to a mail server (RFC 5321, STARTTLS of RFC 3207, AUTH of RFC 4954): one connection, one
//! message, nothing kept.
//!
//! Not a mail library: no queue (that is the outbox), no MX look-up, no pipelining. A password is sent only over TLS,
//! to this machine, or where the operator chose `Plain` for it.

use std::io;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::Outcome;
use super::email::Transport;
use crate::Secret;
use crate::words::printable;

/// The longest answer, bytes; the standard has 512 a line.
const ANSWER_BYTES_MAX: u64 = 16 << 10;
const ANSWER_CHARS_MAX: usize = 120;

/// A message, where it goes and how.
pub(super) struct Submission<'a> {
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) transport: Transport,
    pub(super) login: Option<(&'a str, &'a Secret)>,
    pub(super) extra_roots: Option<&'a [u8]>,
    /// What we call ourselves.
    pub(super) greeting: &'a str,
    pub(super) from: &'a str,
    pub(super) to: &'a [String],
    pub(super) message: &'a str,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A conversation with a server.
struct Talk {
    stream: BufReader<Box<dyn Stream>>,
}

struct Reply {
    code: u16,
    lines: Vec<String>,
}

/// Delivers a message, or says what stood in the way.
pub(super) async fn submit(submission: &Submission<'_>) -> Outcome {
    match converse(submission).await {
        Ok(answer) => Outcome::Delivered { answer },
        Err(outcome) => outcome,
    }
}

async fn converse(submission: &Submission<'_>) -> Result<String, Outcome> {
    let tcp = TcpStream::connect((submission.host, submission.port)).await.map_err(broken)?;
    let mut talk = match submission.transport {
        Transport::Tls => Talk::over(Box::new(secured(submission, tcp).await?)),
        Transport::StartTls | Transport::Plain => Talk::over(Box::new(tcp)),
    };
    talk.read().await?.expect(220, "the greeting")?;
    let mut can = talk.hello(submission.greeting).await?;
    if submission.transport == Transport::StartTls {
        if !can.iter().any(|word| word == "STARTTLS") {
            return Err(Outcome::failed("the server offers no STARTTLS"));
        }
        talk.say("STARTTLS").await?.expect(220, "STARTTLS")?;
        let tcp = talk.bare()?;
        talk = Talk::over(Box::new(secured(submission, tcp).await?));
        can = talk.hello(submission.greeting).await?;
    }
    if let Some((name, password)) = submission.login {
        talk.log_in(name, password, &can).await?;
    }
    let answer = talk.hand_over(submission).await?;
    // The message is theirs; how the goodbye goes is of no interest.
    let _ = talk.say("QUIT").await;
    Ok(answer)
}

impl Talk {
    fn over(stream: Box<dyn Stream>) -> Self {
        Talk { stream: BufReader::new(stream) }
    }

    /// The stream again. Words that came before TLS are nobody's.
    fn bare(self) -> Result<Box<dyn Stream>, Outcome> {
        match self.stream.buffer().is_empty() {
            true => Ok(self.stream.into_inner()),
            false => Err(Outcome::failed("the server spoke out of turn before TLS")),
        }
    }

    async fn say(&mut self, words: &str) -> Result<Reply, Outcome> {
        self.stream.write_all(format!("{words}\r\n").as_bytes()).await.map_err(broken)?;
        self.stream.flush().await.map_err(broken)?;
        self.read().await
    }

    async fn read(&mut self) -> Result<Reply, Outcome> {
        let mut lines = Vec::new();
        let mut limited = (&mut self.stream).take(ANSWER_BYTES_MAX);
        loop {
            let mut line = String::new();
            if limited.read_line(&mut line).await.map_err(broken)? == 0 {
                return Err(Outcome::later("the server hung up"));
            }
            let line = line.trim_end();
            let odd = || Outcome::later("the server does not speak SMTP");
            let code: u16 = line.get(..3).and_then(|code| code.parse().ok()).ok_or_else(odd)?;
            lines.push(line.get(4..).unwrap_or_default().to_owned());
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok(Reply { code, lines });
            }
        }
    }

    /// `EHLO`; returns what the server can do, a word per entry and the rest of its line.
    async fn hello(&mut self, name: &str) -> Result<Vec<String>, Outcome> {
        let reply = self.say(&format!("EHLO {name}")).await?.expect(250, "EHLO")?;
        Ok(reply.lines.iter().skip(1).map(|line| line.to_ascii_uppercase()).collect())
    }

    async fn log_in(&mut self, name: &str, password: &Secret, can: &[String]) -> Result<(), Outcome> {
        let ways: Vec<&str> = can
            .iter()
            .filter_map(|line| line.strip_prefix("AUTH "))
            .flat_map(str::split_whitespace)
            .collect();
        if ways.contains(&"PLAIN") {
            let word = STANDARD.encode(format!("\0{name}\0{}", password.expose()));
            self.say(&format!("AUTH PLAIN {word}")).await?.expect(235, "the login")?;
        } else if ways.contains(&"LOGIN") {
            self.say("AUTH LOGIN").await?.expect(334, "the login")?;
            self.say(&STANDARD.encode(name)).await?.expect(334, "the login")?;
            self.say(&STANDARD.encode(password.expose())).await?.expect(235, "the login")?;
        } else {
            return Err(Outcome::failed("the server takes no login by PLAIN or LOGIN"));
        }
        Ok(())
    }

    async fn hand_over(&mut self, submission: &Submission<'_>) -> Result<String, Outcome> {
        self.say(&format!("MAIL FROM:<{}>", submission.from)).await?.expect(250, "the sender")?;
        let mut refused = Vec::new();
        for to in submission.to {
            let reply = self.say(&format!("RCPT TO:<{to}>")).await?;
            if let Err(outcome) = reply.expect_within(250..=251, "a recipient") {
                refused.push((to, outcome));
            }
        }
        if refused.len() == submission.to.len() {
            return Err(refused
                .pop()
                .map_or_else(|| Outcome::failed("there is no recipient"), |(_, outcome)| outcome));
        }
        self.say("DATA").await?.expect(354, "DATA")?;
        let reply =
            self.say(&format!("{}.", stuffed(submission.message))).await?.expect(250, "the message")?;
        let missing = refused.iter().map(|(to, outcome)| format!("; not to {to}: {}", outcome.words()));
        Ok(reply.words() + &missing.collect::<String>())
    }
}

impl Reply {
    fn words(&self) -> String {
        format!("{} {}", self.code, printable(&self.lines.join(" "), ANSWER_CHARS_MAX))
    }

    fn expect(self, code: u16, what: &str) -> Result<Reply, Outcome> {
        self.expect_within(code..=code, what)
    }

    fn expect_within(self, codes: std::ops::RangeInclusive<u16>, what: &str) -> Result<Reply, Outcome> {
        let words = || format!("{what} was answered with {}", self.words());
        match self.code {
            code if codes.contains(&code) => Ok(self),
            500..=599 => Err(Outcome::failed(words())),
            _ => Err(Outcome::later(words())),
        }
    }
}

/// TLS with the server's name checked.
async fn secured<S: AsyncRead + AsyncWrite + Unpin>(
    submission: &Submission<'_>,
    stream: S,
) -> Result<tokio_rustls::client::TlsStream<S>, Outcome> {
    let host = submission.host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let name = ServerName::try_from(host)
        .map_err(|_| Outcome::failed("the server's name is none that TLS can check"))?;
    let config = config(submission.extra_roots).map_err(Outcome::failed)?;
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(broken)
}

fn config(extra_roots: Option<&[u8]>) -> Result<ClientConfig, String> {
    let Some(pem) = extra_roots else {
        return openrouter::https::tls().map_err(|error| format!("TLS cannot be set up: {error}"));
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| format!("the certificates cannot be read: {error}"))?;
        roots.add(certificate).map_err(|error| format!("a certificate cannot be used: {error}"))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS cannot be set up: {error}"))?;
    Ok(versions.with_root_certificates(roots).with_no_client_auth())
}

/// A line that begins with a dot gets another, and the message ends with a line's end.
fn stuffed(message: &str) -> String {
    let mut stuffed = String::with_capacity(message.len() + 16);
    for line in message.split_terminator("\r\n") {
        if line.starts_with('.') {
            stuffed.push('.');
        }
        stuffed.push_str(line);
        stuffed.push_str("\r\n");
    }
    stuffed
}

fn broken(error: io::Error) -> Outcome {
    Outcome::later(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots() {
        assert_eq!(stuffed("a\r\n.b\r\n..\r\n"), "a\r\n..b\r\n...\r\n");
        assert_eq!(stuffed(".a"), "..a\r\n");
    }
}
