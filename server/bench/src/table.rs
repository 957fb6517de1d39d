//! What was found, as a table in Markdown.

/// One thing that was measured.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    /// What.
    pub(crate) name: String,
    /// How it came out, with its unit.
    pub(crate) measured: String,
    /// What it is compared with in the same run.
    pub(crate) reference: String,
    /// Both, divided; empty where nothing is.
    pub(crate) ratio: String,
    /// What it must be; empty for what is only told.
    pub(crate) bound: String,
    /// Whether it is; true for what is only told.
    pub(crate) holds: bool,
}

impl Figure {
    /// Something that is worth knowing and has no bound.
    pub(crate) fn told(name: impl Into<String>, measured: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            measured: measured.into(),
            reference: String::new(),
            ratio: String::new(),
            bound: String::new(),
            holds: true,
        }
    }

    /// … that has a bound.
    #[must_use]
    pub(crate) fn bound(self, bound: impl Into<String>, holds: bool) -> Self {
        Self { bound: bound.into(), holds, ..self }
    }

    /// … that is compared with something.
    #[must_use]
    pub(crate) fn against(self, reference: impl Into<String>, ratio: f64) -> Self {
        Self { reference: reference.into(), ratio: format!("{ratio:.2}"), ..self }
    }
}

/// Prints the table; says whether all bounds hold.
#[expect(clippy::print_stdout, reason = "the table is what the program is for")]
pub(crate) fn print(title: &str, figures: &[Figure]) -> bool {
    println!("{title}\n");
    println!("| figure | measured | reference | ratio | bound | holds |");
    println!("|---|---|---|---|---|---|");
    for Figure { name, measured, reference, ratio, bound, holds } in figures {
        let verdict = match (bound.is_empty(), holds) {
            (true, _) => "",
            (false, true) => "yes",
            (false, false) => "**no**",
        };
        println!("| {name} | {measured} | {reference} | {ratio} | {bound} | {verdict} |");
    }
    figures.iter().all(|figure| figure.holds)
}

/// The middle one.
pub(crate) fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// The value below which this part of them lies; 0 of none.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a place in a list"
)]
pub(crate) fn quantile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = (part * (sorted.len().max(1) - 1) as f64).round() as usize;
    sorted.get(place).copied().unwrap_or(0.0)
}

/// One number divided by another.
#[expect(clippy::cast_precision_loss, reason = "two decimals are shown")]
pub(crate) fn ratio(measured: u64, reference: u64) -> f64 {
    measured as f64 / reference.max(1) as f64
}

/// Bytes, to be read.
pub(crate) fn megabytes(bytes: u64) -> String {
    format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000)
}
