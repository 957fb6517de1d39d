//! `/admin/confirm/{token}`: the mailed link that shows that mail reaches someone who may sign in.

use app::pages::admin::confirm::{self, ConfirmAddress};
use axum::{
    extract::{Path, State},
    response::{Html, Response},
};
use tower_sessions::Session;

use super::done;
use crate::{
    actions::accounts,
    error::{Error, Result},
    http::client::Client,
    state::AppState,
    store::users::LinkPurpose,
};

/// Shows the button; the link is not used up by looking.
pub(crate) async fn show(State(state): State<AppState>, Path(token): Path<String>) -> Result<Html<String>> {
    let user = accounts::linked(&state, LinkPurpose::Address, &token).await?.ok_or(Error::NotFound)?;
    let page = ConfirmAddress { site: state.site().await?, token, email: user.email.to_string() };
    Ok(Html(confirm::page(&page)))
}

/// Uses the link up. It signs nobody in.
pub(crate) async fn submit(
    State(state): State<AppState>,
    session: Session,
    client: Client,
    Path(token): Path<String>,
) -> Result<Response> {
    accounts::confirm(&state, &client, &token).await?;
    done(&session, "Your address is confirmed: alerts reach you.", "/admin/account").await
}
