//! Putting right what a published update says.

use domain::{
    forms::{EditForm, FieldErrors},
    incident::{Incident, Update},
};
use jiff::Timestamp;
use leptos::prelude::*;

use super::{
    said::{FormerText, former_texts},
    shell::{Console, document, form_title, summary},
};
use crate::{
    components::{prose, sentence, timestamp},
    islands::MarkdownPreview,
};

/// What the page shows.
#[derive(Clone, Debug)]
pub struct UpdateEdit {
    /// The frame.
    pub console: Console,
    /// The present moment.
    pub now: Timestamp,
    /// The incident.
    pub incident: Incident,
    /// The update, as it is published.
    pub update: Update,
    /// What it said before, the last replaced first.
    pub former: Vec<FormerText>,
    /// As typed.
    pub form: EditForm,
    /// What is wrong with it.
    pub errors: FieldErrors,
}

/// Draws the page.
pub fn page(model: &UpdateEdit) -> String {
    let (incident, update, errors) = (&model.incident, &model.update, &model.errors);
    let address = format!("/admin/incidents/{}", incident.id);
    document(&model.console, &form_title("Edit an update", errors), || {
        let former: Vec<_> = model.former.iter().collect();
        // Beside what a colleague saved meanwhile.
        let present = (!errors.is_empty() && model.form.body != update.body).then(|| {
            view! {
                <section aria-labelledby="present">
                    <h2 id="present">"As it is published now"</h2>
                    {prose(&update.body, "present")}
                </section>
            }
        });
        view! {
            <p class="back"><a href=address.clone() dir="auto">{incident.name.clone()}</a></p>
            <h1>"Edit an update"</h1>
            <p class="facts">
                <span>{update.status.label()}</span>
                {timestamp(update.display_at, model.now)}
            </p>
            {summary(errors, &[("body", "What do readers need to know?")])}
            <form class="box" method="post" action=format!("{address}/updates/{}", update.id)>
                <input type="hidden" name="seen" value=model.form.seen.clone()/>
                <MarkdownPreview
                    name="body".to_owned()
                    label="What do readers need to know?".to_owned()
                    value=model.form.body.clone()
                    hint="The page says that it was edited, and when. What it said before stays here for you. Nobody is mailed."
                        .to_owned()
                    error=errors.get("body").map(sentence)
                    is_optional=false
                    is_document=false
                />
                <div class="actions">
                    <button class="button">"Save"</button>
                    <a class="button quiet" href=address.clone()>"Leave it as it is"</a>
                </div>
            </form>
            {present}
            {former_texts(&former, model.now)}
        }
    })
}
