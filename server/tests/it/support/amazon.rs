//! Amazon SNS on this machine: signs messages, shows its certificate, and is told that topics may send.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by failing")]

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rustls::pki_types::CertificateDer;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

use super::{dkim::openssl, smtp::certify};

/// The topic whose messages it signs.
pub(crate) const TOPIC: &str = "arn:aws:sns:eu-central-1:123456789012:bounces";
const HOST: &str = "sns.eu-central-1.amazonaws.com";

/// A stand-in for Amazon. It ends when it is dropped.
pub(crate) struct Amazon {
    pub(crate) address: SocketAddr,
    /// Whom to trust for it to be believed.
    pub(crate) authority: CertificateDer<'static>,
    folder: PathBuf,
    asked: Arc<Mutex<Vec<String>>>,
    _listening: JoinSet<()>,
}

impl Amazon {
    pub(crate) async fn start() -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("amazon-{:016x}", rand::random::<u64>()));
        fs::create_dir_all(&folder).unwrap();
        let file = |name: &str| folder.join(name).to_str().unwrap().to_owned();
        for name in ["its", "evil"] {
            let (key, certificate) = (file(&format!("{name}.key")), file(&format!("{name}.pem")));
            let made =
                ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=sns.amazonaws.com", "-days", "2"];
            openssl(&[&made[..], &["-keyout", &key, "-out", &certificate]].concat());
        }
        let (authority, acceptor) = certify(HOST);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::default();
        let mut listening = JoinSet::new();
        let pem = fs::read_to_string(folder.join("its.pem")).unwrap();
        listening.spawn(listen(listener, acceptor, pem, Arc::clone(&asked)));
        Self { address, authority, folder, asked, _listening: listening }
    }

    /// What it was asked for, in order.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// A message of the topic as it is signed in a version.
    pub(crate) fn notification(&self, version: &str, id: &str, at: &str, message: &str) -> Value {
        let message = json!({
            "Type": "Notification", "MessageId": id, "TopicArn": TOPIC, "Subject": "Amazon SES Email Event Notification",
            "Message": message, "Timestamp": at, "SignatureVersion": version,
            "UnsubscribeURL": format!("https://{HOST}/?Action=Unsubscribe"),
        });
        self.signed(message, &["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"])
    }

    /// The question whether the topic may send.
    pub(crate) fn question(&self, at: &str) -> Value {
        let question = json!({
            "Type": "SubscriptionConfirmation", "MessageId": "q", "TopicArn": TOPIC, "Token": "2336&412f=37",
            "Message": "You have chosen to subscribe.", "Timestamp": at, "SignatureVersion": "1",
            "SubscribeURL": "https://evil.example/?Action=ConfirmSubscription",
        });
        self.signed(question, &["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"])
    }

    /// A message with its signature, over these fields.
    fn signed(&self, mut message: Value, fields: &[&str]) -> Value {
        let lines: Vec<_> =
            fields.iter().map(|name| format!("{name}\n{}\n", message[name].as_str().unwrap())).collect();
        message["Signature"] = self.sign(&lines.concat(), &message["SignatureVersion"], "its").into();
        message["SigningCertURL"] = format!("https://{HOST}/SimpleNotificationService-01d088a6.pem").into();
        message
    }

    /// The signature by a key, as openssl makes it.
    pub(crate) fn sign(&self, text: &str, version: &Value, key: &str) -> String {
        let file = |name: &str| self.folder.join(name).to_str().unwrap().to_owned();
        let [plain, signature, key] = [file("text"), file("signature"), file(&format!("{key}.key"))];
        fs::write(&plain, text).unwrap();
        let hash = if version == "1" { "-sha1" } else { "-sha256" };
        openssl(&["dgst", hash, "-sign", &key, "-out", &signature, &plain]);
        STANDARD.encode(fs::read(&signature).unwrap())
    }
}

impl Drop for Amazon {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.folder));
    }
}

async fn listen(listener: TcpListener, acceptor: TlsAcceptor, pem: String, asked: Arc<Mutex<Vec<String>>>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        // Whoever does not trust it hangs up.
        let Ok(mut stream) = acceptor.accept(stream).await else { continue };
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(byte) => request.push(byte),
                Err(_) => break,
            }
        }
        let line = String::from_utf8_lossy(&request).lines().next().unwrap_or_default().to_owned();
        asked.lock().unwrap().push(line.clone());
        let answer = if line.contains("/moved.pem") {
            "HTTP/1.1 302 Found\r\nLocation: https://evil.example/x.pem\r\nContent-Length: 0\r\n\r\n".to_owned()
        } else if line.contains("/huge.pem") {
            format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(200_000))
        } else {
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{pem}", pem.len())
        };
        // It may have heard enough.
        drop(stream.write_all(answer.as_bytes()).await);
        drop(stream.shutdown().await);
    }
}
