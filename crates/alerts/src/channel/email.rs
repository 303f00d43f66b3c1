//! E-mail: one plain text message over SMTP. The same `Message-ID` on every attempt, so that a mail program shows a
//! repeated one once.

use std::fmt;
use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use thiserror::Error;

use super::Outcome;
use super::smtp::{self, Submission};
use crate::Secret;
use crate::event::Event;
use crate::words::{self, clipped};

/// Characters of a subject.
const SUBJECT_CHARS_MAX: usize = 200;
/// Columns of a base64 line (RFC 2045).
const BASE64_COLUMNS: usize = 76;
/// What fits into one encoded word of a header (RFC 2047: 75 characters with its frame), bytes.
const ENCODED_WORD_BYTES: usize = 39;
/// The longest line (RFC 5321), characters.
const LINE_MAX: usize = 998;

/// How the connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TLS from the first byte (port 465).
    Tls,
    /// TLS after a few words in the clear, or not at all (port 587).
    StartTls,
    /// None: on this machine only, or where the operator says that it is well.
    Plain,
}

/// A mail server and who gets mail from it.
#[derive(Clone, Debug)]
pub struct Email {
    /// The server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub transport: Transport,
    /// Name and password there.
    pub login: Option<(String, Secret)>,
    /// Certificate authorities to trust instead of the public ones, PEM: a server of the house.
    pub extra_roots: Option<Vec<u8>>,
    /// Who writes.
    pub from: Mailbox,
    /// Who reads.
    pub to: Vec<Mailbox>,
}

/// An address such as `ops@example.com`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox(String);

/// Why a text is no address.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("'{0}' is not an address such as ops@example.com")]
pub struct MailboxError(String);

impl Mailbox {
    /// Reads an address; ASCII only, without a name.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, MailboxError> {
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"<>()[]\\,;:\"".contains(&byte);
        match text.trim().split_once('@') {
            Some((local, domain))
                if !local.is_empty()
                    && !domain.is_empty()
                    && text.trim().len() <= 254
                    && local.bytes().all(is_plain)
                    && domain.bytes().all(|byte| is_plain(byte) && byte != b'@') =>
            {
                Ok(Mailbox(text.trim().to_owned()))
            }
            _ => Err(MailboxError(text.to_owned())),
        }
    }

    fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("localhost", |(_, domain)| domain)
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Email {
    /// Whether the server is on this machine.
    pub fn is_local(&self) -> bool {
        is_loopback(&self.host)
    }

    pub(crate) async fn send(&self, event: &Event) -> Outcome {
        let recipients: Vec<String> = self.to.iter().map(ToString::to_string).collect();
        let message = message(event, &self.from, &recipients);
        let submission = Submission {
            host: &self.host,
            port: self.port,
            transport: self.transport,
            login: self.login.as_ref().map(|(name, password)| (name.as_str(), password)),
            extra_roots: self.extra_roots.as_deref(),
            greeting: self.from.domain(),
            from: &self.from.0,
            to: &recipients,
            message: &message,
        };
        smtp::submit(&submission).await
    }
}

/// `localhost`, `127.0.0.1`, `::1`.
pub(crate) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.parse::<IpAddr>()
        .map_or_else(|_| bare.eq_ignore_ascii_case("localhost"), |address| address.is_loopback())
}

/// Header and text, lines ended with CR LF, dots not yet doubled.
fn message(event: &Event, from: &Mailbox, to: &[String]) -> String {
    let id = |event: &str| format!("<{event}@{}>", from.domain());
    let date = Timestamp::from_millisecond(event.at_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    let date = jiff::fmt::rfc2822::to_string(&date.to_zoned_datetime(TimeZone::UTC)).unwrap_or_default();
    let subject = clipped(&format!("[farebox] {}", words::title(event)), SUBJECT_CHARS_MAX);
    let mut head = vec![
        format!("From: {from}"),
        format!("To: {}", to.join(",\r\n ")),
        format!("Subject: {}", header(&subject)),
        format!("Date: {date}"),
        format!("Message-ID: {}", id(&event.id)),
    ];
    if let Some(resolves) = &event.resolves {
        head.push(format!("In-Reply-To: {}", id(&resolves.id)));
    }
    let text = text(event);
    let plain = text.is_ascii() && text.lines().all(|line| line.len() <= LINE_MAX);
    head.extend([
        "Auto-Submitted: auto-generated".to_owned(),
        "MIME-Version: 1.0".to_owned(),
        "Content-Type: text/plain; charset=utf-8".to_owned(),
        format!("Content-Transfer-Encoding: {}", if plain { "7bit" } else { "base64" }),
    ]);
    let body = if plain { text.replace('\n', "\r\n") } else { wrapped(&STANDARD.encode(text)) };
    format!("{}\r\n\r\n{body}", head.join("\r\n"))
}

fn text(event: &Event) -> String {
    let mut text = format!("{}.\n\n{}\n", words::title(event), words::text(event));
    let fields = words::fields(event);
    let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or(0) + 2;
    if !fields.is_empty() {
        text.push('\n');
    }
    for (name, value) in fields {
        text += &format!("{name:width$}{value}\n");
    }
    text + &format!("\nfarebox, {} {}\n", event.name(), event.id)
}

/// A header's value: as it is in ASCII, else in encoded words (RFC 2047).
fn header(text: &str) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    let mut words: Vec<String> = vec![String::new()];
    for letter in text.chars() {
        if words.last().is_some_and(|word| word.len() + letter.len_utf8() > ENCODED_WORD_BYTES) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push(letter);
        }
    }
    let words: Vec<String> =
        words.iter().map(|word| format!("=?UTF-8?B?{}?=", STANDARD.encode(word))).collect();
    words.join("\r\n ")
}

fn wrapped(encoded: &str) -> String {
    let mut lines = String::with_capacity(encoded.len() + encoded.len() / BASE64_COLUMNS * 2 + 2);
    for (at, letter) in encoded.chars().enumerate() {
        if at > 0 && at % BASE64_COLUMNS == 0 {
            lines.push_str("\r\n");
        }
        lines.push(letter);
    }
    lines + "\r\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for text in ["ops@example.com", " a.b+c@x ", "o'neil@example.com"] {
            assert!(Mailbox::parse(text).is_ok(), "{text}");
        }
        for text in ["", "ops", "@x", "a@", "a b@x", "a@x\r\nRCPT TO:<b@y>", "<a@x>", "a@b@c", "a,b@x", "ä@x"]
        {
            assert!(Mailbox::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn headers_beyond_ascii() {
        assert_eq!(header("plain"), "plain");
        assert_eq!(header("ä"), "=?UTF-8?B?w6Q=?=");
        assert!(header(&"ä".repeat(100)).split("\r\n ").all(|word| word.len() <= 75));
    }
}
