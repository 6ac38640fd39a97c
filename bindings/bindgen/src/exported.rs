//! The names that the bindings export, from the metadata in their library: `Client`, `Client::open`, `Message::body`, `Edge::More`,
//! `accounts`.

use std::collections::BTreeSet;

use camino::Utf8Path;
use uniffi_bindgen::macro_metadata::extract_from_library;
use uniffi_meta::Metadata;

use crate::Failure;

pub(crate) fn read(library: &Utf8Path) -> Result<BTreeSet<String>, Failure> {
    let names = names(extract_from_library(library)?);
    if names.is_empty() {
        return Err(format!("{library} exports nothing: is it stripped?").into());
    }
    Ok(names)
}

fn names(all: Vec<Metadata>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for item in all {
        match item {
            Metadata::Func(function) => {
                names.insert(function.name);
            }
            Metadata::Object(object) => {
                names.insert(object.name);
            }
            Metadata::CallbackInterface(interface) => {
                names.insert(interface.name);
            }
            Metadata::CustomType(custom) => {
                names.insert(custom.name);
            }
            Metadata::Constructor(constructor) => {
                names.insert(format!("{}::{}", constructor.self_name, constructor.name));
            }
            Metadata::Method(method) => {
                names.insert(format!("{}::{}", method.self_name, method.name));
            }
            Metadata::TraitMethod(method) => {
                names.insert(format!("{}::{}", method.trait_name, method.name));
            }
            Metadata::Record(record) => {
                names.extend(
                    record
                        .fields
                        .iter()
                        .map(|field| format!("{}::{}", record.name, field.name)),
                );
                names.insert(record.name);
            }
            Metadata::Enum(enumeration) => {
                let variants = enumeration.variants.iter();
                names.extend(variants.map(|variant| format!("{}::{}", enumeration.name, variant.name)));
                names.insert(enumeration.name);
            }
            _ => {}
        }
    }
    names
}
