//! An SMTP server on a real socket that does as told.
//!
//! ```ignore
//! let server = SmtpServer::start().await;                     // takes every mail
//! let server = SmtpServer::script()
//!     .when(Step::Rcpt, When::Every(4), Act::reply("550 5.1.1 No such user"))
//!     .when(Step::Dot, When::Nth(2), Act::close().taking_the_mail())
//!     .start().await;
//! // … send to `server.url()` …
//! server.wait_for(10).await;                                  // or look at `server.accepted()` now
//! ```
//!
//! Each command takes one step. The first rule that matches decides what happens; without one the server behaves.
//! It stops, with all its connections, when it is dropped.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by failing")]

mod act;
mod conversation;

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
    time::{Instant, timeout},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub(crate) use self::act::{Act, Step, When};

/// More connections than this wait to be accepted.
const CONNECTION_LIMIT: usize = 256;

/// Far more than mails take on a machine that does ten other things as well.
const PATIENCE: Duration = Duration::from_mins(1);

/// A mail that the server took.
#[derive(Clone, Debug)]
pub(crate) struct Accepted {
    /// The address in `MAIL FROM`.
    pub(crate) from: String,
    /// The addresses in `RCPT TO` that were not refused.
    pub(crate) to: Vec<String>,
    /// The message with single dots, as it was before the wire.
    pub(crate) message: Vec<u8>,
    /// Which connection brought it, counted from 1.
    pub(crate) connection: usize,
    /// When it was taken.
    pub(crate) at: Instant,
}

/// A message that the server did not take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refused {
    /// How long it was, without its dot.
    pub(crate) bytes: usize,
    /// When it had come whole.
    pub(crate) at: Instant,
}

/// How the server offers encryption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encryption {
    None,
    StartTls,
    Implicit,
}

/// What a server shall do, before it does it.
pub(crate) struct Script {
    pipelining: bool,
    encryption: Encryption,
    certificate_name: String,
    /// User, password and the mechanisms offered.
    sign_in: Option<(String, String, String)>,
    loose_line_ends: bool,
    rules: Vec<act::Rule>,
}

impl Script {
    /// Does `act` at every such step.
    pub(crate) fn on(self, step: Step, act: Act) -> Self {
        self.when(step, When::Always, act)
    }

    /// Does `act` at some of these steps.
    pub(crate) fn when(mut self, step: Step, when: When, act: Act) -> Self {
        self.rules.push(act::Rule::new(step, when, act));
        self
    }

    /// Does not offer PIPELINING, and hangs up on whoever does not wait for an answer.
    pub(crate) fn without_pipelining(self) -> Self {
        Self { pipelining: false, ..self }
    }

    /// Offers STARTTLS, with a certificate that [`SmtpServer::certificate`] hands out.
    pub(crate) fn with_starttls(self) -> Self {
        Self { encryption: Encryption::StartTls, ..self }
    }

    /// Encrypts from the first byte.
    pub(crate) fn with_implicit_tls(self) -> Self {
        Self { encryption: Encryption::Implicit, ..self }
    }

    /// Shows a certificate for this name instead of 127.0.0.1.
    pub(crate) fn certified_for(self, name: &str) -> Self {
        Self { certificate_name: name.to_owned(), ..self }
    }

    /// Takes mail only from this user. `mechanisms` as offered: `PLAIN LOGIN`.
    pub(crate) fn with_sign_in(self, user: &str, password: &str, mechanisms: &str) -> Self {
        Self { sign_in: Some((user.to_owned(), password.to_owned(), mechanisms.to_owned())), ..self }
    }

    /// Takes a lone CR or LF for a line end, as servers do behind which mails are smuggled.
    pub(crate) fn with_loose_line_ends(self) -> Self {
        Self { loose_line_ends: true, ..self }
    }

    /// Opens the port and begins.
    pub(crate) async fn start(self) -> SmtpServer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (certificate, acceptor) = certify(&self.certificate_name);
        let (taken, _) = watch::channel(0);
        let state = Arc::new(State {
            script: self,
            acceptor,
            accepted: Mutex::default(),
            refused: Mutex::default(),
            commands: Mutex::default(),
            steps: Mutex::default(),
            written: AtomicUsize::new(0),
            taken,
        });
        let stop = CancellationToken::new();
        TaskTracker::new().spawn(listen(listener, Arc::clone(&state), stop.clone()));
        SmtpServer { address, certificate, state, stop }
    }
}

/// What all connections share.
struct State {
    script: Script,
    acceptor: TlsAcceptor,
    accepted: Mutex<Vec<Accepted>>,
    refused: Mutex<Vec<Refused>>,
    commands: Mutex<Vec<(usize, String)>>,
    /// When each connection took each step.
    steps: Mutex<HashMap<(usize, Step), Vec<Instant>>>,
    /// How many bytes of answers.
    written: AtomicUsize,
    taken: watch::Sender<usize>,
}

impl State {
    /// Notes a step and says how many such there were on this connection.
    fn count(&self, connection: usize, step: Step) -> usize {
        let mut steps = self.steps.lock().unwrap();
        let times = steps.entry((connection, step)).or_default();
        times.push(Instant::now());
        times.len()
    }

    fn take(&self, mail: Accepted) {
        let mut accepted = self.accepted.lock().unwrap();
        accepted.push(mail);
        self.taken.send_replace(accepted.len());
    }
}

/// A running server.
pub(crate) struct SmtpServer {
    address: SocketAddr,
    certificate: CertificateDer<'static>,
    state: Arc<State>,
    stop: CancellationToken,
}

impl SmtpServer {
    /// A server that takes every mail, with PIPELINING and without encryption.
    pub(crate) async fn start() -> Self {
        Self::script().start().await
    }

    /// A server to be told what to do.
    pub(crate) fn script() -> Script {
        Script {
            pipelining: true,
            encryption: Encryption::None,
            certificate_name: "127.0.0.1".to_owned(),
            sign_in: None,
            loose_line_ends: false,
            rules: Vec::new(),
        }
    }

    /// Where it listens, with its user and password, as `TIDINGS_SMTP_URL` wants it.
    pub(crate) fn url(&self) -> String {
        let Self { address, state, .. } = self;
        let sign_in = state.script.sign_in.as_ref();
        let user = sign_in.map(|(user, password, _)| format!("{user}:{password}@")).unwrap_or_default();
        match state.script.encryption {
            Encryption::None => format!("smtp://{user}{address}?tls=none"),
            Encryption::StartTls => format!("smtp://{user}{address}?tls=required"),
            Encryption::Implicit => format!("smtps://{user}{address}"),
        }
    }

    /// Its certificate, for clients that shall trust it.
    pub(crate) fn certificate(&self) -> CertificateDer<'static> {
        self.certificate.clone()
    }

    /// The mails taken so far, in order.
    pub(crate) fn accepted(&self) -> Vec<Accepted> {
        self.state.accepted.lock().unwrap().clone()
    }

    /// What `pick` makes of the mails after the first `skipped`, in order, without a copy of each.
    pub(crate) fn pick<T>(&self, skipped: usize, pick: impl FnMut(&Accepted) -> Option<T>) -> Vec<T> {
        self.state.accepted.lock().unwrap().iter().skip(skipped).filter_map(pick).collect()
    }

    /// How many mails were taken so far.
    pub(crate) fn count(&self) -> usize {
        *self.state.taken.borrow()
    }

    /// Waits until `count` mails were taken; fails the test when they do not come in time.
    pub(crate) async fn until(&self, count: usize) {
        let mut taken = self.state.taken.subscribe();
        let enough = timeout(PATIENCE, taken.wait_for(|taken| *taken >= count)).await.is_ok();
        assert!(enough, "waited for {count} mails, got {}", self.count());
    }

    /// The mails taken once there are `count`; fails the test when they do not come in time.
    pub(crate) async fn wait_for(&self, count: usize) -> Vec<Accepted> {
        self.until(count).await;
        self.accepted()
    }

    /// How many connections there were.
    pub(crate) fn connections(&self) -> usize {
        self.steps(Step::Greeting)
    }

    /// The number of the latest connection that was greeted; 0 before the first.
    pub(crate) fn latest_connection(&self) -> usize {
        self.state.steps.lock().unwrap().keys().map(|(connection, _)| *connection).max().unwrap_or(0)
    }

    /// How often a step was taken, on whichever connection.
    pub(crate) fn steps(&self, step: Step) -> usize {
        let steps = self.state.steps.lock().unwrap();
        steps.iter().filter(|((_, found), _)| *found == step).map(|(_, times)| times.len()).sum()
    }

    /// When a step was taken, on whichever connection, in order.
    pub(crate) fn times(&self, step: Step) -> Vec<Instant> {
        let steps = self.state.steps.lock().unwrap();
        let taken = steps.iter().filter(|((_, found), _)| *found == step);
        let mut times: Vec<_> = taken.flat_map(|(_, times)| times).copied().collect();
        times.sort_unstable();
        times
    }

    /// The messages that were not taken, in order.
    pub(crate) fn refused(&self) -> Vec<Refused> {
        self.state.refused.lock().unwrap().clone()
    }

    /// How many bytes of answers left for the client, whether or not it read them.
    pub(crate) fn bytes_written(&self) -> usize {
        self.state.written.load(Ordering::Relaxed)
    }

    /// Every command line that came, with the number of its connection, counted from 1.
    pub(crate) fn commands(&self) -> Vec<(usize, String)> {
        self.state.commands.lock().unwrap().clone()
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn listen(listener: TcpListener, state: Arc<State>, stop: CancellationToken) {
    let free = Arc::new(Semaphore::new(CONNECTION_LIMIT));
    let connections = TaskTracker::new();
    let everything = async {
        for number in 1.. {
            let permit = Arc::clone(&free).acquire_owned().await.unwrap();
            let (stream, _) = listener.accept().await.unwrap();
            // Real servers answer at once; a delayed one would hide who is slow.
            stream.set_nodelay(true).unwrap();
            let (state, stop) = (Arc::clone(&state), stop.clone());
            connections.spawn(async move {
                // How a client leaves is its own affair, so the error is none here.
                let _ = stop.run_until_cancelled(conversation::hold(stream, &state, number)).await;
                drop(permit);
            });
        }
    };
    stop.run_until_cancelled(everything).await;
}

/// A certificate for this name, and what shows it.
pub(crate) fn certify(name: &str) -> (CertificateDer<'static>, TlsAcceptor) {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    (certificate, TlsAcceptor::from(Arc::new(config)))
}
