//! Emits the route table, and refuses a model in which a request could mean two operations.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::model::{Model, Operation};
use super::operations::method;
use super::{API, Error, SourceFile};

/// Operations by method, at one path template.
type Verbs<'m> = BTreeMap<&'static str, Vec<&'m Operation>>;

pub(crate) fn emit(model: &Model) -> Result<SourceFile, Error> {
    let mut paths: BTreeMap<&str, Verbs<'_>> = BTreeMap::new();
    for operation in model.operations.values() {
        let verbs = paths.entry(operation.path()).or_default();
        verbs.entry(method(operation)?).or_default().push(operation);
    }
    refuse_overlap(&paths.keys().copied().collect::<Vec<_>>())?;

    let mut roots: BTreeMap<&str, String> = BTreeMap::new();
    for (path, verbs) in &paths {
        let mut segments = path.split('/').skip(1);
        let root = segments.next().unwrap_or_default();
        let text = roots.entry(root).or_default();
        write!(text, "PathTemplate {{ text: {path:?}, segments: &[").expect(WRITES);
        for segment in segments {
            match segment.strip_prefix('{').and_then(|it| it.strip_suffix('}')) {
                Some(label) => write!(text, "Segment::Label({label:?}), "),
                None => write!(text, "Segment::Literal({segment:?}), "),
            }
            .expect(WRITES);
        }
        text.push_str("], verbs: &[");
        for (method, operations) in verbs {
            writeln!(text, "(Method::{method}, {}),", verb(path, operations)?).expect(WRITES);
        }
        text.push_str("] },\n");
    }

    let mut text = "//! The route table: templates by their first segment, sorted.\n\n\
        use crate::generated::operation::Operation;\nuse crate::operation::Method;\n\
        use crate::route::{PathTemplate, Segment, Verb};\n\n\
        pub(crate) static ROOTS: &[(&str, &[PathTemplate])] = &[\n"
        .to_owned();
    for (root, templates) in roots {
        writeln!(text, "({root:?}, &[{templates}]),").expect(WRITES);
    }
    text.push_str("];\n");
    Ok(SourceFile::new(API, "route.rs", &text))
}

const WRITES: &str = "writing to a String does not fail";

fn verb(path: &str, operations: &[&Operation]) -> Result<String, Error> {
    let mut values = String::new();
    let mut otherwise = None;
    let mut keys = Vec::new();
    for operation in operations {
        match operation.selector() {
            Some((key, value)) => {
                write!(values, "({value:?}, Operation::{}), ", operation.name).expect(WRITES);
                keys.push(key);
            }
            None if otherwise.is_none() => otherwise = Some(&operation.name),
            None => {
                return Err(Error::Unsupported(format!("{path}, which means two operations")));
            }
        }
    }
    keys.dedup();
    match (keys.as_slice(), otherwise) {
        ([], Some(name)) => Ok(format!("Verb::Always(Operation::{name})")),
        ([key], otherwise) => {
            let otherwise = match otherwise {
                Some(name) => format!("Some(Operation::{name})"),
                None => "None".to_owned(),
            };
            Ok(format!(
                "Verb::ByQuery {{ key: {key:?}, values: &[{values}], otherwise: {otherwise} }}"
            ))
        }
        _ => Err(Error::Unsupported(format!("{path}, which is selected by two query keys"))),
    }
}

/// Two templates overlap when some path fits both.
fn refuse_overlap(paths: &[&str]) -> Result<(), Error> {
    for (at, one) in paths.iter().enumerate() {
        for other in &paths[at + 1..] {
            let (a, b): (Vec<_>, Vec<_>) = (one.split('/').collect(), other.split('/').collect());
            let meet = |(a, b): (&&str, &&str)| a == b || a.starts_with('{') || b.starts_with('{');
            if a.len() == b.len() && a.iter().zip(&b).all(meet) {
                return Err(Error::Unsupported(format!("{one} and {other}, which overlap")));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_templates_are_refused() {
        assert!(refuse_overlap(&["/a/{x}", "/a/{x}/b", "/b/{x}"]).is_ok());
        assert!(refuse_overlap(&["/a/{x}", "/a/b"]).is_err());
    }
}
