//! The law of arrows: who may depend on whom.
//!
//! apps → edges, engines → values; edges and engines meet only in apps; proof may import anything and
//! nothing imports proof. Within a folder the table below says it all. Everything that waits,
//! listens or stores stays out of values and engines.

use super::{Metadata, Package, Refusal};

/// Crates of ours that a crate may depend on, besides those that its folder may depend on as a
/// whole. A crate that is not in the table may depend on no neighbour.
const NEIGHBOURS: &[(&str, &[&str])] = &[
    ("sip-core", &["sip-message", "model"]),
    ("call", &["model", "sip-core", "sdp", "media", "sip-message"]),
    ("agent", &["model", "sip-core", "sdp", "media", "sip-message"]),
    ("sma", &["model", "call"]),
    ("media", &[]),
    ("net", &["sip-message"]),
    ("store", &["model"]),
    ("api", &["chime-api", "model", "store"]),
    ("chime-client", &["chime-api"]),
    ("cloud", &["model"]),
    ("console", &["api", "model"]),
];

/// Packages of others that would bring clocks, sockets, threads or storage into values and engines.
const IMPURE: &[&str] = &[
    "async-std",
    "axum",
    "clap",
    "hyper",
    "hyper-util",
    "libc",
    "mio",
    "reqwest",
    "rusqlite",
    "rustls",
    "socket2",
    "tokio",
    "tower",
    "tracing-subscriber",
];

/// The folder of a crate: the second folder above its manifest.
fn folder(package: &Package) -> &str {
    package
        .manifest_path
        .ancestors()
        .nth(2)
        .and_then(|it| it.file_name())
        .and_then(|it| it.to_str())
        .unwrap_or_default()
}

pub(super) fn check(metadata: &Metadata) -> Vec<Refusal> {
    let members: Vec<&Package> = metadata.members().collect();
    let mut refusals = Vec::new();
    for package in &members {
        for dependency in &package.dependencies {
            let ours = members.iter().find(|it| it.name == dependency.name);
            let is_test = dependency.kind.as_deref() == Some("dev");
            let refused = match ours {
                Some(target) => refuse_ours(package, target),
                None if is_test => None,
                None => refuse_foreign(package, &dependency.name),
            };
            if let Some((fault, instead)) = refused {
                let place = format!("crates/{}/{}/Cargo.toml", folder(package), package.name);
                refusals.push(Refusal::new(place, fault, instead));
            }
        }
    }
    refusals
}

fn refuse_ours(from: &Package, to: &Package) -> Option<(String, String)> {
    let allowed = match (folder(from), folder(to)) {
        ("proof", _) | ("apps", "edges" | "engines" | "values" | "apps") => true,
        (_, "proof" | "apps") => false,
        ("edges" | "engines", "values") | (_, _) => {
            let row = NEIGHBOURS.iter().find(|(name, _)| *name == from.name);
            row.is_some_and(|(_, neighbours)| neighbours.contains(&to.name.as_str()))
        }
    };
    if allowed {
        return None;
    }
    let fault = format!(
        "{} ({}) depends on {} ({}), against the law of arrows",
        from.name,
        folder(from),
        to.name,
        folder(to)
    );
    let instead = match (folder(from), folder(to)) {
        ("edges", "engines") | ("engines", "edges") => "let the two meet in apps/server".to_owned(),
        ("values" | "engines", "edges" | "apps") => "take what it gives as an argument".to_owned(),
        (_, "proof") => "move what is needed out of proof".to_owned(),
        _ => "pass the value in, or draw the arrow in ARCHITECTURE.md and in xtask's arrows.rs"
            .to_owned(),
    };
    Some((fault, instead))
}

fn refuse_foreign(from: &Package, to: &str) -> Option<(String, String)> {
    let pure = matches!(folder(from), "values" | "engines");
    (pure && IMPURE.contains(&to)).then(|| {
        let fault = format!("{} ({}) depends on {to}", from.name, folder(from));
        (fault, "do the I/O in edges and pass in what it found".to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::super::Dependency;
    use super::*;

    /// A workspace of crates given as `folder/name` with their dependencies.
    fn refused(crates: &[(&str, &[&str])]) -> Vec<String> {
        let packages = crates
            .iter()
            .map(|(path, dependencies)| Package {
                id: (*path).to_owned(),
                name: path.rsplit('/').next().unwrap().to_owned(),
                manifest_path: format!("/x/crates/{path}/Cargo.toml").into(),
                dependencies: dependencies
                    .iter()
                    .map(|it| match it.strip_prefix("dev:") {
                        Some(name) => {
                            Dependency { name: name.to_owned(), kind: Some("dev".to_owned()) }
                        }
                        None => Dependency { name: (*it).to_owned(), kind: None },
                    })
                    .collect(),
                ..Package::default()
            })
            .collect();
        let workspace_members = crates.iter().map(|(path, _)| (*path).to_owned()).collect();
        check(&Metadata { packages, workspace_members }).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn arrows_that_point_down_are_let_through() {
        assert_eq!(
            refused(&[
                ("values/model", &["serde"]),
                ("edges/store", &["model", "rusqlite", "tokio"]),
                ("engines/call", &["model", "dev:tokio"]),
                ("apps/server", &["store", "call"]),
                ("proof/sim", &["server", "call"]),
            ]),
            Vec::<String>::new()
        );
    }

    #[test]
    fn edges_and_engines_do_not_meet() {
        let refused = refused(&[("edges/net", &["media"]), ("engines/media", &[])]);
        assert_eq!(
            refused,
            ["crates/edges/net/Cargo.toml: net (edges) depends on media (engines), against the \
              law of arrows; let the two meet in apps/server"]
        );
    }

    #[test]
    fn nothing_imports_proof_and_values_import_nothing_above() {
        let refused = refused(&[
            ("proof/sim", &[]),
            ("values/model", &["store"]),
            ("edges/store", &["dev:sim"]),
        ]);
        assert_eq!(refused.len(), 2, "{refused:?}");
        assert!(refused[0].ends_with("take what it gives as an argument"), "{refused:?}");
        assert!(refused[1].ends_with("move what is needed out of proof"), "{refused:?}");
    }

    #[test]
    fn engines_have_no_runtime() {
        let refused = refused(&[("engines/call", &["tokio", "smallvec"])]);
        assert_eq!(refused.len(), 1);
        assert!(refused[0].contains("call (engines) depends on tokio"), "{refused:?}");
    }
}
