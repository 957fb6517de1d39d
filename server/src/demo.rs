//! `tidings demo`: a believable company in a throw-away folder, to look around in.
//!
//! Nothing here is special: everything is written through the same actions as in the console.

mod postmortem;

use std::path::PathBuf;

use domain::{
    email_address::EmailAddress,
    forms::{OpenIncident, PostUpdate, SaveComponent, SaveGroup, SaveSettings, SaveTemplate},
    i18n::Preferences,
    ids::{ComponentId, IncidentId},
    logo::LogoChange,
    status::{ComponentStatus, IncidentStatus},
    subscriber::Follows,
};
use jiff::{SignedDuration, Timestamp};

use crate::{
    Failure, Server,
    actions::{accounts, components, incidents, settings, templates},
    cli::{announce, complain, stop_on_signal},
    clock::Clock,
    config::Config,
    error::Result,
    http::auth::{Actor, By},
    private_folder,
    state::AppState,
    store::import::ImportRow,
};

/// How many people follow the demo company.
const SUBSCRIBERS: usize = 240;

/// Serves the demo until it is stopped; its folder goes with it.
pub async fn run(mut config: Config, clock: Clock) -> std::result::Result<(), Failure> {
    let folder = Folder::create()?;
    config.data.clone_from(&folder.0);
    config.database_url = format!("sqlite://{}", folder.0.join("tidings.db").display());
    config.smtp = None;
    let (shutdown, signals) = stop_on_signal()?;
    let server = Server::bind(config, clock).await?;
    let link = fill(server.state()).await.map_err(|error| Failure(format!("the demo could not be filled: {error}")))?;
    let url = server.state().public_url();
    complain(&format!("The page:    {url}/\nThe console: {url}/admin/welcome/{link} (once; choose any password)"));
    complain(&format!(
        "Mail is captured in {}; read it in the console under Outbox.",
        server.state().outbox().display()
    ));
    announce(&server)?;
    server.run(shutdown).await?;
    signals.wait().await;
    Ok(())
}

/// A folder that is removed when the demo ends.
struct Folder(PathBuf);

impl Folder {
    fn create() -> std::result::Result<Self, Failure> {
        // A name that nobody can have taken before.
        let path = std::env::temp_dir().join(format!("tidings-demo-{:016x}", rand::random::<u64>()));
        private_folder(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!("{} could not be removed: {error}", self.0.display());
        }
    }
}

/// The parts the story below speaks of.
struct Parts {
    api: ComponentId,
    webhooks: ComponentId,
    dashboard: ComponentId,
    payouts: ComponentId,
}

async fn fill(state: &AppState) -> Result<String> {
    let email = address("owner@demo.example")?;
    let id = accounts::create_owner(&state.store, &state.clock, &email, None).await?;
    let mut write = state.store.write().await?;
    // Mail of the demo reaches nobody, and that is known.
    write.confirm_user(&id, state.clock.now()).await?;
    write.commit().await?;
    let user = state.store.user(&id).await?.ok_or(crate::error::Error::NotFound)?;
    let actor = Actor { by: By::User(user), address: "demo".to_owned() };
    let named = SaveSettings { name: "Harbour Pay Status".to_owned(), ..SaveSettings::default() };
    settings::save(state, &actor, named, LogoChange::Keep).await?;
    let parts = fill_components(state, &actor).await?;
    fill_past(state, &actor, &parts).await?;
    fill_subscribers(state, &parts).await?;
    fill_present(state, &actor, &parts).await?;
    accounts::create_sign_in_link(&state.store, &state.clock, &id).await
}

async fn fill_components(state: &AppState, actor: &Actor) -> Result<Parts> {
    let mut position = 0;
    let mut add = async |group: &Option<domain::ids::GroupId>, name: &str, description: &str| {
        position += 1;
        let command = SaveComponent {
            name: name.to_owned(),
            description: description.to_owned(),
            status: None,
            group: group.clone(),
            position,
        };
        components::save(state, actor, None, command).await
    };
    let group = async |name: &str, position| {
        let command = SaveGroup { name: name.to_owned(), position };
        components::save_group(state, actor, None, command).await.map(Some)
    };
    let platform = group("Platform", 1).await?;
    let api = add(&platform, "API", "Payments, refunds and customers over HTTPS").await?;
    let webhooks = add(&platform, "Webhooks", "Events on their way to you").await?;
    let dashboard = add(&platform, "Dashboard", "").await?;
    let money = group("Money movement", 2).await?;
    add(&money, "Card payments", "").await?;
    add(&money, "Bank transfers", "").await?;
    let payouts = add(&money, "Payouts", "Twice a day, 08:00 and 16:00 UTC").await?;
    let regions = group("Regions", 3).await?;
    add(&regions, "Europe", "").await?;
    add(&regions, "North America", "").await?;
    add(&regions, "Asia Pacific", "").await?;
    add(&None, "Documentation", "").await?;
    Ok(Parts { api, webhooks, dashboard, payouts })
}

/// One message of the story.
struct Said {
    minutes_ago: i64,
    status: IncidentStatus,
    body: &'static str,
    components: Vec<(ComponentId, ComponentStatus)>,
    notify: bool,
    /// In how many minutes from now more is promised.
    promise: Option<i64>,
}

async fn tell(state: &AppState, actor: &Actor, name: &str, story: Vec<Said>) -> Result<Option<IncidentId>> {
    let mut incident: Option<IncidentId> = None;
    for said in story {
        let command = PostUpdate {
            key: None,
            seen: None,
            status: said.status,
            body: said.body.to_owned(),
            display_at: Some(ago(state, said.minutes_ago)),
            next_update_by: said.promise.map(|minutes| ago(state, -minutes)),
            notify: said.notify,
            components: said.components.into_iter().collect(),
            restore: said.status == IncidentStatus::Resolved,
        };
        match &incident {
            None => {
                let command = OpenIncident { name: name.to_owned(), impact: None, update: command };
                incident = Some(incidents::open(state, actor, command).await?.incident);
            }
            Some(id) => {
                incidents::post_update(state, actor, id, command).await?;
            }
        }
    }
    Ok(incident)
}

fn ago(state: &AppState, minutes: i64) -> Timestamp {
    let now = state.clock.now();
    now.checked_sub(SignedDuration::from_mins(minutes)).unwrap_or(now)
}

async fn fill_past(state: &AppState, actor: &Actor, parts: &Parts) -> Result<()> {
    use ComponentStatus::{DegradedPerformance, PartialOutage};
    use IncidentStatus::{Identified, Investigating, Monitoring, Resolved};
    let day = 24 * 60;
    let said = |minutes_ago, status, body, components: &[(&ComponentId, ComponentStatus)]| Said {
        minutes_ago,
        status,
        body,
        components: components.iter().map(|(id, status)| ((*id).clone(), *status)).collect(),
        notify: false,
        promise: None,
    };
    let late = vec![
        said(
            41 * day,
            Investigating,
            "Some webhooks arrive up to an hour late. None is lost.",
            &[(&parts.webhooks, DegradedPerformance)],
        ),
        said(
            41 * day - 64,
            Resolved,
            "One queue had grown faster than it was read. It has a second reader now, and all delayed webhooks were sent.",
            &[],
        ),
    ];
    tell(state, actor, "Late webhooks", late).await?;
    let payouts = vec![
        said(
            9 * day,
            Investigating,
            "Some payouts planned for 08:00 UTC have not left yet. No money is lost; we are finding out why.",
            &[(&parts.payouts, PartialOutage)],
        ),
        said(
            9 * day - 35,
            Identified,
            "Our bank's gateway refuses files larger than it did yesterday. We are splitting today's file.",
            &[],
        ),
        said(
            9 * day - 80,
            Monitoring,
            "All payouts of 08:00 UTC have left. We are watching those of 16:00 UTC.",
            &[(&parts.payouts, DegradedPerformance)],
        ),
        said(
            9 * day - 540,
            Resolved,
            "The payouts of 16:00 UTC left on time.\n\n| run | payouts | left at |\n|---|--:|---|\n| 08:00 | 18,204 | 09:18 UTC |\n| 16:00 | 17,961 | 16:00 UTC |",
            &[],
        ),
    ];
    if let Some(id) = tell(state, actor, "Late payouts", payouts).await? {
        postmortem::fill(state, actor, &id).await?;
    }
    let slow = vec![
        said(
            3 * day,
            Investigating,
            "Pages of the dashboard take up to 20 seconds. Payments are not affected.",
            &[(&parts.dashboard, DegradedPerformance)],
        ),
        said(
            3 * day - 22,
            Resolved,
            "A report that scanned every transaction was started by hand. It was stopped, and such reports now run on a replica.",
            &[],
        ),
    ];
    tell(state, actor, "Slow dashboard", slow).await?;
    Ok(())
}

async fn fill_present(state: &AppState, actor: &Actor, parts: &Parts) -> Result<()> {
    use ComponentStatus::{DegradedPerformance, MajorOutage, PartialOutage};
    let story = vec![
        Said {
            minutes_ago: 47,
            status: IncidentStatus::Investigating,
            body: "About a third of API requests answer with 502. We are looking into it and will say more by the half hour.",
            components: vec![(parts.api.clone(), MajorOutage), (parts.webhooks.clone(), DegradedPerformance)],
            notify: false,
            promise: None,
        },
        Said {
            minutes_ago: 12,
            status: IncidentStatus::Identified,
            body: "A change to the edge cache drops connections to two of six upstreams. It is being \
                   rolled back, region by region.\n\n- Europe: done\n- North America: under way\n- Asia Pacific: next\n\n\
                   Requests that failed with `502` were not processed and are safe to repeat.",
            components: vec![(parts.api.clone(), PartialOutage), (parts.webhooks.clone(), DegradedPerformance)],
            notify: true,
            promise: Some(18),
        },
    ];
    tell(state, actor, "Elevated API errors", story).await?;
    let template = SaveTemplate {
        name: "Provider of a region is down".to_owned(),
        title: "Errors in one region".to_owned(),
        status: Some(IncidentStatus::Identified),
        body:
            "Our provider has trouble in one region. Requests are being moved to the others; some are slower meanwhile."
                .to_owned(),
        components: [(parts.api.clone(), DegradedPerformance)].into(),
    };
    templates::save(state, actor, None, template).await?;
    Ok(())
}

async fn fill_subscribers(state: &AppState, parts: &Parts) -> Result<()> {
    let mut rows = Vec::with_capacity(SUBSCRIBERS);
    for number in 0..SUBSCRIBERS {
        let follows = if number % 3 == 0 {
            Follows { components: [parts.payouts.clone()].into(), ..Follows::default() }
        } else {
            Follows::everything()
        };
        rows.push(ImportRow {
            email: address(&format!("customer{number}@demo.example"))?,
            follows,
            preferences: Preferences::default(),
        });
    }
    let mut write = state.store.write().await?;
    write.import_subscribers(&rows, "demo", state.clock.now()).await?;
    Ok(write.commit().await?)
}

fn address(text: &str) -> Result<EmailAddress> {
    text.parse().map_err(|error| crate::error::Error::Internal(format!("{text}: {error}")))
}
