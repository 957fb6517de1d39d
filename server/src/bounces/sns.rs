//! Messages of Amazon SNS: whose they are, whether they are fresh, and whether Amazon signed them.

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::{SignedDuration, Timestamp};
use ring::signature::{
    RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, RsaParameters, UnparsedPublicKey,
};
use rustls::pki_types::{
    AlgorithmIdentifier, CertificateDer, InvalidSignature, SignatureVerificationAlgorithm, alg_id,
};
use serde::Deserialize;
use webpki::EndEntityCert;

use super::amazon::Amazon;
use crate::error::{Error, Result};

/// SNS tries for an hour to deliver a message; what is older is a repetition that we may have forgotten.
const LIFETIME: SignedDuration = SignedDuration::from_hours(24);
/// How far our clock may be behind.
const CLOCKS_APART: SignedDuration = SignedDuration::from_mins(5);

/// A topic that we listen to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// `arn:aws:sns:eu-central-1:123456789012:bounces`
    pub arn: String,
    /// Where Amazon answers questions about it.
    pub host: String,
}

impl FromStr for Topic {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let parts: Vec<_> = text.split(':').collect();
        let is_plain = |part: &str, more: &[u8]| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || more.contains(&byte))
        };
        match parts.as_slice() {
            ["arn", partition @ ("aws" | "aws-cn" | "aws-us-gov"), "sns", region, account, name]
                if is_plain(region, b"-") && is_plain(account, b"") && is_plain(name, b"-_") =>
            {
                let end = if *partition == "aws-cn" { ".cn" } else { "" };
                Ok(Self {
                    arn: text.to_owned(),
                    host: format!("sns.{}.amazonaws.com{end}", region.to_ascii_lowercase()),
                })
            }
            _ => Err(format!("`{text}` is no topic: write arn:aws:sns:eu-central-1:123456789012:bounces")),
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.arn)
    }
}

/// A message as it is sent.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct EnvelopeBody {
    r#type: String,
    message_id: String,
    topic_arn: String,
    subject: Option<String>,
    message: String,
    timestamp: String,
    token: Option<String>,
    #[serde(rename = "SubscribeURL")]
    subscribe_url: Option<String>,
    signature_version: String,
    signature: String,
    #[serde(rename = "SigningCertURL")]
    signing_cert_url: String,
}

/// What a message that is Amazon's asks of us.
#[derive(Debug, PartialEq, Eq)]
pub enum Opened {
    /// To read this.
    Notification(String),
    /// To confirm that the topic may send to us.
    Confirmation {
        /// Which.
        topic: Topic,
        /// What Amazon wants to hear.
        token: String,
    },
    /// Nothing: the topic will send no more.
    Farewell,
}

/// Reads a message, if it is about one of the topics, fresh, and signed by Amazon.
///
/// # Errors
/// [`Error::Malformed`] for what is no message, [`Error::Forbidden`] for what is not to be believed, [`Error::Internal`]
/// when Amazon's certificate cannot be had just now.
pub async fn open(amazon: &Amazon, topics: &[Topic], body: &[u8], now: Timestamp) -> Result<Opened> {
    let envelope: EnvelopeBody = serde_json::from_slice(body)
        .map_err(|error| Error::Malformed(format!("The body is no message of Amazon SNS: {error}.")))?;
    let topic = topics.iter().find(|topic| topic.arn == envelope.topic_arn);
    let topic = topic.ok_or(Error::Forbidden("This topic is not in TIDINGS_SES_TOPICS."))?;
    let at: Timestamp = envelope.timestamp.parse().map_err(|_| Error::Malformed("`Timestamp` is none.".to_owned()))?;
    let age = now.duration_since(at);
    if age > LIFETIME || age < -CLOCKS_APART {
        return Err(Error::Forbidden("The message is too old, or from the future."));
    }
    let (text, algorithm) = envelope.signed()?;
    let certificate = amazon.certificate(&envelope.signing_cert_url).await?;
    let signature = STANDARD.decode(&envelope.signature).unwrap_or_default();
    if !is_signed(&certificate, algorithm, text.as_bytes(), &signature) {
        return Err(Error::Forbidden("The signature is not Amazon's."));
    }
    Ok(match (envelope.r#type.as_str(), envelope.token) {
        ("Notification", _) => Opened::Notification(envelope.message),
        ("SubscriptionConfirmation", Some(token)) => Opened::Confirmation { topic: topic.clone(), token },
        _ => Opened::Farewell,
    })
}

impl EnvelopeBody {
    /// What is signed of it, and how: the fields that Amazon names, each on a line of its own.
    fn signed(&self) -> Result<(String, &'static dyn SignatureVerificationAlgorithm)> {
        let mut fields = vec![("Message", Some(&self.message)), ("MessageId", Some(&self.message_id))];
        match self.r#type.as_str() {
            "Notification" => fields.extend([("Subject", self.subject.as_ref()), ("Timestamp", Some(&self.timestamp))]),
            "SubscriptionConfirmation" | "UnsubscribeConfirmation" => fields.extend([
                ("SubscribeURL", self.subscribe_url.as_ref()),
                ("Timestamp", Some(&self.timestamp)),
                ("Token", self.token.as_ref()),
            ]),
            _ => return Err(Error::Malformed("There is no such `Type` of message.".to_owned())),
        }
        fields.extend([("TopicArn", Some(&self.topic_arn)), ("Type", Some(&self.r#type))]);
        let lines = fields.into_iter().filter_map(|(name, value)| Some(format!("{name}\n{}\n", value?)));
        let algorithm: &'static dyn SignatureVerificationAlgorithm = match self.signature_version.as_str() {
            "1" => &SHA1,
            "2" => &SHA256,
            _ => return Err(Error::Forbidden("There is no such version of signatures.")),
        };
        Ok((lines.collect(), algorithm))
    }
}

/// RSA with a hash, by `ring`.
struct Rsa(&'static RsaParameters);

/// What topics use unless they are told otherwise.
static SHA1: Rsa = Rsa(&RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY);
static SHA256: Rsa = Rsa(&RSA_PKCS1_2048_8192_SHA256);

impl fmt::Debug for Rsa {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Rsa")
    }
}

impl SignatureVerificationAlgorithm for Rsa {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> std::result::Result<(), InvalidSignature> {
        UnparsedPublicKey::new(self.0, public_key).verify(message, signature).map_err(|_| InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::RSA_ENCRYPTION
    }

    /// Of certificates that sign certificates, which nothing here looks at.
    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::RSA_PKCS1_SHA256
    }
}

fn is_signed(
    certificate: &CertificateDer<'_>,
    algorithm: &dyn SignatureVerificationAlgorithm,
    text: &[u8],
    signature: &[u8],
) -> bool {
    let certificate = EndEntityCert::try_from(certificate);
    certificate.is_ok_and(|certificate| certificate.verify_signature(algorithm, text, signature).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_says_where_amazon_is_asked_about_it() {
        for (arn, host) in [
            ("arn:aws:sns:eu-central-1:123456789012:bounces", "sns.eu-central-1.amazonaws.com"),
            ("arn:aws-us-gov:sns:us-gov-west-1:123456789012:b_1", "sns.us-gov-west-1.amazonaws.com"),
            ("arn:aws-cn:sns:cn-north-1:123456789012:bounces", "sns.cn-north-1.amazonaws.com.cn"),
        ] {
            assert_eq!(arn.parse::<Topic>().unwrap().host, host);
        }
        for wrong in [
            "",
            "bounces",
            "arn:aws:sqs:eu-central-1:123456789012:bounces",
            "arn:aws:sns:evil.example/?:123456789012:bounces",
            "arn:aws:sns::123456789012:bounces",
            "arn:aws:sns:eu-central-1:123456789012:bounces:0b1c",
        ] {
            assert!(wrong.parse::<Topic>().is_err(), "{wrong}");
        }
    }
}
