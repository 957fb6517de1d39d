//! What statuses and impacts are called in each language.

use super::Locale;
use crate::status::{ComponentStatus, Impact, IncidentStatus};

impl Locale {
    /// How a component fares.
    pub fn component_status(self, status: ComponentStatus) -> &'static str {
        use ComponentStatus::{DegradedPerformance, MajorOutage, Operational, PartialOutage, UnderMaintenance};
        match (self, status) {
            (Self::English, status) => status.label(),
            (Self::German, Operational) => "Betriebsbereit",
            (Self::German, UnderMaintenance) => "In Wartung",
            (Self::German, DegradedPerformance) => "Eingeschränkte Leistung",
            (Self::German, PartialOutage) => "Teilausfall",
            (Self::German, MajorOutage) => "Schwerer Ausfall",
            (Self::French, Operational) => "Opérationnel",
            (Self::French, UnderMaintenance) => "En maintenance",
            (Self::French, DegradedPerformance) => "Performances dégradées",
            (Self::French, PartialOutage) => "Panne partielle",
            (Self::French, MajorOutage) => "Panne majeure",
            (Self::Spanish, Operational) => "Operativo",
            (Self::Spanish, UnderMaintenance) => "En mantenimiento",
            (Self::Spanish, DegradedPerformance) => "Rendimiento degradado",
            (Self::Spanish, PartialOutage) => "Interrupción parcial",
            (Self::Spanish, MajorOutage) => "Interrupción grave",
        }
    }

    /// Where an incident stands.
    pub fn incident_status(self, status: IncidentStatus) -> &'static str {
        use IncidentStatus::{Identified, Investigating, Monitoring, Postmortem, Resolved};
        match (self, status) {
            (Self::English, status) => status.label(),
            (Self::German, Investigating) => "Wird untersucht",
            (Self::German, Identified) => "Ursache gefunden",
            (Self::German, Monitoring) => "Unter Beobachtung",
            (Self::German, Resolved) => "Behoben",
            (Self::German, Postmortem) => "Abschlussbericht",
            (Self::French, Investigating) => "Analyse en cours",
            (Self::French, Identified) => "Cause identifiée",
            (Self::French, Monitoring) => "Sous surveillance",
            (Self::French, Resolved) => "Résolu",
            (Self::French, Postmortem) => "Rapport d’incident",
            (Self::Spanish, Investigating) => "En investigación",
            (Self::Spanish, Identified) => "Causa identificada",
            (Self::Spanish, Monitoring) => "En observación",
            (Self::Spanish, Resolved) => "Resuelto",
            (Self::Spanish, Postmortem) => "Informe del incidente",
        }
    }

    /// How bad an incident is.
    pub fn impact(self, impact: Impact) -> &'static str {
        use Impact::{Critical, Major, Minor, None};
        match (self, impact) {
            (Self::English, impact) => impact.label(),
            (Self::German, None) => "Keine Auswirkung",
            (Self::German, Minor) => "Gering",
            (Self::German, Major) => "Erheblich",
            (Self::German, Critical) => "Kritisch",
            (Self::French, None) => "Sans impact",
            (Self::French, Minor) => "Mineur",
            (Self::French, Major) => "Majeur",
            (Self::French, Critical) => "Critique",
            (Self::Spanish, None) => "Sin impacto",
            (Self::Spanish, Minor) => "Leve",
            (Self::Spanish, Major) => "Grave",
            (Self::Spanish, Critical) => "Crítico",
        }
    }
}
