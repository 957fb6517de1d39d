//! A mail server that takes everything and knows who was mailed how often.
//!
//! Everyone's address begins with their number, `p17@example.com`, so a byte each is memory enough. What comes to others is
//! kept.

use std::{
    net::{self, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use memchr::memmem;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    runtime::Builder,
    task::JoinSet,
};

/// Where it listens and what it took.
#[derive(Debug)]
pub(crate) struct Sink {
    address: SocketAddr,
    taken: Arc<Taken>,
}

#[derive(Debug)]
struct Taken {
    /// How often each was mailed.
    times: Mutex<Vec<u8>>,
    mails: AtomicU64,
    bytes: AtomicU64,
    first: Mutex<Option<Instant>>,
    letters: Mutex<Vec<Letter>>,
    over: AtomicBool,
}

/// A mail to somebody who has no number.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    /// To whom.
    pub(crate) to: String,
    /// As it came, without its dot.
    pub(crate) message: String,
    /// When it was taken.
    pub(crate) at: Instant,
}

/// What the sink has seen since it was last told to forget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    /// How many were mailed.
    pub(crate) people: u64,
    /// How many mails came to someone who had one.
    pub(crate) repeated: u64,
}

impl Sink {
    /// Listens for people numbered below `people`; one thread takes what comes over all connections, as Postfix's `smtp-sink`
    /// does it.
    pub(crate) fn start(people: u32) -> Result<Self> {
        let listener = net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let taken = Arc::new(Taken {
            times: Mutex::new(vec![0; usize::try_from(people)?]),
            mails: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            first: Mutex::default(),
            letters: Mutex::default(),
            over: AtomicBool::new(false),
        });
        let shared = Arc::clone(&taken);
        let runtime = Builder::new_current_thread().enable_io().build()?;
        thread::spawn(move || runtime.block_on(listen(listener, shared)));
        Ok(Self { address, taken })
    }

    /// As `TIDINGS_SMTP_URL` wants it.
    pub(crate) fn url(&self) -> String {
        format!("smtp://{}?tls=none", self.address)
    }

    /// Forgets everything.
    pub(crate) fn forget(&self) {
        self.taken.times.lock().unwrap_or_else(PoisonError::into_inner).fill(0);
        *self.taken.first.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.taken.mails.store(0, Ordering::Relaxed);
        self.taken.bytes.store(0, Ordering::Relaxed);
    }

    /// How many mails it took.
    pub(crate) fn mails(&self) -> u64 {
        self.taken.mails.load(Ordering::Relaxed)
    }

    /// Waits until it took so many mails, or none for ten seconds. To ask the server instead would be in the way of what is
    /// measured.
    pub(crate) fn took(&self, mails: u64) {
        let (mut seen, mut since) = (0, Instant::now());
        while seen < mails && since.elapsed() < Duration::from_secs(10) {
            if self.mails() > seen {
                (seen, since) = (self.mails(), Instant::now());
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// How long a mail is, in the middle.
    pub(crate) fn mean_size(&self) -> u64 {
        self.taken.bytes.load(Ordering::Relaxed) / self.mails().max(1)
    }

    /// Who was mailed.
    pub(crate) fn count(&self) -> Count {
        let times = self.taken.times.lock().unwrap_or_else(PoisonError::into_inner);
        let mut count = Count::default();
        for times in times.iter().filter(|times| **times > 0) {
            count.people += 1;
            count.repeated += u64::from(times - 1);
        }
        count
    }

    /// What `pick` makes of the mails to those who have no number, in order; they are never forgotten.
    pub(crate) fn letters<T>(&self, pick: impl FnMut(&Letter) -> Option<T>) -> Vec<T> {
        self.taken.letters.lock().unwrap_or_else(PoisonError::into_inner).iter().filter_map(pick).collect()
    }

    /// The first such mail that is as wanted, if it comes before `deadline`.
    pub(crate) fn letter(&self, deadline: Instant, is_it: impl Fn(&Letter) -> bool) -> Option<Letter> {
        loop {
            let found = self.letters(|letter| is_it(letter).then(|| letter.clone()));
            if let Some(letter) = found.into_iter().next() {
                return Some(letter);
            }
            if Instant::now() > deadline {
                return None;
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// When the first mail was taken; waits for it.
    pub(crate) fn first(&self) -> Result<Instant> {
        let patience = Instant::now() + Duration::from_mins(1);
        loop {
            let first = *self.taken.first.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(first) = first {
                return Ok(first);
            }
            ensure!(Instant::now() < patience, "no mail came");
            thread::sleep(Duration::from_micros(200));
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.taken.over.store(true, Ordering::Relaxed);
        // Wakes the one that listens.
        drop(net::TcpStream::connect(self.address));
    }
}

async fn listen(listener: net::TcpListener, taken: Arc<Taken>) -> Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let mut connections = JoinSet::new();
    while !taken.over.load(Ordering::Relaxed) {
        let (stream, _) = listener.accept().await?;
        let taken = Arc::clone(&taken);
        // Whoever breaks off is counted as far as they came.
        connections.spawn(async move { drop(converse(stream, &taken).await) });
    }
    Ok(())
}

/// One connection: commands, and messages up to their dot.
async fn converse(mut stream: TcpStream, taken: &Taken) -> Result<()> {
    stream.set_nodelay(true)?;
    stream.write_all(b"220 sink\r\n").await?;
    let mut input = Vec::with_capacity(1 << 17);
    let mut answers = Vec::new();
    let mut to = String::new();
    let mut is_message = false;
    let mut chunk = vec![0; 1 << 16];
    loop {
        let mut done = 0;
        loop {
            let rest = &input[done..];
            if is_message {
                let Some(end) = memmem::find(rest, b"\r\n.\r\n") else { break };
                let now = Instant::now();
                taken.bytes.fetch_add(u64::try_from(end)? + 2, Ordering::Relaxed);
                note(taken, &to, &rest[..end], now);
                done += end + 5;
                is_message = false;
                answers.extend_from_slice(b"250 2.0.0 Ok\r\n");
                continue;
            }
            let Some(end) = memmem::find(rest, b"\r\n") else { break };
            let line = String::from_utf8_lossy(&rest[..end]);
            let answer: &[u8] = match line.get(..4).unwrap_or_default() {
                "EHLO" => b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n",
                "RCPT" => {
                    address(&line).with_context(|| format!("nobody is called {line}"))?.clone_into(&mut to);
                    b"250 2.1.5 Ok\r\n"
                }
                "DATA" => {
                    is_message = true;
                    b"354 Go on\r\n"
                }
                "QUIT" => {
                    answers.extend_from_slice(b"221 Bye\r\n");
                    stream.write_all(&answers).await?;
                    return Ok(());
                }
                _ => b"250 2.0.0 Ok\r\n",
            };
            done += end + 2;
            answers.extend_from_slice(answer);
        }
        input.drain(..done);
        if !answers.is_empty() {
            stream.write_all(&answers).await?;
            answers.clear();
        }
        let read = stream.read(&mut chunk).await?;
        if read == 0 {
            return Ok(());
        }
        input.extend_from_slice(&chunk[..read]);
    }
}

fn note(taken: &Taken, to: &str, message: &[u8], now: Instant) {
    taken.mails.fetch_add(1, Ordering::Relaxed);
    if let Some(number) = number(to) {
        let mut times = taken.times.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(times) = times.get_mut(number) {
            *times = times.saturating_add(1);
        }
    } else {
        let message = String::from_utf8_lossy(message).into_owned();
        let letter = Letter { to: to.to_owned(), message, at: now };
        taken.letters.lock().unwrap_or_else(PoisonError::into_inner).push(letter);
    }
    taken.first.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(now);
}

/// Whom `RCPT TO:<p17@example.com>` names.
fn address(line: &str) -> Option<&str> {
    Some(line.split_once('<')?.1.split_once('>')?.0)
}

/// `p17@example.com` is 17.
fn number(address: &str) -> Option<usize> {
    address.strip_prefix('p')?.split_once('@')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        net::TcpStream,
    };

    use super::*;

    #[test]
    fn people_are_known_by_their_number() {
        let known = |line: &str| address(line).and_then(number);
        assert_eq!(known("RCPT TO:<p17@example.com>"), Some(17));
        assert_eq!(known("RCPT TO:<owner@example.com>"), None);
        assert_eq!(known("RCPT TO:"), None);
    }

    #[test]
    fn who_is_mailed_twice_is_counted() -> Result<()> {
        let sink = Sink::start(5)?;
        let mail = |number: u32| {
            format!("MAIL FROM:<a@example.com>\r\nRCPT TO:<p{number}@example.com>\r\nDATA\r\n.a\r\n\r\n..\r\n.\r\n")
        };
        let mut stream = TcpStream::connect(sink.address)?;
        stream.write_all(format!("EHLO x\r\n{}{}{}QUIT\r\n", mail(3), mail(1), mail(3)).as_bytes())?;
        stream.read_to_end(&mut Vec::new())?;
        assert_eq!((sink.mails(), sink.count()), (3, Count { people: 2, repeated: 1 }));
        sink.forget();
        assert_eq!((sink.mails(), sink.count()), (0, Count::default()));
        Ok(())
    }

    #[test]
    fn a_letter_to_somebody_without_a_number_is_kept() -> Result<()> {
        let sink = Sink::start(1)?;
        let mut stream = TcpStream::connect(sink.address)?;
        stream.write_all(b"EHLO x\r\nRCPT TO:<owner@example.com>\r\nDATA\r\nHello\r\n.\r\nQUIT\r\n")?;
        stream.read_to_end(&mut Vec::new())?;
        let letter = sink.letter(Instant::now(), |letter| letter.to == "owner@example.com").context("a letter")?;
        assert_eq!(letter.message, "Hello");
        assert!(sink.letter(Instant::now(), |letter| letter.to == "p0@example.com").is_none());
        Ok(())
    }
}
