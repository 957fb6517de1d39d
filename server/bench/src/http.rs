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

    fn ask(&mut self, method: &str, path: &str, body: &str) -> Result<String> {
        let token = match self.token.as_str() {
            "" => String::new(),
            token => format!("Authorization: Bearer {token}\r\n"),
        };
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\n{token}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}",
            self.host
        );
        self.stream.get_mut().write_all(request.as_bytes())?;
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let is_success = line.split(' ').nth(1).is_some_and(|code| code.starts_with('2'));
        let status = line.trim_end().to_owned();
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
        let answer = String::from_utf8_lossy(&answer).into_owned();
        ensure!(is_success, "{method} {path}: {status}: {answer}");
        Ok(answer)
    }
}
