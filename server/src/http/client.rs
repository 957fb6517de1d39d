//! Who is at the other end of a request.

use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{HeaderMap, header, request::Parts},
};
use domain::i18n::Locale;
use ipnet::IpNet;

use crate::state::AppState;

/// The address a request came from, behind any proxies we were told to trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// Where it came from.
    pub address: IpAddr,
    /// Whether it came through a proxy that was not named as trusted, so that `address` is that proxy's.
    pub is_relayed: bool,
}

impl Client {
    /// The network whose sign-ups are counted together: /24 of IPv4, /48 of IPv6.
    pub fn network(&self) -> String {
        let length = if self.address.is_ipv4() { 24 } else { 48 };
        IpNet::new(self.address, length)
            .map_or_else(|_| self.address.to_string(), |network| network.trunc().to_string())
    }

    /// Whether it is this machine or a trusted network, as `/metrics` requires.
    pub fn is_trusted(&self, networks: &[IpNet]) -> bool {
        !self.is_relayed
            && (self.address.is_loopback() || networks.iter().any(|network| network.contains(&self.address)))
    }
}

/// Walks `X-Forwarded-For` from its end as long as the hops are trusted: the first one that is not is the client.
fn resolve(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> Client {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut hops: Vec<&str> = Vec::new();
    for value in headers.get_all("x-forwarded-for") {
        hops.extend(value.to_str().unwrap_or_default().split(',').map(str::trim));
    }
    let mut address = peer.to_canonical();
    for hop in hops.iter().rev() {
        if !is_trusted(&address) {
            return Client { address, is_relayed: true };
        }
        match hop.parse::<IpAddr>() {
            Ok(hop) => address = hop.to_canonical(),
            Err(_) => return Client { address, is_relayed: true },
        }
    }
    Client { address, is_relayed: false }
}

impl FromRequestParts<AppState> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        Ok(resolve(peer, &parts.headers, &state.config().trusted_proxies))
    }
}

/// The language that a browser asks for, of those that mails are written in; English for all others.
#[derive(Clone, Copy, Debug)]
pub struct Language(pub Locale);

impl FromRequestParts<AppState> for Language {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Infallible> {
        let header = parts.headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        Ok(Self(header.and_then(Locale::accepted).unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded: Option<&str>, trusted: &str) -> (String, bool) {
        let mut headers = HeaderMap::new();
        if let Some(forwarded) = forwarded {
            headers.insert("x-forwarded-for", forwarded.parse().unwrap());
        }
        let client = resolve(peer.parse().unwrap(), &headers, &[trusted.parse().unwrap()]);
        (client.address.to_string(), client.is_relayed)
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        assert_eq!(client("203.0.113.9", None, "10.0.0.0/8"), ("203.0.113.9".into(), false));
        assert_eq!(client("203.0.113.9", Some("198.51.100.1"), "10.0.0.0/8"), ("203.0.113.9".into(), true));
        assert_eq!(client("10.0.0.1", Some("198.51.100.1"), "10.0.0.0/8"), ("198.51.100.1".into(), false));
        assert_eq!(client("10.0.0.1", Some("6.6.6.6, 198.51.100.1, 10.0.0.2"), "10.0.0.0/8").0, "198.51.100.1");
        assert_eq!(client("10.0.0.1", Some("nonsense"), "10.0.0.0/8"), ("10.0.0.1".into(), true));
        assert_eq!(client("::ffff:10.0.0.1", Some("198.51.100.1"), "10.0.0.0/8").0, "198.51.100.1");
    }

    #[test]
    fn neighbours_share_a_network() {
        let client = |address: &str| Client { address: address.parse().unwrap(), is_relayed: false }.network();
        assert_eq!(client("203.0.113.9"), "203.0.113.0/24");
        assert_eq!(client("2001:db8:1:2::9"), "2001:db8:1::/48");
    }
}
