//! The media types of bodies, which name the profile that a resource is written and read by.

use reqwest::header::HeaderValue;

use crate::metadata::publish::singular;

/// What a resource's bodies are called in requests.
#[derive(Clone, Debug)]
pub struct Media {
    /// Of bodies that are sent.
    pub writable: HeaderValue,
    /// Of bodies that are asked for; None: as the server likes.
    pub readable: Option<HeaderValue>,
}

impl Default for Media {
    fn default() -> Self {
        Self {
            writable: HeaderValue::from_static("application/json"),
            readable: None,
        }
    }
}

impl Media {
    /// The types for the resource at this path (`/ed-fi/students`), under a profile if there is
    /// one: `application/vnd.ed-fi.student.NAME.writable+json`.
    pub fn of(path: &str, profile: Option<&str>) -> Self {
        let Some(profile) = profile else {
            return Self::default();
        };
        let resource = singular(path.rsplit('/').next().unwrap_or(path));
        let kind = |usage: &str| {
            let text = format!("application/vnd.ed-fi.{resource}.{profile}.{usage}+json");
            HeaderValue::from_str(&text).ok()
        };
        match (kind("writable"), kind("readable")) {
            (Some(writable), readable @ Some(_)) => Self { writable, readable },
            // A pipeline's profile has been checked to fit.
            _ => Self::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn item_13_a_profile_names_the_singular() {
        let media = Media::of("/ed-fi/localEducationAgencies", Some("Assessment-Vendor"));
        assert_eq!(
            media.writable,
            "application/vnd.ed-fi.localEducationAgency.Assessment-Vendor.writable+json"
        );
        assert_eq!(
            Media::of("/ed-fi/students", None).writable,
            "application/json"
        );
    }
}
