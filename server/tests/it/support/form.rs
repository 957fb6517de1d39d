//! The console's forms, as a browser sends them.

use domain::ids::ComponentId;

use super::client::{Answer, Client};

/// Fields with their values, in order.
#[derive(Clone, Debug)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// A new incident, published without mail unless something else is said.
    pub(crate) fn incident(name: &str) -> Self {
        Self::update("investigating", "We are looking into it.").with("name", name).with("impact", "")
    }

    /// The next word on one.
    pub(crate) fn update(status: &str, body: &str) -> Self {
        let key = format!("{:016x}", rand::random::<u64>());
        Self(Vec::new())
            .with("key", &key)
            .with("status", status)
            .with("body", body)
            .with("display_at", "")
            .with("notify", "no")
            .with("intent", "publish")
    }

    /// A postmortem of an incident that lasted from 10:12 to 11:39 on 5 Feb 2024, nobody mailed; `version` is what was shown.
    pub(crate) fn postmortem(version: i64, body: &str) -> Self {
        let key = format!("{:016x}", rand::random::<u64>());
        Self(Vec::new())
            .with("key", &key)
            .with("version", &version.to_string())
            .with("author", "Ada")
            .with("body", body)
            .with("started_at", "2024-02-05 06:48 UTC")
            .with("detected_at", "2024-02-05 10:12 UTC")
            .with("mitigated_at", "")
            .with("resolved_at", "2024-02-05 11:39 UTC")
            .with("notify", "no")
            .with("intent", "save")
    }

    /// With this value instead of what the field held.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self = self.without(name);
        self.0.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Without this field, as a browser leaves out what is not chosen.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.0.retain(|(field, _)| field != name);
        self
    }

    /// With this status for a component.
    pub(crate) fn listing(self, component: &ComponentId, status: &str) -> Self {
        self.with(&format!("component.{component}"), status)
    }

    /// Its fields, in order.
    pub(crate) fn fields(&self) -> Vec<(&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    /// Sends it.
    pub(crate) async fn post(&self, client: &Client, path: &str) -> Answer {
        client.post(path, &self.fields()).await
    }

    /// Opens the incident and gives its id.
    #[track_caller]
    pub(crate) fn open(&self, client: &Client) -> impl Future<Output = String> {
        let (form, caller) = (self.clone(), std::panic::Location::caller());
        async move {
            let answer = form.post(client, "/admin/incidents/new").await;
            let id = answer.location().strip_prefix("/admin/incidents/");
            id.unwrap_or_else(|| panic!("{caller}: {} {}", answer.status, answer.body)).to_owned()
        }
    }

    /// Posts the update to an incident.
    pub(crate) async fn say(&self, client: &Client, incident: &str) -> Answer {
        let answer = self.post(client, &format!("/admin/incidents/{incident}")).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        answer
    }
}
