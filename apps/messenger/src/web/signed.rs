//! Who asks: by the cookie, and from where.

use super::answer::Problem;
use super::{Reach, Web};
use crate::accounts::{AccountError, Session};
use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderName, header};
use axum::middleware::Next;
use axum::response::{AppendHeaders, Response};
use fanfare_gateway::door::Peer;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

/// Whoever is signed in, also before they chose a password of their own.
pub(super) struct Known(pub(super) Session);

/// Whoever is signed in.
pub(super) struct Signed(pub(super) Session);

/// An administrator who is signed in.
pub(super) struct Admin(pub(super) Session);

/// Where a request comes from.
pub(super) struct From(pub(super) IpAddr);

impl FromRequestParts<Web> for Known {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Problem> {
        let token = cookie(&web.reach, &parts.headers).ok_or(AccountError::SignedOut)?;
        Ok(Self(web.accounts.session(token).await?))
    }
}

impl FromRequestParts<Web> for Signed {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Problem> {
        let Known(session) = Known::from_request_parts(parts, web).await?;
        if session.person.must_change {
            return Err(AccountError::MustChange.into());
        }
        Ok(Self(session))
    }
}

impl FromRequestParts<Web> for Admin {
    type Rejection = Problem;

    /// Whoever is no administrator does not learn what there is.
    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Problem> {
        let is_flow = ["/flow", "/api/flow"].iter().any(|flow| parts.uri.path().starts_with(flow));
        match Signed::from_request_parts(parts, web).await {
            Ok(Signed(session)) if session.person.is_admin => Ok(Self(session)),
            _ if is_flow => Err(Problem::missing()),
            Ok(_) => Err(AccountError::Forbidden.into()),
            Err(problem) => Err(problem),
        }
    }
}

impl FromRequestParts<Web> for From {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Problem> {
        Ok(Self(address(&parts.extensions, &parts.headers, &web.reach)))
    }
}

/// Where a request comes from: the other end of its connection, or what the proxy before the messenger says of it.
fn address(extensions: &Extensions, headers: &HeaderMap, reach: &Reach) -> IpAddr {
    let peer = extensions.get::<ConnectInfo<Peer>>().map(|ConnectInfo(Peer(peer))| peer.ip());
    let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    // What the nearest proxy says; anything before that is the client's own word.
    let told = headers.get_all("x-forwarded-for").iter().next_back();
    let told = told.and_then(|told| told.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
    told.filter(|_| reach.is_behind_proxy).unwrap_or(peer)
}

/// Tells the gateway where a connection comes from, which counts connections by it.
pub(super) async fn tell_address(
    State(reach): State<Arc<Reach>>,
    mut request: Request,
    next: Next,
) -> Response {
    let address = address(request.extensions(), request.headers(), &reach);
    request.extensions_mut().insert(ConnectInfo(SocketAddr::new(address, 0)));
    next.run(request).await
}

/// Kept from scripts and from requests that other sites cause.
pub(super) fn set_cookie(
    reach: &Reach,
    value: &str,
    seconds: u64,
) -> AppendHeaders<[(HeaderName, String); 1]> {
    let secure = if reach.is_secure { "; Secure" } else { "" };
    let cookie =
        format!("{}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}", reach.cookie);
    AppendHeaders([(header::SET_COOKIE, cookie)])
}

fn cookie<'h>(reach: &Reach, headers: &'h HeaderMap) -> Option<&'h str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
    let mut pairs =
        cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == reach.cookie).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::extract::Request;

    fn told(forwarded: &[&str], is_behind_proxy: bool) -> String {
        let reach =
            Reach { origins: Vec::new(), is_secure: false, is_behind_proxy, cookie: "session".into() };
        let mut request = Request::new(());
        let peer: SocketAddr = "192.0.2.1:5000".parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(Peer(peer)));
        for line in forwarded {
            request.headers_mut().append("x-forwarded-for", line.parse().unwrap());
        }
        address(request.extensions(), request.headers(), &reach).to_string()
    }

    #[test]
    fn only_the_nearest_proxys_word_counts_and_only_where_there_is_one() {
        assert_eq!(told(&["10.0.0.1"], false), "192.0.2.1");
        assert_eq!(told(&["10.0.0.1"], true), "10.0.0.1");
        assert_eq!(told(&["10.6.6.6, 10.0.0.2"], true), "10.0.0.2");
        assert_eq!(told(&["10.6.6.6", "2001:db8::7"], true), "2001:db8::7");
        assert_eq!(told(&["nonsense"], true), "192.0.2.1");
        assert_eq!(told(&[], true), "192.0.2.1");
    }
}
