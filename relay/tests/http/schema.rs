//! JSON Schema, as far as the document of the API uses it: checks values, makes values, and makes values that do not fit.
//!
//! A keyword that is not known here is a failure, so that nothing in the document goes unchecked.

use serde_json::{Map, Value, json};

/// Keywords that say nothing about a value.
const WORDS: [&str; 4] = ["description", "format", "contentEncoding", "title"];

pub struct Document(pub Value);

/// A request that must be refused, and the code that it must be refused with.
pub struct Broken {
    pub what: String,
    pub value: Value,
    pub code: &'static str,
}

impl Document {
    /// The schema itself behind a reference.
    pub fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(pointer) => self.resolve(self.0.pointer(pointer.strip_prefix('#').unwrap()).expect(pointer)),
            None => schema,
        }
    }

    /// Whether the value fits the schema.
    pub fn check(&self, schema: &Value, value: &Value) -> Result<(), String> {
        let Some(keywords) = schema.as_object() else {
            panic!("not a schema: {schema}")
        };
        for (keyword, rule) in keywords {
            let fits = match keyword.as_str() {
                "$ref" => {
                    self.check(self.resolve(schema), value)?;
                    true
                }
                "allOf" => {
                    for part in rule.as_array().unwrap() {
                        self.check(part, value)?;
                    }
                    true
                }
                "oneOf" => {
                    let fitting = |part: &&Value| self.check(part, value).is_ok();
                    rule.as_array().unwrap().iter().filter(fitting).count() == 1
                }
                "type" => types(rule).iter().any(|name| is(name, value)),
                "enum" => rule.as_array().unwrap().contains(value),
                "const" => rule == value,
                "required" => {
                    let names = rule.as_array().unwrap();
                    names.iter().all(|name| value.get(name.as_str().unwrap()).is_some())
                }
                "properties" => {
                    for (name, schema) in rule.as_object().unwrap() {
                        if let Some(member) = value.get(name) {
                            self.check(schema, member).map_err(|error| format!("{name}: {error}"))?;
                        }
                    }
                    true
                }
                "items" => {
                    for item in value.as_array().into_iter().flatten() {
                        self.check(rule, item)?;
                    }
                    true
                }
                "maxItems" => value
                    .as_array()
                    .is_none_or(|items| items.len() as u64 <= rule.as_u64().unwrap()),
                "minItems" => value
                    .as_array()
                    .is_none_or(|items| items.len() as u64 >= rule.as_u64().unwrap()),
                "maxLength" => value
                    .as_str()
                    .is_none_or(|text| text.chars().count() as u64 <= rule.as_u64().unwrap()),
                "minLength" => value
                    .as_str()
                    .is_none_or(|text| text.chars().count() as u64 >= rule.as_u64().unwrap()),
                "minimum" => value.as_f64().is_none_or(|number| number >= rule.as_f64().unwrap()),
                "maximum" => value.as_f64().is_none_or(|number| number <= rule.as_f64().unwrap()),
                "pattern" => {
                    let pattern = regex::Regex::new(rule.as_str().unwrap()).unwrap();
                    value.as_str().is_none_or(|text| pattern.is_match(text))
                }
                word if WORDS.contains(&word) => true,
                other => panic!("the keyword {other} is not checked"),
            };
            if !fits {
                return Err(format!("{keyword} {rule}: not {value}"));
            }
        }
        Ok(())
    }

    /// A value that fits: every required member, from `known` where it is named there.
    pub fn make(&self, schema: &Value, known: &Map<String, Value>) -> Value {
        let schema = self.resolve(schema);
        if let Some(parts) = schema["allOf"].as_array() {
            let members = parts.iter().map(|part| self.make(part, known));
            return members.flat_map(|value| value.as_object().unwrap().clone()).collect();
        }
        match types(&schema["type"]).first().copied() {
            Some("object") => {
                let members = schema["properties"].as_object().into_iter().flatten();
                let wanted = |name: &str| known.contains_key(name) || required(schema).contains(&name);
                members
                    .filter(|(name, _)| wanted(name))
                    .map(|(name, member)| {
                        let value = known.get(name).cloned().unwrap_or_else(|| self.make(member, known));
                        (name.clone(), value)
                    })
                    .collect()
            }
            Some("array") => json!([self.make(&schema["items"], &Map::new())]),
            Some("integer") => json!(schema["minimum"].as_u64().unwrap_or(0).max(1)),
            Some("boolean") => json!(true),
            Some("string") => json!(text(schema)),
            other => panic!("no value for {other:?}"),
        }
    }

    /// Values that differ from a good one in one place, each against one keyword.
    pub fn broken(&self, schema: &Value, good: &Value) -> Vec<Broken> {
        let mut all = Vec::new();
        self.break_into(schema, good, "", &|value| value, &mut all);
        for broken in &all {
            let fits = self.check(schema, &broken.value);
            assert!(fits.is_err(), "{} still fits", broken.what);
        }
        all
    }

    fn break_into(
        &self,
        schema: &Value,
        good: &Value,
        place: &str,
        wrap: &dyn Fn(Value) -> Value,
        all: &mut Vec<Broken>,
    ) {
        let schema = self.resolve(schema);
        let mut push = |keyword: &str, code, value| {
            all.push(Broken {
                what: format!("{place} {keyword}"),
                value: wrap(value),
                code,
            });
        };
        if let Some(names) = schema["type"].as_str() {
            push(
                "type",
                "malformed",
                if names == "object" {
                    json!(7)
                } else {
                    json!({"not": names})
                },
            );
        }
        if schema["pattern"].is_string() {
            push("pattern", "malformed", json!("!"));
        }
        if let Some(least) = schema["minimum"].as_i64() {
            push("minimum", "malformed", json!(least - 1));
        }
        if let Some(most) = schema["maximum"].as_u64() {
            push("maximum", "malformed", json!(most + 1));
        }
        if let Some(most) = schema["maxLength"].as_u64() {
            // What has a form of its own is a name, and one that is too long is none.
            let code = if schema["pattern"].is_string() {
                "malformed"
            } else {
                "too_large"
            };
            push("maxLength", code, json!("a".repeat(usize::try_from(most).unwrap() + 1)));
        }
        if let Some(most) = schema["maxItems"].as_u64() {
            let item = good
                .get(0)
                .cloned()
                .unwrap_or_else(|| self.make(&schema["items"], &Map::new()));
            push(
                "maxItems",
                "too_large",
                json!(vec![item; usize::try_from(most).unwrap() + 1]),
            );
        }
        if schema["minItems"].is_u64() {
            push("minItems", "malformed", json!([]));
        }
        for name in required(schema) {
            let mut less = good.clone();
            less.as_object_mut().unwrap().remove(name);
            push(&format!("without {name}"), "malformed", less);
        }
        if let Some(item) = good.get(0) {
            self.break_into(
                &schema["items"],
                item,
                &format!("{place}[]"),
                &|value| wrap(json!([value])),
                all,
            );
        }
        for (name, member) in schema["properties"].as_object().into_iter().flatten() {
            let put = |value| {
                let mut changed = good.clone();
                changed[name] = value;
                wrap(changed)
            };
            let made;
            let now = match good.get(name) {
                Some(now) => now,
                None if self.resolve(member)["type"].is_string() => {
                    made = self.make(member, &Map::new());
                    &made
                }
                None => continue,
            };
            self.break_into(member, now, &format!("{place}.{name}"), &put, all);
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.break_into(part, good, place, wrap, all);
        }
    }
}

fn required(schema: &Value) -> Vec<&str> {
    let names = schema["required"].as_array().into_iter().flatten();
    names.map(|name| name.as_str().unwrap()).collect()
}

fn types(rule: &Value) -> Vec<&str> {
    match rule {
        Value::String(one) => vec![one],
        Value::Array(many) => many.iter().map(|name| name.as_str().unwrap()).collect(),
        _ => Vec::new(),
    }
}

fn is(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "integer" => value.is_i64() || value.is_u64(),
        other => panic!("the type {other} is not checked"),
    }
}

fn text(schema: &Value) -> String {
    match schema["format"].as_str() {
        Some("hex") => {
            let pattern = schema["pattern"].as_str().unwrap();
            let digits: usize = pattern.split(['{', '}']).nth(1).unwrap().parse().unwrap();
            "0a".repeat(digits / 2)
        }
        Some("base64url") => "AAAA".into(),
        None => "text".into(),
        Some(other) => panic!("no text of format {other}"),
    }
}

#[test]
fn the_checker_refuses_what_a_schema_forbids() {
    let document = Document(
        json!({"components": {"schemas": {"Id": {"type": "string", "pattern": "^[0-9a-f]{4}$", "format": "hex"}}}}),
    );
    let schema = json!({"type": "object", "required": ["id"], "properties": {
        "id": {"$ref": "#/components/schemas/Id"},
        "more": {"type": "array", "maxItems": 2, "minItems": 1, "items": {"type": "integer", "minimum": 0, "maximum": 9}},
        "kind": {"oneOf": [{"const": 1}, {"type": ["string", "null"], "maxLength": 3}]},
    }});
    let good = json!({"id": "00ff", "more": [1, 9], "kind": "abc", "later": 1});
    assert_eq!(document.check(&schema, &good), Ok(()));
    for bad in [
        json!(7),
        json!({"more": [1]}),
        json!({"id": "00FF"}),
        json!({"id": 7}),
        json!({"id": "00ff", "more": []}),
        json!({"id": "00ff", "more": [1, 2, 3]}),
        json!({"id": "00ff", "more": [-1]}),
        json!({"id": "00ff", "more": [10]}),
        json!({"id": "00ff", "more": [1.5]}),
        json!({"id": "00ff", "kind": 2}),
        json!({"id": "00ff", "kind": "abcd"}),
    ] {
        assert!(document.check(&schema, &bad).is_err(), "{bad}");
    }
    let made = document.make(&schema, &Map::new());
    assert_eq!(made, json!({"id": "0a0a"}));
    assert_eq!(document.broken(&schema, &good).len(), 10);
}
