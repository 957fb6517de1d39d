//! Bounces and complaints that mail services report by webhook.
//!
//! ```text
//! POST /hooks/bounces ─ generic.rs: signed with our shared secret ───────────────────┐
//! POST /hooks/ses ───── sns.rs: signed by Amazon ─ ses.rs: what SES says in it ──────┤
//!                         └─ amazon.rs: fetches the certificate, confirms the topic  │
//!                                                                                    ▼
//!                        domain::bounce::verdict ◀─ actions::bounces ◀─ Report, one a recipient
//! ```
//! Who can forge a report can take people off the list, so nothing is believed that is not signed, fresh, and about a
//! topic that was configured; each report acts once, however often it comes.

pub mod amazon;
pub mod generic;
pub mod ses;
pub mod sns;
