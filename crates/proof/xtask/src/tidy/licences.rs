//! Everything that is linked comes under a licence of the list in `deny.toml`.

use super::{Metadata, Refusal};
use crate::tree::TextFile;

const LIST: &str = "deny.toml";

pub(super) fn check(files: &[TextFile], metadata: &Metadata) -> Vec<Refusal> {
    let allowed = match allowed(files) {
        Ok(allowed) => allowed,
        Err(fault) => return vec![Refusal::new(LIST, fault, "list licences.allow there")],
    };
    let is_allowed = |licence: &str| allowed.iter().any(|it| it == licence);
    let mut refusals = Vec::new();
    for package in &metadata.packages {
        let place = format!("{} {}", package.name, package.version);
        let instead = "take another package, or add the licence to deny.toml if it is permissive";
        match package.license.as_deref() {
            Some(terms) if permits(terms, &is_allowed) => {}
            Some(terms) => {
                refusals.push(Refusal::new(place, format!("comes under {terms}"), instead));
            }
            None => refusals.push(Refusal::new(place, "names no licence", instead)),
        }
    }
    refusals
}

fn allowed(files: &[TextFile]) -> Result<Vec<String>, String> {
    let file = files.iter().find(|it| it.path == LIST).ok_or("is missing")?;
    let table: toml::Table =
        file.text.parse().map_err(|error: toml::de::Error| error.message().to_owned())?;
    let list = table.get("licenses").and_then(|it| it.get("allow")).and_then(|it| it.as_array());
    let list = list.ok_or("has no licenses.allow")?;
    Ok(list.iter().filter_map(|it| it.as_str()).map(str::to_owned).collect())
}

/// Reads a licence expression: `OR` is a choice, `AND` binds closer and takes both, `WITH` belongs to
/// the licence before it, and the old `MIT/Apache-2.0` means `OR`.
fn permits(terms: &str, allowed: &dyn Fn(&str) -> bool) -> bool {
    let spaced = terms.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words: Vec<&str> = spaced.split_whitespace().rev().collect();
    let permitted = choice(&mut words, allowed);
    permitted && words.is_empty()
}

/// `term (OR term)*`, taken from the end of `words`, which are in reverse.
fn choice(words: &mut Vec<&str>, allowed: &dyn Fn(&str) -> bool) -> bool {
    let mut permitted = both(words, allowed);
    while words.last() == Some(&"OR") {
        words.pop();
        permitted |= both(words, allowed);
    }
    permitted
}

/// `licence (AND licence)*`.
fn both(words: &mut Vec<&str>, allowed: &dyn Fn(&str) -> bool) -> bool {
    let mut permitted = single(words, allowed);
    while words.last() == Some(&"AND") {
        words.pop();
        permitted &= single(words, allowed);
    }
    permitted
}

/// A licence with its exception, or a group in parentheses.
fn single(words: &mut Vec<&str>, allowed: &dyn Fn(&str) -> bool) -> bool {
    match words.pop() {
        Some("(") => {
            let permitted = choice(words, allowed);
            words.pop() == Some(")") && permitted
        }
        Some(licence) => {
            if words.last() == Some(&"WITH") {
                words.pop();
                let exception = words.pop().unwrap_or_default();
                return allowed(&format!("{licence} WITH {exception}")) || allowed(licence);
            }
            allowed(licence)
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Package, file};
    use super::*;

    fn permitted(terms: &str) -> bool {
        permits(terms, &|licence| ["MIT", "ISC", "Unicode-3.0"].contains(&licence))
    }

    #[test]
    fn a_choice_needs_one_and_a_sum_needs_all() {
        for terms in [
            "MIT",
            "MIT OR GPL-3.0",
            "GPL-3.0 OR MIT",
            "GPL-2.0/MIT",
            "MIT AND ISC",
            "(MIT OR GPL-3.0) AND Unicode-3.0",
            "GPL-3.0 OR (MIT AND ISC)",
            "MIT WITH x",
        ] {
            assert!(permitted(terms), "{terms}");
        }
        for terms in [
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "(MIT OR GPL-3.0) AND GPL-2.0",
            "",
            "MIT MIT",
            "(MIT",
            "OR",
            "GPL-3.0 AND MIT OR GPL-2.0",
        ] {
            assert!(!permitted(terms), "{terms}");
        }
    }

    #[test]
    fn packages_are_held_against_the_list() {
        let package = |name: &str, license: Option<&str>| Package {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            license: license.map(str::to_owned),
            ..Package::default()
        };
        let metadata = Metadata {
            packages: vec![
                package("good", Some("MIT")),
                package("bad", Some("GPL-3.0")),
                package("silent", None),
            ],
            workspace_members: Vec::new(),
        };
        let list = file(LIST, "[licenses]\nallow = [\"MIT\"]\n");
        let refused: Vec<String> =
            check(&[list], &metadata).iter().map(ToString::to_string).collect();
        assert_eq!(refused.len(), 2);
        assert!(refused[0].starts_with("bad 1.0.0: comes under GPL-3.0; take another"));
        assert!(refused[1].starts_with("silent 1.0.0: names no licence"));
        assert!(check(&[], &metadata)[0].to_string().contains("deny.toml: is missing"));
    }
}
