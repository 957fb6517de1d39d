//! The form about the page itself.

use super::{FieldErrors, Fields, NAME_MAX, line};

/// The page's settings as typed.
#[derive(Clone, Debug, Default)]
pub struct SettingsForm {
    /// What the page is called.
    pub name: String,
}

impl SettingsForm {
    /// From what the browser sent.
    pub fn from_fields(fields: &Fields) -> Self {
        Self { name: fields.get("name") }
    }

    /// The page's name, or what is wrong with it.
    pub fn parse(&self) -> Result<String, FieldErrors> {
        line(&self.name, NAME_MAX).map_err(|error| FieldErrors::one("name", error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_a_name_of_one_line() {
        assert_eq!(SettingsForm { name: " Acme\nStatus ".into() }.parse(), Ok("Acme Status".into()));
        assert!(SettingsForm::default().parse().unwrap_err().get("name").is_some());
    }
}
