//! The JSON Schema of the records, made from the types themselves.
use serde_json::{Value, json};

use crate::record::{Record, SCHEMA_VERSION};

/// JSON Schema (draft 2020-12) of one record as the JSON formats print it.
#[must_use]
pub fn schema() -> Value {
    let generator = schemars::generate::SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut schema = generator.into_root_schema_for::<Record>();
    schema.insert("$id".to_owned(), json!(format!("urn:wireglass:schema:{SCHEMA_VERSION}")));
    schema.insert("title".to_owned(), json!("wireglass record"));
    schema.insert("schema_version".to_owned(), json!(SCHEMA_VERSION));
    schema.to_value()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls `visit` with the path of every property and its schema.
    fn properties(value: &Value, path: &str, visit: &mut dyn FnMut(&str, &Value)) {
        match value {
            Value::Object(map) => {
                for (key, inner) in map {
                    if let ("properties", Some(fields)) = (key.as_str(), inner.as_object()) {
                        fields.iter().for_each(|(name, field)| visit(&format!("{path}.{name}"), field));
                    }
                    properties(inner, &format!("{path}/{key}"), visit);
                }
            }
            Value::Array(list) => list.iter().for_each(|inner| properties(inner, path, visit)),
            _ => {}
        }
    }

    #[test]
    fn every_field_is_described() {
        let schema = schema();
        let mut missing = Vec::new();
        properties(&schema, "", &mut |path, field| {
            let described = field.get("description").is_some() || field.get("$ref").is_some();
            if !described && field.get("const").is_none() {
                missing.push(path.to_owned());
            }
        });
        assert!(missing.is_empty(), "no description: {missing:?}");
    }

    #[test]
    fn names_itself_and_all_kinds() {
        let schema = schema();
        assert_eq!(schema["$id"], "urn:wireglass:schema:1");
        assert_eq!(schema["schema_version"], SCHEMA_VERSION);
        let text = schema.to_string();
        for kind in crate::record::RecordKind::ALL {
            assert!(text.contains(&format!("\"const\":\"{}\"", kind.type_name())), "{}", kind.type_name());
        }
    }
}
