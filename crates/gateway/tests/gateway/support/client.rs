//! A client that writes raw bytes and reads answers with their framing.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::soon;

/// An answer as it came.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Whether it ended as its framing says.
    pub(crate) whole: bool,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(named, _)| named == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn reason(&self) -> &str {
        self.header("x-farebox-reason").unwrap_or("")
    }

    /// The message of an error; every error of ours has one sentence.
    pub(crate) fn message(&self) -> String {
        let json: serde_json::Value = serde_json::from_slice(&self.body).expect("an error is JSON");
        assert_eq!(json["error"]["code"], self.status, "{}", self.text());
        json["error"]["message"].as_str().expect("a message").to_owned()
    }
}

pub(crate) struct Client {
    socket: TcpStream,
    buffer: Vec<u8>,
    ended: bool,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).await.expect("a connection");
        socket.set_nodelay(true).expect("no delay");
        Client { socket, buffer: Vec::new(), ended: false }
    }

    /// Writes; whether all of it went.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        soon("writing", self.socket.write_all(bytes.as_ref())).await.is_ok()
    }

    /// Writes a request and reads its answer.
    pub(crate) async fn ask(&mut self, request: impl AsRef<[u8]>) -> Answer {
        assert!(self.send(request).await, "the request is taken");
        self.answer().await
    }

    /// The next answer to a request with a body.
    pub(crate) async fn answer(&mut self) -> Answer {
        soon("an answer", self.read_answer(false)).await.expect("an answer")
    }

    /// The next answer, or `None` when the connection ends before one.
    pub(crate) async fn try_answer(&mut self) -> Option<Answer> {
        soon("an answer or the end", self.read_answer(false)).await
    }

    /// The answer to a `HEAD`.
    pub(crate) async fn head_answer(&mut self) -> Answer {
        soon("an answer", self.read_answer(true)).await.expect("an answer")
    }

    /// Reads until these bytes have come; returns all there was, and forgets it.
    pub(crate) async fn read_past(&mut self, mark: &str) -> String {
        soon("a mark in the answer", async {
            loop {
                if memchr::memmem::find(&self.buffer, mark.as_bytes()).is_some() {
                    return String::from_utf8_lossy(&std::mem::take(&mut self.buffer)).into_owned();
                }
                assert!(self.more().await, "the answer ended before '{mark}'");
            }
        })
        .await
    }

    /// Whether the other side closes within this time; what came before is thrown away.
    pub(crate) async fn is_closed_within(&mut self, time: Duration) -> bool {
        let closed = async { while self.more().await {} };
        tokio::time::timeout(time, closed).await.is_ok()
    }

    async fn more(&mut self) -> bool {
        let mut bytes = vec![0; 64 << 10];
        match self.socket.read(&mut bytes).await {
            Ok(read) if read > 0 => {
                self.buffer.extend_from_slice(&bytes[..read]);
                true
            }
            _ => {
                self.ended = true;
                false
            }
        }
    }

    async fn read_answer(&mut self, without_body: bool) -> Option<Answer> {
        loop {
            let end = loop {
                match memchr::memmem::find(&self.buffer, b"\r\n\r\n") {
                    Some(at) => break at + 4,
                    None if !self.more().await => return None,
                    None => {}
                }
            };
            let head: Vec<u8> = self.buffer.drain(..end).collect();
            let head = String::from_utf8_lossy(&head).into_owned();
            let mut lines = head.split("\r\n");
            let status: u16 = lines.next()?.split(' ').nth(1)?.parse().ok()?;
            if status < 200 {
                continue;
            }
            let headers: Vec<(String, String)> = lines
                .filter_map(|line| line.split_once(':'))
                .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
                .collect();
            let mut answer = Answer { status, headers, body: Vec::new(), whole: true };
            if !without_body && !matches!(status, 204 | 304) {
                self.read_body(&mut answer).await;
            }
            return Some(answer);
        }
    }

    async fn read_body(&mut self, answer: &mut Answer) {
        if answer.header("transfer-encoding").is_some_and(|coding| coding.contains("chunked")) {
            answer.whole = self.read_chunks(&mut answer.body).await.is_some();
        } else if let Some(length) = answer.header("content-length") {
            let length: usize = length.parse().expect("a length");
            answer.whole = self.read_exactly(length, &mut answer.body).await.is_some();
        } else {
            while self.more().await {}
            answer.body = std::mem::take(&mut self.buffer);
        }
    }

    async fn read_chunks(&mut self, body: &mut Vec<u8>) -> Option<()> {
        loop {
            let at = loop {
                match memchr::memmem::find(&self.buffer, b"\r\n") {
                    Some(at) => break at,
                    None if !self.more().await => return None,
                    None => {}
                }
            };
            let line: Vec<u8> = self.buffer.drain(..at + 2).collect();
            let size = usize::from_str_radix(std::str::from_utf8(&line[..at]).ok()?.trim(), 16).ok()?;
            self.read_exactly(size, body).await?;
            self.read_exactly(2, &mut Vec::new()).await?;
            if size == 0 {
                return Some(());
            }
        }
    }

    async fn read_exactly(&mut self, length: usize, body: &mut Vec<u8>) -> Option<()> {
        let mut missing = length;
        loop {
            let taken = missing.min(self.buffer.len());
            body.extend(self.buffer.drain(..taken));
            missing -= taken;
            if missing == 0 {
                return Some(());
            }
            if !self.more().await {
                return None;
            }
        }
    }
}

/// A chat completion with this body.
pub(crate) fn post(body: &str) -> String {
    post_with("", body)
}

/// A chat completion with more header lines, each ended.
pub(crate) fn post_with(headers: &str, body: &str) -> String {
    format!(
        "POST /api/v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer anything\r\n\
         content-type: application/json\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A read.
pub(crate) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
}
