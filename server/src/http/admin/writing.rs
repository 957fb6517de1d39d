//! What the forms of a new incident and of an update share: drafts, templates, the mail as it will look.

use app::{
    emails::Mail,
    pages::admin::{
        aids::Aids,
        review::{MailPreview, Reach},
    },
};
use domain::{
    audience::Audience,
    broadcast::BroadcastState,
    forms::{Fields, IncidentForm, PostUpdate, PreferencesForm},
    i18n::Preferences,
    ids::{ComponentId, IncidentId},
    incident::Incident,
    markdown,
    status::Impact,
};

use super::templates;
use crate::{actions, error::Result, http::auth::Actor, mail::outlook::Outlook, state::AppState};

/// The form to begin with: the draft if there is one, else the fresh one. `?template=` fills it in, unless that would
/// replace words that somebody typed; `?notify=yes` chooses to mail.
pub(super) async fn begin(
    state: &AppState,
    actor: &Actor,
    subject: &str,
    fresh: IncidentForm,
    query: Vec<(String, String)>,
) -> Result<(IncidentForm, Aids)> {
    let mut form = fresh;
    let draft = state.store.draft(&actor.user()?.id, subject).await?;
    let saved_at = draft.as_ref().map(|draft| draft.saved_at);
    if let Some(draft) = draft {
        form = IncidentForm::from_fields(&draft.fields);
    }
    let query = Fields(query);
    let mut aids = fill(state, &mut form, &query.get("template"), false).await?;
    aids.draft = saved_at;
    if query.get("notify") == "yes" {
        form.update.notify = query.get("notify");
    }
    Ok((form, aids))
}

/// Fills the form in with a template, if one is named. Typed words are replaced only if the author `is_sure`.
pub(super) async fn fill(state: &AppState, form: &mut IncidentForm, template: &str, is_sure: bool) -> Result<Aids> {
    let mut aids = aids(state).await?;
    if !template.is_empty() {
        let template = templates::find(state, template).await?;
        aids.chosen = template.id.to_string();
        if !is_sure && template.would_replace(form) {
            aids.replacing = Some(template.name);
        } else {
            template.fill(form);
        }
    }
    Ok(aids)
}

/// What helps with a form that came back.
pub(super) async fn aids(state: &AppState) -> Result<Aids> {
    let templates = state.store.templates().await?;
    let templates = templates.into_iter().map(|template| (template.id, template.name)).collect();
    Ok(Aids { templates, ..Aids::default() })
}

/// Ends the draft of what was published. It is published whatever comes of this.
pub(super) async fn end_draft(state: &AppState, actor: &Actor, subject: &str, key: &str) {
    if let Err(error) = actions::drafts::end(state, actor, subject, key).await {
        tracing::warn!("The draft of what was published could not be ended: {error}");
    }
}

/// What a review found beyond the text.
pub(super) struct Looked {
    /// Whom the mail reaches; nobody if there is none.
    pub(super) reach: Reach,
    /// The mail as it will look, if there is one.
    pub(super) mail: Option<MailPreview>,
}

/// What in a text was meant as a time and is none, and what to do about it.
pub(super) fn unread_times(body: &str) -> Vec<(String, String)> {
    markdown::unread_times(body).into_iter().map(|(typed, why)| (typed, why.to_string())).collect()
}

/// How the reader is written to whose mail is looked at: in English and by the page's clock, unless others were chosen.
pub(super) fn reader(fields: &Fields) -> (PreferencesForm, Preferences) {
    let form = PreferencesForm::from_fields(fields, &Preferences::default());
    let preferences = form.parse().unwrap_or_default();
    ((&preferences).into(), preferences)
}

/// Keeps what is reviewed, so that the frame beside it can draw its mail, and says what that will look like and whom it reaches.
pub(super) async fn look(
    state: &AppState,
    actor: &Actor,
    subject: &str,
    fields: &Fields,
    incident: Option<Incident>,
    opened: Option<(String, Option<Impact>)>,
    command: PostUpdate,
) -> Result<Looked> {
    if !command.notify {
        return Ok(Looked { reach: Reach::default(), mail: None });
    }
    actions::drafts::save(state, actor, subject, fields).await?;
    let reach = reach(state, incident.as_ref(), command.components.keys().cloned()).await?;
    let (reader, preferences) = reader(fields);
    let mail = actions::preview::mail(state, incident, opened, command, &preferences).await?;
    let query = [("locale", &reader.locale), ("time_zone", &reader.time_zone)];
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    let frame = format!("/admin/drafts/{subject}/mail?{query}");
    let page_zone = state.zone().await?;
    let preview = |mail: Mail| MailPreview { subject: mail.subject, text: mail.text, frame, reader, page_zone };
    Ok(Looked { reach, mail: mail.map(preview) })
}

/// How many people are told, by how they follow and what they read.
pub(super) async fn reach(
    state: &AppState,
    incident: Option<&Incident>,
    components: impl IntoIterator<Item = ComponentId>,
) -> Result<Reach> {
    let now = state.clock.now();
    let nobody = || IncidentId::from_random(0);
    let mut whole = incident.map_or_else(|| Audience { incident: nobody(), components: [].into() }, Audience::of);
    whole.components.extend(components);
    let everything = Audience { incident: nobody(), components: [].into() };
    let listed = Audience { incident: nobody(), components: whole.components.clone() };
    let everything = state.store.count_audience(&everything, now).await?;
    let listed = state.store.count_audience(&listed, now).await?;
    let languages = state.store.count_languages(&whole, now).await?;
    let all = languages.iter().map(|(_, people)| people).sum::<i64>();
    Ok(Reach { everything, components: listed - everything, incident: all - listed, languages })
}

/// When the mails of what is published now will be out.
pub(super) struct Going {
    /// `done about 13:57 UTC`, or `but nothing goes out until …`.
    pub(super) finish: String,
    /// Why nothing goes out for now, if so.
    pub(super) held: Option<String>,
}

/// When so many mails of this kind about an incident will be out.
pub(super) async fn going(
    state: &AppState,
    outlook: &Outlook,
    incident: Option<&Incident>,
    kind: &str,
    recipients: i64,
) -> Result<Going> {
    let held = match outlook.held() {
        Some(held) => Some(held),
        None => paused(state, incident).await?,
    };
    let finish = match &held {
        Some(held) => format!("but {held}"),
        None => format!("done {}", outlook.finish(kind, recipients)),
    };
    Ok(Going { finish, held })
}

/// Whether the mails of this incident wait for somebody, in words: what is published now takes over a pause.
async fn paused(state: &AppState, incident: Option<&Incident>) -> Result<Option<String>> {
    let Some(incident) = incident else { return Ok(None) };
    let broadcasts = state.store.broadcasts_of(&incident.id).await?;
    let is_paused = broadcasts.iter().any(|broadcast| broadcast.state == BroadcastState::Paused);
    Ok(is_paused.then(|| "nothing goes out until the mails of this incident are resumed: they are paused".to_owned()))
}
