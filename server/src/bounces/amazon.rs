//! The two questions that we ask Amazon SNS, over HTTPS: for the certificate of a signature, and that a topic may send to
//! us. No address but Amazon's is ever asked, no redirect followed, no long answer read.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use axum::body::{Body, Bytes, to_bytes};
use hyper::{Request, StatusCode, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rustls::{
    ClientConfig,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use tokio::{net::TcpStream, pin, sync::Semaphore, time::timeout};
use tokio_rustls::TlsConnector;

use super::sns::Topic;
use crate::{
    error::{Error, Result},
    mail::transport::client_config,
};

/// How long a question may take in all.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest answer, in bytes: a certificate has two thousand.
const ANSWER: usize = 64 * 1024;
/// How many certificates are kept; Amazon uses one or two a region.
const KEPT: usize = 16;

/// Amazon SNS, as far as we speak with it.
#[derive(Debug)]
pub struct Amazon {
    certificates: Mutex<HashMap<String, CertificateDer<'static>>>,
    /// One question at a time, so that nobody can make us storm Amazon.
    asking: Semaphore,
    client: OnceLock<Arc<ClientConfig>>,
    /// Who answers in its place, and what proves that it is them.
    stand_in: OnceLock<(SocketAddr, CertificateDer<'static>)>,
}

impl Default for Amazon {
    fn default() -> Self {
        Self {
            certificates: Mutex::default(),
            asking: Semaphore::new(1),
            client: OnceLock::new(),
            stand_in: OnceLock::new(),
        }
    }
}

impl Amazon {
    /// Asks this server in Amazon's place, which proves by this authority that it may answer. The first word stands.
    pub fn ask_at(&self, address: SocketAddr, authority: CertificateDer<'static>) {
        drop(self.stand_in.set((address, authority)));
    }

    /// The certificate at an address, if that is one of Amazon's for certificates.
    pub(super) async fn certificate(&self, url: &str) -> Result<CertificateDer<'static>> {
        let (host, path) = place(url).ok_or(Error::Forbidden("`SigningCertURL` is not Amazon's."))?;
        let kept = || self.certificates.lock().unwrap_or_else(PoisonError::into_inner).get(url).cloned();
        if let Some(certificate) = kept() {
            return Ok(certificate);
        }
        let fetched = async {
            let _turn = self.asking.acquire().await.map_err(|error| error.to_string())?;
            if let Some(certificate) = kept() {
                return Ok(certificate);
            }
            let pem = self.get(host, path).await?;
            let certificate = CertificateDer::from_pem_slice(&pem).map_err(|error| error.to_string())?;
            let mut certificates = self.certificates.lock().unwrap_or_else(PoisonError::into_inner);
            if certificates.len() >= KEPT {
                certificates.clear();
            }
            certificates.insert(url.to_owned(), certificate.clone());
            Ok(certificate)
        };
        in_time(fetched)
            .await
            .map_err(|why: String| Error::Internal(format!("Amazon's certificate cannot be had: {why}")))
    }

    /// Tells Amazon that a topic may send to us.
    pub async fn confirm(&self, topic: &Topic, token: &str) -> Result<()> {
        let [arn, token] = [&topic.arn, token].map(|text| utf8_percent_encode(text, NON_ALPHANUMERIC));
        // Not the address in the message: nobody but Amazon shall be asked, and about nothing else.
        let path = format!("/?Action=ConfirmSubscription&TopicArn={arn}&Token={token}");
        let asked = async {
            let _turn = self.asking.acquire().await.map_err(|error| error.to_string())?;
            self.get(&topic.host, &path).await
        };
        let told = in_time(asked).await;
        told.map(drop).map_err(|why| Error::Internal(format!("Amazon SNS did not take the confirmation: {why}")))
    }

    async fn get(&self, host: &str, path: &str) -> std::result::Result<Bytes, String> {
        let stand_in = self.stand_in.get();
        let config = match self.client.get() {
            Some(config) => Arc::clone(config),
            None => {
                let config =
                    client_config(stand_in.map(|(_, authority)| authority)).map_err(|error| error.to_string())?;
                Arc::clone(self.client.get_or_init(|| config))
            }
        };
        let stream = match stand_in {
            Some((address, _)) => TcpStream::connect(address).await,
            None => TcpStream::connect((host, 443)).await,
        };
        let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
        let stream = stream.map_err(|error| error.to_string())?;
        let stream = TlsConnector::from(config).connect(name, stream).await.map_err(|error| error.to_string())?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
        let request = Request::get(path).header(header::HOST, host).header(header::CONNECTION, "close");
        let request = request.body(Body::empty()).map_err(|error| error.to_string())?;
        let exchange = async {
            let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
            if response.status() != StatusCode::OK {
                return Err(format!("{host} answers {}", response.status()));
            }
            to_bytes(Body::new(response.into_body()), ANSWER).await.map_err(|error| error.to_string())
        };
        pin!(exchange, connection);
        let mut is_open = true;
        loop {
            tokio::select! {
                biased;
                answer = &mut exchange => return answer,
                // What arrived before its end is still to be read.
                _ = &mut connection, if is_open => is_open = false,
            }
        }
    }
}

async fn in_time<T>(question: impl Future<Output = std::result::Result<T, String>>) -> std::result::Result<T, String> {
    timeout(PATIENCE, question).await.unwrap_or_else(|_| Err("it takes too long".to_owned()))
}

/// Host and path of a certificate of Amazon's: `https://sns.REGION.amazonaws.com/….pem`, and nothing but that.
fn place(url: &str) -> Option<(&str, &str)> {
    let rest = url.strip_prefix("https://")?;
    let slash = rest.find('/')?;
    let (host, path) = rest.split_at(slash);
    let region = host.strip_prefix("sns.")?;
    let region = region.strip_suffix(".cn").unwrap_or(region).strip_suffix(".amazonaws.com")?;
    let is_region = !region.is_empty() && region.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.');
    let name = path.strip_suffix(".pem").filter(|name| name.len() <= 200 && !name.contains(".."));
    let is_file = name.is_some_and(|name| name.bytes().all(is_plain));
    (is_region && is_file).then_some((host, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_amazon_is_asked_for_certificates() {
        let file = "/SimpleNotificationService-01d088a6f77103d0fe307c0069e40ed6.pem";
        for host in ["sns.eu-central-1.amazonaws.com", "sns.cn-north-1.amazonaws.com.cn"] {
            assert_eq!(place(&format!("https://{host}{file}")), Some((host, file)));
        }
        for wrong in [
            format!("http://sns.eu-central-1.amazonaws.com{file}"),
            format!("https://sns.eu-central-1.amazonaws.com.evil.example{file}"),
            format!("https://evil.example/sns.eu-central-1.amazonaws.com{file}"),
            format!("https://sns.evil.example#.amazonaws.com{file}"),
            format!("https://sns.a.b.amazonaws.com{file}"),
            format!("https://sns..amazonaws.com{file}"),
            format!("https://sns.amazonaws.com{file}"),
            format!("https://sns.EU.amazonaws.com{file}"),
            format!("https://user@sns.eu-central-1.amazonaws.com{file}"),
            format!("https://sns.eu-central-1.amazonaws.com:8443{file}"),
            format!("https://sns.eu-central-1.amazonaws.com@evil.example{file}"),
            format!("https://s3.eu-central-1.amazonaws.com{file}"),
            "https://sns.eu-central-1.amazonaws.com".to_owned(),
            "https://sns.eu-central-1.amazonaws.com/".to_owned(),
            "https://sns.eu-central-1.amazonaws.com/?Action=Publish&x=.pem".to_owned(),
            "https://sns.eu-central-1.amazonaws.com/../x.pem".to_owned(),
            "https://sns.eu-central-1.amazonaws.com/x.pem\r\nX: y".to_owned(),
            format!("https://sns.eu-central-1.amazonaws.com/{}.pem", "x".repeat(300)),
            String::new(),
        ] {
            assert_eq!(place(&wrong), None, "{wrong}");
        }
    }
}
