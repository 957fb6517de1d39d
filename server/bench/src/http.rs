//! As much of HTTP as it takes to ask the server under test, without a library between it and the clock.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// A connection that is kept.
#[derive(Debug)]
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
    host: String,
    token: String,
}

impl Client {
    /// Connects to `127.0.0.1:PORT` as the holder of an API key, or as nobody without one.
    pub(crate) fn connect(host: &str, token: &str) -> Result<Self> {
        let stream = TcpStream::connect(host).with_context(|| format!("{host} does not answer"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_mins(1)))?;
        Ok(Self { stream: BufReader::new(stream), host: host.to_owned(), token: token.to_owned() })
    }

    /// What is there.
    pub(crate) fn get(&mut self, path: &str) -> Result<String> {
        self.ask("GET", path, "")
    }

    /// What is there, as JSON.
    pub(crate) fn json(&mut self, path: &str) -> Result<Value> {
        Ok(serde_json::from_str(&self.get(path)?)?)
    }

    /// Sends JSON and gives the answer.
    pub(crate) fn post(&mut self, path: &str, body: &Value) -> Result<Value> {
        Ok(serde_json::from_str(&self.ask("POST", path, &body.to_string())?)?)
    }

    /// Sends a form as its page would, through a proxy that names where it comes from; the status and the page. Of what is in
    /// it only addresses are not written as they are.
    pub(crate) fn form(&mut self, path: &str, fields: &[(&str, &str)], network: &str) -> Result<(u16, String)> {
        let fields: Vec<_> =
            fields.iter().map(|(name, value)| format!("{name}={}", value.replace('@', "%40"))).collect();
        let headers = format!(
            "Content-Type: application/x-www-form-urlencoded\r\nSec-Fetch-Site: same-origin\r\nX-Forwarded-For: {network}\r\n"
        );
        self.send("POST", path, &headers, &fields.join("&"))
    }

    fn ask(&mut self, method: &str, path: &str, body: &str) -> Result<String> {
        let token = match self.token.as_str() {
            "" => String::new(),
            token => format!("Authorization: Bearer {token}\r\n"),
        };
        let (status, answer) = self.send(method, path, &format!("{token}Content-Type: application/json\r\n"), body)?;
        ensure!((200..300).contains(&status), "{method} {path}: {status}: {answer}");
        Ok(answer)
    }

    fn send(&mut self, method: &str, path: &str, headers: &str, body: &str) -> Result<(u16, String)> {
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\n{headers}Content-Length: {length}\r\n\r\n{body}",
            self.host
        );
        self.stream.get_mut().write_all(request.as_bytes())?;
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.with_context(|| format!("{method} {path}: no status in {line:?}"))?;
        let mut length = 0;
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            let Some((name, value)) = line.split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse()?;
            }
        }
        let mut answer = vec![0; length];
        self.stream.read_exact(&mut answer)?;
        Ok((status, String::from_utf8_lossy(&answer).into_owned()))
    }
}
