//! A rights file: read, checked, asked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::matrix::{Needed, Right, Tool};
use super::{Asked, Refused};
use crate::account::Account;

/// What a rights file says.
#[derive(Debug)]
pub struct Rights {
    path: PathBuf,
    service_account: Option<String>,
    pipelines: Option<PathBuf>,
    groups: BTreeMap<String, BTreeSet<String>>,
    admin: Vec<Who>,
    grants: Vec<Grant>,
}

#[derive(Debug)]
enum Who {
    User(String),
    Group(String),
}

#[derive(Debug)]
struct Grant {
    who: Who,
    /// None: every tool.
    tools: Option<Vec<Tool>>,
    rights: Vec<Right>,
    configuration: Option<String>,
}

/// A rights file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RightsError {
    /// It cannot be read.
    #[error("the rights file {path} cannot be read, and without it nobody has a right")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Its text is wrong.
    #[error("{}", problems.iter().map(|p| format!("{}: {p}", path.display())).collect::<Vec<_>>().join("\n"))]
    Wrong {
        /// The file.
        path: PathBuf,
        /// All problems.
        problems: Vec<String>,
    },
    /// There are no users to ask for.
    #[error("a rights file needs the users of a Unix system")]
    NoUsers,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileText {
    service_account: Option<String>,
    pipelines: Option<PathBuf>,
    #[serde(default)]
    groups: BTreeMap<String, BTreeSet<String>>,
    #[serde(default)]
    roles: RolesText,
    #[serde(default)]
    grant: Vec<GrantText>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RolesText {
    #[serde(default)]
    admin: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GrantText {
    user: Option<String>,
    group: Option<String>,
    tool: ToolsText,
    rights: String,
    configuration: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ToolsText {
    One(String),
    Several(Vec<String>),
}

impl Rights {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// All of its problems.
    pub fn load(path: &Path) -> Result<Self, RightsError> {
        let text = std::fs::read_to_string(path).map_err(|source| RightsError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(path, &text)
    }

    pub(super) fn parse(path: &Path, text: &str) -> Result<Self, RightsError> {
        let wrong = |problems| RightsError::Wrong {
            path: path.to_owned(),
            problems,
        };
        let file: FileText =
            toml::from_str(text).map_err(|e| wrong(vec![e.to_string().trim_end().to_owned()]))?;
        let mut problems = Vec::new();
        let admin = file.roles.admin.iter().filter_map(|text| {
            let who = match text.split_once(':') {
                Some(("user", name)) => Some(Who::User(name.to_owned())),
                Some(("group", name)) => Some(Who::Group(name.to_owned())),
                _ => None,
            };
            if who.is_none() {
                problems.push(format!(
                    "roles.admin: `{text}` must be `user:NAME` or `group:NAME`"
                ));
            }
            who
        });
        let admin = admin.collect();
        let mut grants = Vec::new();
        for (i, grant) in file.grant.into_iter().enumerate() {
            match checked(grant) {
                Ok(grant) => grants.push(grant),
                Err(found) => {
                    problems.extend(found.into_iter().map(|p| format!("grant {}: {p}", i + 1)));
                }
            }
        }
        if !problems.is_empty() {
            return Err(wrong(problems));
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        Ok(Self {
            path: path.to_owned(),
            service_account: file.service_account,
            pipelines: file.pipelines.map(|p| folder.join(p)),
            groups: file.groups,
            admin,
            grants,
        })
    }

    pub(super) fn is_service_account(&self, user: &str) -> bool {
        self.service_account.as_deref() == Some(user)
    }

    /// Whether a person has a right, and may use the pipeline at all.
    pub(super) fn check(
        &self,
        person: &Account,
        asked: &Asked<'_>,
        needed: Needed,
    ) -> Result<(), Refused> {
        let configuration = asked.pipeline.map(|(name, ..)| name);
        let admin = self.admin.iter().any(|who| self.is(who, person));
        self.check_place(asked)?;
        if asked.overridden && self.pipelines.is_some() && !admin {
            return Err(Refused(format!(
                "--set could send elsewhere what the pipelines of {} send; it needs the role admin",
                self.path.display()
            )));
        }
        let granted = |tool: Tool, right: Right| {
            self.grants.iter().any(|grant| {
                let here = match (&grant.configuration, configuration) {
                    (Some(only), Some(name)) => only == name,
                    (Some(_), None) => false,
                    (None, _) => true,
                };
                here && grant.rights.contains(&right)
                    && grant.tools.as_ref().is_none_or(|t| t.contains(&tool))
                    && self.is(&grant.who, person)
            })
        };
        match needed {
            _ if admin => Ok(()),
            Needed::Of(tool, right) if granted(tool, right) => Ok(()),
            needed => Err(self.refusal(person, asked, needed)),
        }
    }

    /// A service account's pipelines are those of one folder: a pipeline of somebody's own could
    /// name its secrets and send them elsewhere.
    fn check_place(&self, asked: &Asked<'_>) -> Result<(), Refused> {
        let (Some(folder), Some((_, _, file))) = (&self.pipelines, asked.pipeline) else {
            return Ok(());
        };
        let real = |path: &Path| std::fs::canonicalize(path).ok();
        let parent = real(file).and_then(|file| file.parent().map(Path::to_owned));
        match (parent, real(folder)) {
            (Some(parent), Some(folder)) if parent == folder => Ok(()),
            _ => Err(Refused(format!(
                "{} is not in {}, and {} allows only pipelines of that folder",
                file.display(),
                folder.display(),
                self.path.display()
            ))),
        }
    }

    fn is(&self, who: &Who, person: &Account) -> bool {
        match who {
            Who::User(name) => *name == person.user,
            Who::Group(name) => {
                let own = self.groups.get(name);
                person.groups.contains(name) || own.is_some_and(|g| g.contains(&person.user))
            }
        }
    }

    fn refusal(&self, person: &Account, asked: &Asked<'_>, needed: Needed) -> Refused {
        let Asked { verb, pipeline, .. } = asked;
        let (user, path) = (&person.user, self.path.display());
        let place = match pipeline {
            Some((name, ..)) => format!(" for the configuration {name}"),
            None => String::new(),
        };
        Refused(match needed {
            Needed::Of(tool, right) => {
                let (tool, letter) = (tool.as_str(), right.letter());
                format!(
                    "user {user} lacks the right {right} of the tool {tool}{place}, which \
                     `{verb}` needs; who owns {path} can grant it:\n  [[grant]]\n  \
                     user = \"{user}\"\n  tool = \"{tool}\"\n  rights = \"{letter}\""
                )
            }
            Needed::Admin => format!(
                "user {user} lacks the role admin, which `{verb}` needs{place}; who owns {path} \
                 can grant it: [roles] admin = [\"user:{user}\"]"
            ),
        })
    }
}

fn checked(grant: GrantText) -> Result<Grant, Vec<String>> {
    let mut problems = Vec::new();
    let who = match (grant.user, grant.group) {
        (Some(user), None) => Some(Who::User(user)),
        (None, Some(group)) => Some(Who::Group(group)),
        _ => {
            problems.push("give either `user` or `group`".to_owned());
            None
        }
    };
    let names = match grant.tool {
        ToolsText::One(name) => vec![name],
        ToolsText::Several(names) => names,
    };
    let tools = match names.as_slice() {
        [all] if all == "*" => None,
        names => Some(
            names
                .iter()
                .filter_map(|name| {
                    let tool = Tool::parse(name);
                    if tool.is_none() {
                        problems.push(format!(
                            "no tool `{name}`; one of: resync, dis-batch, dis-selective, sif, \
                             audit, setup, or \"*\" for all"
                        ));
                    }
                    tool
                })
                .collect(),
        ),
    };
    let rights = match Right::parse(&grant.rights) {
        Ok(rights) if !rights.is_empty() => rights,
        Ok(_) => {
            problems.push("`rights` is empty: give letters of R, W, A, D".to_owned());
            Vec::new()
        }
        Err(letter) => {
            problems.push(format!("no right `{letter}`; letters of: R, W, A, D"));
            Vec::new()
        }
    };
    match who {
        Some(who) if problems.is_empty() => Ok(Grant {
            who,
            tools,
            rights,
            configuration: grant.configuration,
        }),
        _ => Err(problems),
    }
}
