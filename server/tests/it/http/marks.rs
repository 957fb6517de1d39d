//! Whatever is done in the console is in the audit log: shown by sending every form that there is.

use std::collections::BTreeSet;

use domain::subscriber::Follows;
use reqwest::Method;
use server::{
    http::{Who, table},
    store::suppressions::NOBODY,
};

use crate::support::{
    app::{PASSWORD, TestApp},
    client::{Answer, Client},
    form::Form,
};

/// What its author alone sees, and a list that was sent but not let in, change nothing for anybody else.
const UNMARKED: [&str; 3] = ["/admin/drafts/{subject}", "/admin/drafts/{subject}/discard", "/admin/subscribers/import"];

/// Sends forms and looks into the log.
struct Clerk {
    app: TestApp,
    owner: Client,
    sent: BTreeSet<&'static str>,
}

impl Clerk {
    /// Sends a form to a route of the table, whose placeholders are filled in order, and sees that it left its mark.
    async fn sends(&mut self, route: &'static str, ids: &[&str], fields: &[(&str, &str)]) -> Answer {
        let mut path = route.to_owned();
        for id in ids {
            let (start, end) = (path.find('{').unwrap(), path.find('}').unwrap());
            path.replace_range(start..=end, id);
        }
        let before = self.app.state.store.audit_count().await.unwrap();
        let answer = self.owner.post(&path, fields).await;
        assert!([200, 303].contains(&answer.status), "{path}: {} {}", answer.status, answer.body);
        assert!(self.app.state.store.audit_count().await.unwrap() > before, "{route} left no mark");
        self.sent.insert(route);
        answer
    }
}

#[tokio::test]
async fn every_form_of_the_console_leaves_its_mark() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let store = app.state.store.clone();
    let mut clerk = Clerk { app, owner, sent: BTreeSet::new() };
    clerk.sends("/admin/account/confirm", &[], &[]).await;
    clerk.sends("/admin/settings", &[], &[("name", "Acme Status")]).await;
    clerk.sends("/admin/groups/new", &[], &[("name", "Platform"), ("position", "1")]).await;
    let group = store.groups().await.unwrap()[0].id.to_string();
    clerk.sends("/admin/groups/{id}", &[&group], &[("name", "Places"), ("position", "1")]).await;
    clerk.sends("/admin/components/new", &[], &[("name", "API"), ("position", "1")]).await;
    let component = store.components().await.unwrap()[0].id.to_string();
    let form = [("name", "API 2"), ("position", "1"), ("status", "operational"), ("was", "operational")];
    clerk.sends("/admin/components/{id}", &[&component], &form).await;
    clerk.sends("/admin/templates/new", &[], &[("name", "Slow"), ("body", "It is slow.")]).await;
    let template = store.templates().await.unwrap()[0].id.to_string();
    clerk.sends("/admin/templates/{id}", &[&template], &[("name", "Slower"), ("body", "It is slow.")]).await;
    clerk.sends("/admin/templates/{id}/delete", &[&template], &[]).await;
    clerk.sends("/admin/keys/new", &[], &[("name", "Monitor"), ("scope", "incidents"), ("days", "90")]).await;
    let key = store.keys().await.unwrap()[0].id.to_string();
    clerk.sends("/admin/keys/{id}/revoke", &[&key], &[]).await;
    with_subscribers(&mut clerk).await;
    with_incidents(&mut clerk).await;
    clerk.sends("/admin/mail/test", &[], &[("transport", "main")]).await;
    clerk.sends("/admin/components/{id}/delete", &[&component], &[]).await;
    clerk.sends("/admin/groups/{id}/delete", &[&group], &[]).await;
    let other = "another long enough password";
    let form = [("current", PASSWORD), ("password", other), ("password_again", other)];
    clerk.sends("/admin/account/password", &[], &form).await;
    clerk.sends("/admin/sign-out", &[], &[]).await;

    let forms = table().routes.into_iter().filter(|route| route.who == Who::SignedIn && route.method == "POST");
    let forms: BTreeSet<_> = forms.map(|route| route.path).filter(|path| !UNMARKED.contains(path)).collect();
    assert_eq!(clerk.sent, forms);
}

async fn with_subscribers(clerk: &mut Clerk) {
    let store = clerk.app.state.store.clone();
    let form = [("email", "ann@example.com"), ("everything", "1"), ("consent", "stated"), ("reason", "by phone")];
    let added = clerk.sends("/admin/subscribers/new", &[], &form).await;
    let ann = added.location().rsplit('/').next().unwrap().to_owned();
    clerk.sends("/admin/subscribers/{id}", &[&ann], &[("everything", "1"), ("locale", "fr")]).await;
    let lately = domain::time::editable(clerk.app.state.clock.now() - jiff::SignedDuration::from_hours(3));
    for (route, ids, form) in [
        ("/admin/subscribers/{id}/release", &[ann.as_str()][..], &[][..]),
        ("/admin/suppressions/release", &[][..], &[("email", "ann@example.com")][..]),
        ("/admin/suppressions/release-many", &[][..], &[("since", lately.as_str())][..]),
    ] {
        let mut write = store.write().await.unwrap();
        write.suppress("ann@example.com", NOBODY, None, clerk.app.state.clock.now()).await.unwrap();
        write.commit().await.unwrap();
        clerk.sends(route, ids, form).await;
    }
    clerk.sends("/admin/subscribers/export", &[], &[]).await;
    for end in ["/admin/subscribers/import/{id}", "/admin/subscribers/import/{id}/discard"] {
        let body = "--b\r\ncontent-disposition: form-data; name=\"reason\"\r\n\r\nasked on paper\r\n\
                    --b\r\ncontent-disposition: form-data; name=\"lines\"\r\n\r\nnew@example.com\r\n--b--\r\n";
        let headers = [("sec-fetch-site", "same-origin"), ("content-type", "multipart/form-data; boundary=b")];
        let body = Some(body.as_bytes().to_vec());
        let sent = clerk.owner.send(Method::POST, "/admin/subscribers/import", &headers, body).await.unwrap();
        let place = sent.is(303).location().to_owned();
        clerk.owner.get_until(&place, |page| page.contains("What will happen")).await;
        clerk.sends(end, &[place.rsplit('/').next().unwrap()], &[]).await;
    }
    clerk.sends("/admin/subscribers/{id}/remove", &[&ann], &[]).await;
    clerk.sends("/admin/subscribers/{id}/erase", &[&ann], &[]).await;
}

async fn with_incidents(clerk: &mut Clerk) {
    let store = clerk.app.state.store.clone();
    clerk.app.followers(&["ben@example.com"], &Follows::everything()).await;
    // Held, so that a broadcast is still there to be paused.
    clerk.sends("/admin/mail/hold", &[], &[]).await;
    let form = Form::incident("Slow").with("notify", "yes");
    let opened = clerk.sends("/admin/incidents/new", &[], &form.fields()).await;
    let broadcast = opened.location().rsplit('/').next().unwrap().to_owned();
    for act in ["/admin/broadcasts/{id}/pause", "/admin/broadcasts/{id}/resume", "/admin/broadcasts/{id}/cancel"] {
        clerk.sends(act, &[&broadcast], &[]).await;
    }
    clerk.sends("/admin/mail/release", &[], &[]).await;
    let mailed = Form::incident("Slow again").with("notify", "yes");
    clerk.sends("/admin/incidents/new", &[], &mailed.fields()).await;
    clerk.app.settle().await;
    let open = store.open_incidents().await.unwrap();
    let incident = open.iter().find(|incident| incident.name == "Slow again").unwrap();
    let (id, update) = (incident.id.to_string(), incident.updates[0].id.to_string());
    let form = [("seen", "0"), ("body", "In other words.")];
    clerk.sends("/admin/incidents/{id}/updates/{update}", &[&id, &update], &form).await;
    clerk.sends("/admin/incidents/{id}/updates/{update}/correct", &[&id, &update], &[]).await;
    clerk.sends("/admin/incidents/{id}/details", &[&id], &[("name", "Slow for long"), ("impact", "major")]).await;
    clerk.sends("/admin/incidents/{id}", &[&id], &Form::update("resolved", "Over.").fields()).await;
    let form = Form::postmortem(0, "Words.").with("follow_up.0.text", "Page louder");
    clerk.sends("/admin/incidents/{id}/postmortem", &[&id], &form.fields()).await;
    clerk.sends("/admin/incidents/{id}/postmortem/preview", &[&id], &[]).await;
    let postmortem = store.postmortem(&incident.id).await.unwrap().unwrap();
    let follow_up = postmortem.follow_ups[0].id.to_string();
    let route = "/admin/incidents/{id}/postmortem/follow-ups/{follow_up}";
    clerk.sends(route, &[&id, &follow_up], &[("done", "1")]).await;
    clerk.sends("/admin/incidents/{id}/updates/{update}/remove", &[&id, &update], &[]).await;
    clerk.sends("/admin/incidents/{id}/remove", &[&id], &[]).await;
}
