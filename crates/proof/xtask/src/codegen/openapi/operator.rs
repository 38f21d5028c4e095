//! The document of the operator API, from the table in its module's documentation, its routes and its
//! types. The three are held against each other, so that none can be changed alone.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::super::Error;
use super::rust_types::Types;
use super::{empty_response, error_response, reference, response};

const MODULE: &str = "crates/edges/api/src/operator/mod.rs";
/// The operator API's own types first, then those of the model that they are made of.
const TYPES: [&str; 3] = [
    "crates/edges/api/src/operator/dto.rs",
    "crates/edges/api/src/operator/dto",
    "crates/values/model/src",
];

const DESCRIPTION: &str = "What `trunkline` commands ask a running service: keys, carriers, the number inventory, calls \
    and their decisions, quotas, the audit, backups, the seal. Requests are signed as those of the Chime SDK Voice \
    API are, by a key of the operator's account that is full or whose policy allows the action. Names are snake_case; a body with an unknown member is refused.";

/// A row of the table: `POST /operator/keys` with a body, answered 201 with another.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    method: String,
    path: String,
    query: Vec<(String, Need)>,
    request: Option<String>,
    status: u16,
    answer: Answered,
    about: String,
}

/// Whether a query parameter must be there.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum Need {
    Required,
    Optional,
}

#[derive(Debug, PartialEq, Eq)]
enum Answered {
    Nothing,
    Type(String),
    Bytes,
}

pub(super) fn document(root: &Path) -> Result<Value, Error> {
    let source = read(&root.join(MODULE))?;
    let rows: Vec<Row> = source.lines().filter_map(row).collect::<Result<_, _>>()?;
    let routes = routes(&source);
    let told: BTreeSet<String> =
        rows.iter().map(|it| format!("{} {}", it.method, plain(&it.path))).collect();
    let difference: Vec<_> = routes.symmetric_difference(&told).cloned().collect();
    if !difference.is_empty() {
        return Err(Error::Unsupported(format!(
            "{MODULE}, whose table and routes differ in {}; give each route a row with its whole path",
            difference.join(", ")
        )));
    }

    let types = types(root)?;
    let (mut paths, mut schemas) = (Map::new(), Map::new());
    for row in &rows {
        for name in row.names() {
            types.collect(name, &mut schemas)?;
        }
        let item = paths.entry(row.path.clone()).or_insert_with(|| json!({}));
        item[row.method.to_ascii_lowercase()] = row.operation();
    }
    Ok(super::document("trunkline operator API", "1", DESCRIPTION, paths, schemas))
}

fn read(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_path_buf(), source })
}

fn types(root: &Path) -> Result<Types, Error> {
    let mut types = Types::default();
    for place in TYPES.map(|it| root.join(it)) {
        let mut files = Vec::new();
        if place.is_dir() {
            super::super::collect(&place, &mut files)?;
            files.retain(|it| it.extension().is_some_and(|it| it == "rs"));
            files.sort();
        } else {
            files.push(place);
        }
        for file in files {
            types.add(&file.display().to_string(), &read(&file)?)?;
        }
    }
    Ok(types)
}

/// A line of the table, if it is one.
fn row(line: &str) -> Option<Result<Row, Error>> {
    let cells: Vec<&str> = line.strip_prefix("//! | `")?.split('|').map(str::trim).collect();
    let [request, answer, ..] = cells.as_slice() else { return None };
    let refuse =
        |what: &str| Err(Error::Unsupported(format!("{MODULE}, whose table has {line:?}: {what}")));
    let Some((line_, rest)) = request.split_once('`') else { return Some(refuse("no request")) };
    let Some((method, target)) = line_.split_once(' ') else { return Some(refuse("no path")) };
    if rest.contains('`') && dto(rest).is_none() || answer.matches("[`dto::").count() > 1 {
        return Some(refuse("two requests; give each a row with its whole path"));
    }
    let (path, query) = split_query(target);
    let status = answer.split(' ').next().and_then(|it| it.parse().ok());
    let answered = match (dto(answer), status) {
        (Some(name), _) => Answered::Type(name),
        (None, Some(204)) => Answered::Nothing,
        (None, _) => Answered::Bytes,
    };
    Some(Ok(Row {
        method: method.to_owned(),
        path: path.to_owned(),
        query,
        request: dto(rest),
        status: status.unwrap_or(200),
        answer: answered,
        about: (*answer).replace(['[', ']', '`'], "").replace("dto::", ""),
    }))
}

/// The type that a cell links to.
fn dto(cell: &str) -> Option<String> {
    let (_, rest) = cell.split_once("[`dto::")?;
    rest.split_once('`').map(|(name, _)| name.to_owned())
}

/// `/calls[?state=][&from=]` → the path, and its parameters; one without brackets is required.
fn split_query(target: &str) -> (&str, Vec<(String, Need)>) {
    let end = target.find(['[', '?']).unwrap_or(target.len());
    let (path, query) = target.split_at(end);
    let parameters = query
        .split(['?', '&'])
        .skip(1)
        .map(|it| {
            let need = if query.starts_with('[') { Need::Optional } else { Need::Required };
            (it.split('=').next().unwrap_or_default().to_owned(), need)
        })
        .collect();
    (path, parameters)
}

/// A path whose labels have no names.
fn plain(path: &str) -> String {
    let segments = path.split('/').map(|it| if it.starts_with('{') { "{}" } else { it });
    segments.collect::<Vec<_>>().join("/")
}

/// The routes that the module matches: `(&Method::GET, ["keys", id])` → `GET /operator/keys/{}`.
fn routes(source: &str) -> BTreeSet<String> {
    let arms = source.lines().filter_map(|line| line.trim().strip_prefix("(&Method::"));
    arms.filter_map(|arm| {
        let (method, rest) = arm.split_once(", [")?;
        let (segments, _) = rest.split_once(']')?;
        let segments = segments
            .split(", ")
            .map(|it| it.strip_prefix('"').map_or("{}", |it| it.trim_end_matches('"')));
        Some(format!("{method} /operator/{}", segments.collect::<Vec<_>>().join("/")))
    })
    .collect()
}

impl Row {
    /// The types that it speaks of.
    fn names(&self) -> impl Iterator<Item = &str> {
        let answer =
            if let Answered::Type(name) = &self.answer { Some(name.as_str()) } else { None };
        self.request.as_deref().into_iter().chain(answer)
    }

    fn operation(&self) -> Value {
        let words: Vec<&str> =
            self.path.split(['/', '-']).filter(|it| !it.is_empty() && *it != "operator").collect();
        let id = words.iter().map(|it| it.trim_matches(['{', '}'])).collect::<Vec<_>>().join("_");
        let mut out = json!({
            "operationId": format!("{}_{id}", self.method.to_ascii_lowercase()),
            "summary": self.about,
            "parameters": self.parameters(),
            "responses": self.responses(),
        });
        if let Some(body) = &self.request {
            out["requestBody"] = json!({
                "required": true,
                "content": { "application/json": { "schema": reference(body) } },
            });
        }
        out
    }

    fn parameters(&self) -> Vec<Value> {
        let text = json!({ "type": "string" });
        let labels = self.path.split('/').filter_map(|it| it.strip_prefix('{')?.strip_suffix('}'));
        let labels =
            labels.map(|it| json!({ "name": it, "in": "path", "required": true, "schema": text }));
        let query = self.query.iter().map(|(name, need)| {
            json!({ "name": name, "in": "query", "required": *need == Need::Required, "schema": text })
        });
        labels.chain(query).collect()
    }

    fn responses(&self) -> Value {
        let answer = match &self.answer {
            Answered::Nothing => empty_response("Done."),
            Answered::Type(name) => response("Done.", "application/json", &reference(name)),
            Answered::Bytes => response(&self.about, "application/octet-stream", &json!({})),
        };
        let mut out = Map::new();
        out.insert(self.status.to_string(), answer);
        out.insert(
            "default".into(),
            error_response(&[
                "BadRequestException",
                "ConflictException",
                "ForbiddenException",
                "IncompleteSignatureException",
                "InvalidSignatureException",
                "MissingAuthenticationTokenException",
                "NotFoundException",
                "RequestExpired",
                "ServiceFailureException",
                "ServiceUnavailableException",
                "ThrottledClientException",
                "UnauthorizedClientException",
                "UnknownOperationException",
            ]),
        );
        Value::Object(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read_and_a_route_is_found() {
        let line = "//! | `GET /operator/calls/{id}[?state=][&from=]` | [`dto::CallList`] |";
        let read = row(line).unwrap().unwrap();
        assert_eq!((read.method.as_str(), read.path.as_str()), ("GET", "/operator/calls/{id}"));
        assert_eq!(read.query, [("state".into(), Need::Optional), ("from".into(), Need::Optional)]);
        assert_eq!((read.status, &read.answer), (200, &Answered::Type("CallList".into())));

        let line = "//! | `POST /operator/keys` [`dto::CreateKey`] | 201 [`dto::CreatedKey`] |";
        let read = row(line).unwrap().unwrap();
        assert_eq!((read.status, read.request.as_deref()), (201, Some("CreateKey")));
        let read = row("//! | `GET /operator/explain?call=` | [`dto::Call`] |").unwrap().unwrap();
        assert_eq!(read.query, [("call".into(), Need::Required)]);
        assert!(row("//! | `GET /a`, `…/{b}` | [`dto::A`], [`dto::B`] |").unwrap().is_err());
        assert!(row("//! | request | answer |").is_none());

        let source = "  (&Method::POST, [\"keys\", id, \"enable\"]) => key::enable(context),";
        assert_eq!(routes(source), ["POST /operator/keys/{}/enable".to_owned()].into());
    }
}
