//! `/admin/sign-in`, `/admin/sign-out`

use app::pages::admin::sign_in::{self, SignIn};
use axum::{
    extract::{Query, State},
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
};
use domain::forms::Fields;
use tower_sessions::Session;

use crate::{
    actions::accounts,
    error::{Error, Result},
    http::{
        auth::{self, Actor},
        client::Client,
        forms::Posted,
        session_cookie,
    },
    state::AppState,
};

/// The form; whoever is signed in already goes on.
pub(crate) async fn show(
    State(state): State<AppState>,
    session: Session,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Response> {
    let next = safe_next(&Fields(query).get("next"));
    if auth::signed_in(&state, &session).await?.is_some() {
        return Ok(Redirect::to(&next).into_response());
    }
    let page = SignIn { site: state.site().await?, email: String::new(), next, error: None };
    Ok(Html(sign_in::page(&page)).into_response())
}

/// Signs in, or says no in the same words whatever was wrong.
pub(crate) async fn submit(
    State(state): State<AppState>,
    session: Session,
    client: Client,
    Posted(fields): Posted,
) -> Result<Response> {
    let (email, next) = (fields.get("email"), safe_next(&fields.get("next")));
    let error = match accounts::sign_in(&state, &client, &email, fields.get("password")).await {
        Ok(Some(user)) => {
            auth::start(&session, &user).await?;
            return Ok(Redirect::to(&next).into_response());
        }
        Ok(None) => (StatusCode::UNPROCESSABLE_ENTITY, "This address and password do not go together."),
        Err(Error::TooMany { retry_after: ..60 }) => {
            (StatusCode::TOO_MANY_REQUESTS, "Too many people sign in at this moment. Try again in a minute.")
        }
        Err(Error::TooMany { .. }) => {
            (StatusCode::TOO_MANY_REQUESTS, "Too many attempts. Wait a quarter of an hour and try again.")
        }
        Err(error) => return Err(error),
    };
    let page = SignIn { site: state.site().await?, email, next, error: Some(error.1.to_owned()) };
    Ok((error.0, Html(sign_in::page(&page))).into_response())
}

/// Ends this session, here and in the browser.
pub(crate) async fn sign_out(State(state): State<AppState>, actor: Actor, session: Session) -> Result<Response> {
    session.flush().await?;
    accounts::sign_out(&state, &actor).await?;
    // The session layer's own removal lacks `Secure`, without which browsers keep a `__Host-` cookie.
    let secure = if state.is_https() { "; Secure" } else { "" };
    let name = session_cookie(state.is_https());
    let cookie = format!("{name}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0{secure}");
    let mut response = Redirect::to("/admin/sign-in").into_response();
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Only paths of the console: nobody is led elsewhere by a link to the sign-in page.
fn safe_next(next: &str) -> String {
    let is_ours = next == "/admin" || next.starts_with("/admin/") || next.starts_with("/admin?");
    let is_plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_ours && is_plain { next.to_owned() } else { "/admin".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::safe_next;

    #[test]
    fn signing_in_leads_only_into_the_console() {
        assert_eq!(safe_next("/admin/incidents/new?x=1"), "/admin/incidents/new?x=1");
        for elsewhere in
            ["", "https://evil.test", "//evil.test", "/admin\\@evil", "/adminevil", "/admin/\r\nSet-Cookie: a"]
        {
            assert_eq!(safe_next(elsewhere), "/admin", "{elsewhere}");
        }
    }
}
