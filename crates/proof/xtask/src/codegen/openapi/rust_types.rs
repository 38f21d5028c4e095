//! JSON schemas of Rust types, read from their sources as `serde` derives them.
//!
//! It knows what the operator API's types use and refuses the rest by name, so that nothing is left
//! out in silence.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use syn::{Attribute, Expr, Fields, GenericArgument, Item, Lit, Meta, PathArguments, Type};

use super::super::Error;
use super::reference;

/// The types of several source files, by name.
#[derive(Default)]
pub(super) struct Types(BTreeMap<String, Source>);

/// A type as it stands in its source file.
enum Source {
    Struct(syn::ItemStruct),
    Enum(syn::ItemEnum),
}

/// What a type or field says to `serde`.
#[derive(Default)]
struct Serde {
    rename_all: Option<String>,
    default: Presence,
    skipped: Presence,
    unknown: Unknown,
}

/// Whether a value may be absent.
#[derive(Default, PartialEq)]
enum Presence {
    #[default]
    Always,
    Optional,
}

/// What becomes of members that a type does not have.
#[derive(Default, PartialEq)]
enum Unknown {
    #[default]
    Ignored,
    Denied,
}

impl Types {
    /// Adds the types of a source file. The first of two with one name stays.
    pub(super) fn add(&mut self, path: &str, source: &str) -> Result<(), Error> {
        let file = syn::parse_file(source)
            .map_err(|error| Error::Unsupported(format!("{path}, which is not Rust: {error}")))?;
        for item in file.items {
            let (name, source) = if let Item::Struct(it) = item {
                (it.ident.to_string(), Source::Struct(it))
            } else if let Item::Enum(it) = item {
                (it.ident.to_string(), Source::Enum(it))
            } else {
                continue;
            };
            self.0.entry(name).or_insert(source);
        }
        Ok(())
    }

    /// The schema of a type of this name, and of every type that it is made of, into `schemas`.
    pub(super) fn collect(
        &self,
        name: &str,
        schemas: &mut Map<String, Value>,
    ) -> Result<(), Error> {
        if schemas.contains_key(name) {
            return Ok(());
        }
        let item = self.0.get(name).ok_or_else(|| {
            Error::Unsupported(format!(
                "the type {name}, which is not in the sources it was looked for in"
            ))
        })?;
        // Its place is taken before its parts are looked at, which may name it again.
        schemas.insert(name.to_owned(), Value::Null);
        let schema = match item {
            Source::Struct(it) => self.structure(name, &it.attrs, &it.fields, schemas)?,
            Source::Enum(it) => enumeration(name, it)?,
        };
        schemas.insert(name.to_owned(), schema);
        Ok(())
    }

    fn structure(
        &self,
        name: &str,
        attributes: &[Attribute],
        fields: &Fields,
        schemas: &mut Map<String, Value>,
    ) -> Result<Value, Error> {
        let Fields::Named(fields) = fields else {
            return Err(Error::Unsupported(format!("{name}, whose fields have no names")));
        };
        let whole = Serde::read(name, attributes)?;
        let (mut properties, mut required) = (Map::new(), Vec::new());
        for field in &fields.named {
            let Some(ident) = &field.ident else { continue };
            let wire = ident.to_string().trim_start_matches("r#").to_owned();
            let says = Serde::read(&format!("{name}.{wire}"), &field.attrs)?;
            let mut schema = self.of_type(&field.ty, schemas)?;
            let optional = is_option(&field.ty)
                || whole.default == Presence::Optional
                || says.default == Presence::Optional
                || says.skipped == Presence::Optional;
            if is_option(&field.ty) && says.skipped == Presence::Always {
                schema = json!({ "anyOf": [schema, { "type": "null" }] });
            }
            let about = documentation(&field.attrs);
            if !about.is_empty() {
                schema["description"] = about.into();
            }
            if !optional {
                required.push(wire.clone());
            }
            properties.insert(wire, schema);
        }
        let mut schema = json!({
            "type": "object",
            "description": documentation(attributes),
            "properties": properties,
        });
        if !required.is_empty() {
            schema["required"] = required.into();
        }
        if whole.unknown == Unknown::Denied {
            schema["additionalProperties"] = false.into();
        }
        Ok(schema)
    }

    fn of_type(&self, ty: &Type, schemas: &mut Map<String, Value>) -> Result<Value, Error> {
        let (name, arguments) = parts(ty)?;
        let inner = |at: usize| -> Result<&Type, Error> {
            arguments.get(at).copied().ok_or_else(|| {
                Error::Unsupported(format!("{name}, which does not say of what it is"))
            })
        };
        Ok(match name.as_str() {
            "Option" | "Box" => self.of_type(inner(0)?, schemas)?,
            "Vec" | "BTreeSet" => {
                json!({ "type": "array", "items": self.of_type(inner(0)?, schemas)? })
            }
            "BTreeMap" => {
                let values = self.of_type(inner(1)?, schemas)?;
                json!({ "type": "object", "additionalProperties": values })
            }
            "String" | "Cow" => json!({ "type": "string" }),
            "Secret" => json!({ "type": "string", "format": "password" }),
            "Timestamp" => json!({ "type": "string", "format": "date-time" }),
            "AccountId" => json!({ "type": "string", "pattern": "^[0-9]{12}$" }),
            "IpAddr" => json!({ "type": "string" }),
            "KeyPolicy" => json!({
                "description": "What a key may do: a built-in policy, or a document in IAM's JSON policy language.",
                "oneOf": [{ "type": "string", "enum": ["full", "read-only"] }, { "type": "object" }],
            }),
            "bool" => json!({ "type": "boolean" }),
            "u8" => json!({ "type": "integer", "minimum": 0, "maximum": 255 }),
            "u16" => json!({ "type": "integer", "minimum": 0, "maximum": 65_535 }),
            "u32" | "u64" | "usize" => json!({ "type": "integer", "minimum": 0 }),
            "i32" | "i64" => json!({ "type": "integer" }),
            "f32" | "f64" => json!({ "type": "number" }),
            // Any JSON.
            "Value" => json!({}),
            named => {
                self.collect(named, schemas)?;
                reference(named)
            }
        })
    }
}

/// An enum whose variants have no data: one of several texts.
fn enumeration(name: &str, item: &syn::ItemEnum) -> Result<Value, Error> {
    let says = Serde::read(name, &item.attrs)?;
    let mut values = Vec::new();
    for variant in &item.variants {
        if !variant.fields.is_empty() {
            return Err(Error::Unsupported(format!("{name}::{}, which has data", variant.ident)));
        }
        values.push(renamed(&variant.ident.to_string(), says.rename_all.as_deref())?);
    }
    Ok(json!({ "type": "string", "description": documentation(&item.attrs), "enum": values }))
}

fn renamed(variant: &str, rule: Option<&str>) -> Result<String, Error> {
    let snake = super::super::names::snake(variant);
    match rule {
        None => Ok(variant.to_owned()),
        Some("snake_case") => Ok(snake),
        Some("kebab-case") => Ok(snake.replace('_', "-")),
        Some("lowercase") => Ok(variant.to_ascii_lowercase()),
        Some("UPPERCASE") => Ok(variant.to_ascii_uppercase()),
        Some(other) => Err(Error::Unsupported(format!("serde's rename_all = {other:?}"))),
    }
}

/// A type's last name and its type arguments.
fn parts(ty: &Type) -> Result<(String, Vec<&Type>), Error> {
    let Type::Path(path) = ty else {
        return Err(Error::Unsupported("a field that is no named type".to_owned()));
    };
    let Some(last) = path.path.segments.last() else {
        return Err(Error::Unsupported("a type without a name".to_owned()));
    };
    let arguments = match &last.arguments {
        PathArguments::AngleBracketed(list) => list
            .args
            .iter()
            .filter_map(|it| if let GenericArgument::Type(ty) = it { Some(ty) } else { None })
            .collect(),
        PathArguments::None | PathArguments::Parenthesized(_) => Vec::new(),
    };
    Ok((last.ident.to_string(), arguments))
}

fn is_option(ty: &Type) -> bool {
    parts(ty).is_ok_and(|(name, _)| name == "Option")
}

impl Serde {
    fn read(of: &str, attributes: &[Attribute]) -> Result<Self, Error> {
        let mut says = Self::default();
        for attribute in attributes.iter().filter(|it| it.path().is_ident("serde")) {
            attribute
                .parse_nested_meta(|meta| {
                    let word = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
                    let value = meta.value().ok().map(|it| it.parse::<Lit>()).transpose()?;
                    match word.as_str() {
                        "default" => says.default = Presence::Optional,
                        "skip_serializing_if" => says.skipped = Presence::Optional,
                        "deny_unknown_fields" => says.unknown = Unknown::Denied,
                        "rename_all" => {
                            if let Some(Lit::Str(text)) = value {
                                says.rename_all = Some(text.value());
                            }
                        }
                        _ => return Err(meta.error(format!("serde's {word} is not known here"))),
                    }
                    Ok(())
                })
                .map_err(|error| Error::Unsupported(format!("{of}: {error}")))?;
        }
        Ok(says)
    }
}

/// The documentation comment as one text, paragraphs kept.
pub(super) fn documentation(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| {
        let Meta::NameValue(pair) = &attribute.meta else { return None };
        match (&pair.value, pair.path.is_ident("doc")) {
            (Expr::Lit(syn::ExprLit { lit: Lit::Str(text), .. }), true) => Some(text.value()),
            _ => None,
        }
    });
    let mut out = String::new();
    for line in lines {
        let line = line.trim();
        if line.is_empty() {
            out.push_str("\n\n");
        } else {
            if !out.is_empty() && !out.ends_with('\n') {
                out.push(' ');
            }
            out.push_str(line);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schemas_of(source: &str, name: &str) -> Result<Map<String, Value>, Error> {
        let mut types = Types::default();
        types.add("a.rs", source)?;
        let mut schemas = Map::new();
        types.collect(name, &mut schemas)?;
        Ok(schemas)
    }

    #[test]
    fn a_struct_is_what_serde_makes_of_it() {
        let source = r#"
            /// A thing.
            #[derive(Serialize)]
            #[serde(deny_unknown_fields)]
            pub struct Thing {
                /// Its name.
                pub name: String,
                #[serde(default)]
                pub size: u16,
                #[serde(skip_serializing_if = "Option::is_none")]
                pub kind: Option<Kind>,
                pub parts: Option<Vec<Thing>>,
            }
            #[serde(rename_all = "kebab-case")]
            enum Kind { Small, VeryLarge }
        "#;
        let schemas = schemas_of(source, "Thing").unwrap();
        let expected = json!({
            "type": "object", "description": "A thing.", "additionalProperties": false, "required": ["name"],
            "properties": {
                "name": { "type": "string", "description": "Its name." },
                "size": { "type": "integer", "minimum": 0, "maximum": 65535 },
                "kind": { "$ref": "#/components/schemas/Kind" },
                "parts": { "anyOf": [
                    { "type": "array", "items": { "$ref": "#/components/schemas/Thing" } }, { "type": "null" },
                ] },
            },
        });
        assert_eq!(schemas["Thing"], expected);
        assert_eq!(schemas["Kind"]["enum"], json!(["small", "very-large"]));
    }

    #[test]
    fn what_it_does_not_know_is_refused_by_name() {
        for (source, said) in [
            ("struct A { b: B }", "the type B"),
            ("struct A(u8);", "no names"),
            ("struct A { #[serde(flatten)] b: u8 }", "flatten"),
            ("enum A { B(u8) }", "A::B"),
            ("struct A { b: (u8, u8) }", "no named type"),
        ] {
            let refused = schemas_of(source, "A").unwrap_err().to_string();
            assert!(refused.contains(said), "{source}: {refused}");
        }
    }
}
