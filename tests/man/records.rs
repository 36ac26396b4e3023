//! wireglass-records(7): every record and every field, from the JSON Schema, which is made of the declarations themselves.
use roff::{Inline, Roff, bold, italic, roman};
use serde_json::{Map, Value};

/// What a schema allows, in words, with the names of what is described further down.
fn kind(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        return reference.rsplit('/').next().unwrap_or_default().to_owned();
    }
    for key in ["anyOf", "oneOf"] {
        if let Some(choices) = schema[key].as_array() {
            let mut words: Vec<String> = choices.iter().map(kind).collect();
            words.dedup();
            return words.join(" or ");
        }
    }
    if let Some(value) = schema.get("const") {
        return value.to_string();
    }
    if let Some(values) = schema["enum"].as_array() {
        return values.iter().map(Value::to_string).collect::<Vec<_>>().join(" or ");
    }
    let words = |name: &str| match name {
        "array" if schema["prefixItems"].is_array() => {
            let items = schema["prefixItems"].as_array().map_or(&[][..], Vec::as_slice);
            format!("list of {}", items.iter().map(kind).collect::<Vec<_>>().join(" and "))
        }
        "array" => format!("list of {}", kind(&schema["items"])),
        other => other.to_owned(),
    };
    match &schema["type"] {
        Value::String(name) => words(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).map(words).collect::<Vec<_>>().join(" or "),
        _ => "anything".to_owned(),
    }
}

fn description(schema: &Value) -> String {
    schema["description"].as_str().unwrap_or_default().replace("\n\n", " ").replace('\n', " ")
}

fn term(page: &mut Roff, name: &str, kind: &str, meaning: String) {
    page.control("TP", []);
    let mut line: Vec<Inline> = vec![bold(name)];
    if !kind.is_empty() {
        line.extend([roman(" ("), italic(kind), roman(")")]);
    }
    page.text(line);
    page.text(vec![roman(meaning)]);
}

fn fields(page: &mut Roff, properties: &Map<String, Value>, defined: &Value) {
    for (name, schema) in properties.iter().filter(|(name, _)| *name != "type") {
        let mut meaning = description(schema);
        if meaning.is_empty() {
            let target = kind(schema);
            meaning = description(&defined[target.as_str()]);
        }
        term(page, name, &kind(schema), meaning);
    }
}

/// The values of an enumeration, with what they mean.
fn values(schema: &Value) -> Vec<(String, String)> {
    let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    let listed = schema["enum"].as_array().into_iter().flatten().map(|value| (word(value), String::new()));
    let described = schema["oneOf"].as_array().into_iter().flatten().flat_map(|choice| {
        let meaning = description(choice);
        let several =
            choice["enum"].as_array().cloned().unwrap_or_else(|| choice.get("const").cloned().into_iter().collect());
        several.into_iter().map(move |value| (word(&value), meaning.clone())).collect::<Vec<_>>()
    });
    listed.chain(described).collect()
}

/// The page.
pub fn page() -> Vec<u8> {
    let schema = wireglass::report::schema();
    let defined = &schema["$defs"];
    let mut page = Roff::new();
    page.control("TH", ["wireglass-records", "7", "", "wireglass"]);
    page.control("SH", ["NAME"]);
    page.text(vec![roman("wireglass-records - the records of "), bold("wireglass"), roman("(1), field by field")]);
    page.control("SH", ["DESCRIPTION"]);
    page.text(vec![
        roman("With "),
        bold("--format ndjson"),
        roman(" each record is a JSON object on a line of its own, with its type first; "),
        bold("json"),
        roman(" makes one array of them. The first is report, the last ones are capture. They leave when they are complete, ordered by the \
               packet that completed them: the same for any number of threads. Moments (ts) are RFC 3339 in UTC with nine decimals, \
               durations (_ns) whole nanoseconds, sizes bytes. What was not seen is null. "),
        bold("wireglass schema"),
        roman(" prints all this as JSON Schema."),
    ]);
    let mut records = Vec::new();
    page.control("SH", ["RECORDS"]);
    for one in schema["oneOf"].as_array().unwrap() {
        let name = one["properties"]["type"]["const"].as_str().unwrap();
        let declared = one["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
        records.push(declared);
        page.control("SS", [name]);
        page.text(vec![roman(description(&defined[declared]))]);
        if let Some(properties) = defined[declared]["properties"].as_object() {
            fields(&mut page, properties, defined);
        }
    }
    page.control("SH", ["WHAT THEY ARE MADE OF"]);
    for (name, schema) in defined.as_object().unwrap() {
        if records.contains(&name.as_str()) {
            continue;
        }
        page.control("SS", [name.as_str()]);
        page.text(vec![roman(description(schema))]);
        if let Some(properties) = schema["properties"].as_object() {
            fields(&mut page, properties, defined);
            continue;
        }
        let values = values(schema);
        if values.iter().all(|(_, meaning)| meaning.is_empty()) {
            let words: Vec<String> = values.into_iter().map(|(value, _)| value).collect();
            if words.is_empty() {
                page.text(vec![roman("In JSON: "), italic(kind(schema))]);
            } else {
                page.text(vec![roman("One of "), bold(words.join(", ")), roman(".")]);
            }
        } else {
            values.into_iter().for_each(|(value, meaning)| term(&mut page, &value, "", meaning));
        }
    }
    page.control("SH", ["SEE ALSO"]);
    page.text(vec![
        bold("wireglass"),
        roman("(1), "),
        bold("wireglass-states"),
        roman("(7), "),
        bold("wireglass-findings"),
        roman("(7)"),
    ]);
    page.render().into_bytes()
}

/// Every field of the schema stands there.
#[test]
fn every_field_is_in_the_manual() {
    let page = String::from_utf8(page()).unwrap();
    let schema = wireglass::report::schema();
    let mut count = 0;
    for (name, one) in schema["$defs"].as_object().unwrap() {
        for field in one["properties"].as_object().into_iter().flat_map(Map::keys).filter(|field| *field != "type") {
            count += 1;
            assert!(page.contains(&format!("\\fB{field}\\fR")), "{name}.{field}");
        }
    }
    assert!(count > 500, "only {count} fields");
}
