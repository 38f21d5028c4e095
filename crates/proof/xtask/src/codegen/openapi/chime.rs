//! The document of the 96 operations, from the model.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::super::Error;
use super::super::model::{Location, Model, Operation};
use super::{empty_response, error_response, reference, response, schema, sentence};

const DESCRIPTION: &str = "The 96 operations of the Amazon Chime SDK Voice API (REST-JSON, version 2022-08-03), as \
    trunkline serves them. trunkline is not affiliated with Amazon.\n\n\
    Some operations share a method and a path and are told apart by a query parameter (`operation=put`, \
    `operation=delete`), which OpenAPI cannot say by itself. They stand here as one operation: the parameter is an \
    enumeration (required unless one of them goes without it), the body is one of their bodies, and \
    `x-operations` lists each of them with its parameter, its body and its answer.\n\n\
    null stands for an absent member. Unknown members are ignored. A body may hold a key only once.";

/// Operations of one method and path.
type Group<'m> = Vec<&'m Operation>;

pub(super) fn document(model: &Model) -> Result<Value, Error> {
    let mut groups: BTreeMap<(&str, &str), Group<'_>> = BTreeMap::new();
    for operation in model.operations.values() {
        groups.entry((operation.path(), &operation.http.method)).or_default().push(operation);
    }
    let mut paths = Map::new();
    for ((path, method), group) in &groups {
        let item = paths.entry((*path).to_owned()).or_insert_with(|| json!({}));
        item[method.to_ascii_lowercase()] = operations(model, group)?;
    }
    let schemas = schema::all(model)?;
    let title = "Chime SDK Voice, as served by trunkline";
    Ok(super::document(title, "2022-08-03", DESCRIPTION, paths, schemas))
}

/// All operations of one method and path as one.
fn operations(model: &Model, group: &Group<'_>) -> Result<Value, Error> {
    let names: Vec<&str> = group.iter().map(|it| it.name.as_str()).collect();
    let mut out = json!({
        "operationId": names.join("Or"),
        "summary": names.iter().map(|it| sentence(it)).collect::<Vec<_>>().join(", or "),
        "parameters": parameters(model, group)?,
        "responses": responses(model, group),
    });
    let bodies: Vec<Value> = group.iter().filter_map(|it| body(model, it)).collect();
    if !bodies.is_empty() {
        // Some bodies may be left out whole: those without a required member.
        let required = bodies.len() == group.len() && group.iter().all(|it| needs_body(model, it));
        out["requestBody"] = json!({
            "required": required,
            "content": { "application/json": { "schema": one_of(bodies) } },
        });
    }
    if group.iter().all(|it| it.deprecated) {
        out["deprecated"] = true.into();
    }
    if group.len() > 1 {
        out["x-operations"] = group.iter().map(|it| alone(model, it)).collect();
    }
    Ok(out)
}

/// One of several operations that share a method and a path.
fn alone(model: &Model, operation: &Operation) -> Value {
    let mut out = json!({ "name": operation.name, "status": operation.http.response_code });
    if let Some((key, value)) = operation.selector() {
        out["query"] = json!({ key: value });
    }
    if let Some(body) = body(model, operation) {
        out["requestBody"] = body;
    }
    if let Some(output) = &operation.output {
        out["response"] = reference(&output.shape);
    }
    out
}

fn parameters(model: &Model, group: &Group<'_>) -> Result<Vec<Value>, Error> {
    let mut found: BTreeMap<(&str, String), Value> = BTreeMap::new();
    for operation in group {
        let Some(input) = &operation.input else { continue };
        let shape = model.shape(&input.shape);
        for (name, member) in &shape.members {
            let place = match member.location {
                None => continue,
                Some(Location::Uri) => "path",
                Some(Location::Querystring) => "query",
            };
            let wire = schema::wire_name(name, member);
            let mut parameter = json!({
                "name": wire,
                "in": place,
                "required": shape.required.contains(name),
                "schema": reference(&member.shape),
            });
            if wire != name {
                parameter["description"] = format!("The member {name}.").into();
            }
            let known = found.insert((place, wire.to_owned()), parameter.clone());
            if known.is_some_and(|it| it != parameter) {
                return Err(Error::Unsupported(format!("{wire} of two kinds on one path")));
            }
        }
    }
    let mut parameters: Vec<Value> = found.into_values().collect();
    parameters.extend(selector(group)?);
    Ok(parameters)
}

/// The parameter that tells the operations of a group apart.
fn selector(group: &Group<'_>) -> Result<Option<Value>, Error> {
    let mut selectors: Vec<(&str, &str)> = group.iter().filter_map(|it| it.selector()).collect();
    selectors.sort_unstable();
    let Some((key, _)) = selectors.first().copied() else { return Ok(None) };
    if selectors.iter().any(|(other, _)| *other != key) {
        return Err(Error::Unsupported(format!("{key} and another key tell operations apart")));
    }
    let values: Vec<&str> = selectors.iter().map(|(_, value)| *value).collect();
    Ok(Some(json!({
        "name": key,
        "in": "query",
        "required": values.len() == group.len(),
        "description": "Which operation is meant.",
        "schema": { "type": "string", "enum": values },
    })))
}

/// The body's schema; none where the model has no member in the body.
fn body(model: &Model, operation: &Operation) -> Option<Value> {
    let input = &operation.input.as_ref()?.shape;
    let in_body = model.shape(input).members.values().any(|it| it.location.is_none());
    in_body.then(|| reference(input))
}

fn needs_body(model: &Model, operation: &Operation) -> bool {
    operation.input.as_ref().is_some_and(|input| {
        let shape = model.shape(&input.shape);
        shape
            .required
            .iter()
            .any(|it| shape.members.get(it).is_some_and(|it| it.location.is_none()))
    })
}

fn responses(model: &Model, group: &Group<'_>) -> Value {
    let mut bodies: BTreeMap<u16, Vec<Value>> = BTreeMap::new();
    for operation in group {
        let outputs = bodies.entry(operation.http.response_code).or_default();
        outputs.extend(operation.output.as_ref().map(|it| reference(&it.shape)));
    }
    let mut out = Map::new();
    for (status, outputs) in bodies {
        let answer = if outputs.is_empty() {
            empty_response("Done.")
        } else {
            response("Done.", "application/json", &one_of(outputs))
        };
        out.insert(status.to_string(), answer);
    }
    let mut errors: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
    for (name, status) in model.exceptions() {
        let declared = |it: &&Operation| it.errors.iter().any(|error| error.shape == name);
        if group.iter().any(declared) {
            errors.entry(status).or_default().push(name);
        }
    }
    // What comes before any operation: the signature.
    errors.entry(400).or_default().push("IncompleteSignatureException");
    errors.entry(403).or_default().extend([
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "RequestExpired",
    ]);
    for (status, names) in errors {
        out.insert(status.to_string(), error_response(&names));
    }
    Value::Object(out)
}

/// The one schema, or the choice between several. `anyOf`, because two may fit one value.
fn one_of(mut schemas: Vec<Value>) -> Value {
    schemas.dedup();
    if schemas.len() == 1 { schemas.remove(0) } else { json!({ "anyOf": schemas }) }
}
