//! What the Rust client offers, from rustdoc's JSON: types, their methods, public fields and variants, free functions and
//! constants, by the names under which the crate shows them. Of types that come from crates below, the name alone.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::Failure;

/// The newest form of rustdoc's JSON that this was compared with; what is read here has not changed for long.
const TRIED: std::ops::RangeInclusive<u64> = 45..=60;

pub(crate) fn read(json: &str) -> Result<BTreeSet<String>, Failure> {
    let document: Value = serde_json::from_str(json)?;
    let form = document["format_version"].as_u64().unwrap_or_default();
    if !TRIED.contains(&form) {
        return Err(format!("rustdoc's JSON has form {form}, which nobody has tried").into());
    }
    let crate_ = Crate(&document["index"]);
    let mut names = BTreeSet::new();
    for item in crate_.list(&crate_.get(&document["root"])["inner"]["module"]["items"]) {
        let shown = &item["inner"]["use"];
        if shown.is_null() {
            crate_.add(item, text(&item["name"]), &mut names);
        } else {
            let name = text(&shown["name"]);
            crate_.add(crate_.get(&shown["id"]), name, &mut names);
        }
    }
    if names.len() < 50 {
        return Err("rustdoc's JSON shows next to nothing: is it of the crate curo?".into());
    }
    Ok(names)
}

struct Crate<'a>(&'a Value);

impl<'a> Crate<'a> {
    /// Null for what is in another crate.
    fn get(&self, id: &Value) -> &'a Value {
        &self.0[id.to_string().as_str()]
    }

    fn list(&self, ids: &'a Value) -> impl Iterator<Item = &'a Value> {
        ids.as_array().into_iter().flatten().map(|id| self.get(id))
    }

    fn add(&self, item: &'a Value, name: &str, names: &mut BTreeSet<String>) {
        let inner = &item["inner"];
        names.insert(name.to_owned());
        let mut part = |member: &Value| {
            names.insert(format!("{name}::{}", text(&member["name"])));
        };
        self.list(&inner["struct"]["kind"]["plain"]["fields"])
            .for_each(&mut part);
        self.list(&inner["enum"]["variants"]).for_each(&mut part);
        self.list(&inner["trait"]["items"]).for_each(&mut part);
        for kind in ["struct", "enum"] {
            let own = self.list(&inner[kind]["impls"]).map(|found| &found["inner"]["impl"]);
            for found in own.filter(|found| found["trait"].is_null()) {
                self.list(&found["items"]).for_each(&mut part);
            }
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
