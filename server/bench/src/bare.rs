//! A server that does nothing but answer: what a visit costs on this machine, whoever answers.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    thread,
};

use anyhow::Result;

/// Listens on a port of its own and answers every request with so many bytes.
pub(crate) fn start(length: usize) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let host = listener.local_addr()?.to_string();
    let mut answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n").into_bytes();
    answer.resize(answer.len() + length, b'.');
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let answer = answer.clone();
            // Whoever breaks off is gone.
            thread::spawn(move || drop(converse(stream, &answer)));
        }
    });
    Ok(host)
}

fn converse(stream: TcpStream, answer: &[u8]) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    while stream.read_line(&mut line)? > 0 {
        if line.trim().is_empty() {
            stream.get_mut().write_all(answer)?;
        }
        line.clear();
    }
    Ok(())
}
