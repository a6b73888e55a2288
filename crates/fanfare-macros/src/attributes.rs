//! `#[event(..)]` and `#[events(..)]`: read, each option once, mistakes told with what was meant.

use crate::{names, suggest};
use syn::{
    Attribute, DeriveInput, Error, Ident, LitInt, LitStr, Path, Result, meta::ParseNestedMeta, parse_quote,
};

const EVENT_OPTIONS: [&str; 6] = ["type", "version", "key", "topic", "local", "crate"];

/// What `#[event(..)]` says.
pub(crate) struct EventOptions {
    pub(crate) event_type: LitStr,
    pub(crate) version: Option<u32>,
    pub(crate) key: Option<Ident>,
    pub(crate) topic: Option<LitStr>,
    pub(crate) is_local: bool,
    pub(crate) krate: Path,
}

#[derive(Default)]
struct Given {
    seen: Vec<Ident>,
    event_type: Option<LitStr>,
    version: Option<u32>,
    key: Option<Ident>,
    topic: Option<LitStr>,
    is_local: bool,
    krate: Option<Path>,
}

impl EventOptions {
    pub(crate) fn read(input: &DeriveInput) -> Result<Self> {
        let mut given = Given::default();
        for attribute in named(&input.attrs, "event") {
            attribute.parse_nested_meta(|meta| given.read(&meta))?;
        }
        let name = &input.ident;
        let event_type = given.event_type.ok_or_else(|| {
            let example = suggest::event_type(&name.to_string());
            Error::new(
                name.span(),
                format!("`{name}` has no event type: add `#[event(type = \"{example}\")]`"),
            )
        })?;
        Ok(Self {
            event_type,
            version: given.version,
            key: given.key,
            topic: given.topic,
            is_local: given.is_local,
            krate: given.krate.unwrap_or_else(default_crate),
        })
    }
}

impl Given {
    fn read(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        let option = option_name(meta, &EVENT_OPTIONS)?;
        if self.seen.contains(&option) {
            return Err(Error::new(option.span(), format!("`{option}` is given twice")));
        }
        match option.to_string().as_str() {
            "type" => self.event_type = Some(name(meta, "event type", "type = \"order.placed\"")?),
            "topic" => self.topic = Some(name(meta, "topic", "topic = \"order\"")?),
            "version" => self.version = Some(version(meta)?),
            "key" => self.key = Some(key(meta)?),
            "local" => self.is_local = true,
            _ => self.krate = Some(krate(meta)?),
        }
        self.seen.push(option);
        Ok(())
    }
}

/// What `#[events(..)]` says: where Fanfare is found.
pub(crate) fn events_crate(input: &DeriveInput) -> Result<Path> {
    let mut path = None;
    for attribute in named(&input.attrs, "events") {
        attribute.parse_nested_meta(|meta| {
            option_name(&meta, &["crate"])?;
            path = Some(krate(&meta)?);
            Ok(())
        })?;
    }
    Ok(path.unwrap_or_else(default_crate))
}

/// The attributes of this name.
pub(crate) fn named<'a>(attributes: &'a [Attribute], name: &str) -> impl Iterator<Item = &'a Attribute> {
    attributes.iter().filter(move |attribute| attribute.path().is_ident(name))
}

fn default_crate() -> Path {
    parse_quote!(::fanfare)
}

fn option_name(meta: &ParseNestedMeta<'_>, options: &[&str]) -> Result<Ident> {
    let Some(option) = meta.path.get_ident() else { return Err(meta.error("options are single words")) };
    let written = option.to_string();
    if options.contains(&written.as_str()) {
        return Ok(option.clone());
    }
    let hint = match suggest::nearest(&written, options) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("there are `{}`", options.join("`, `")),
    };
    Err(Error::new(option.span(), format!("there is no option `{written}`: {hint}")))
}

fn name(meta: &ParseNestedMeta<'_>, what: &str, example: &str) -> Result<LitStr> {
    let literal: LitStr = meta
        .value()
        .and_then(|value| value.parse())
        .map_err(|error| Error::new(error.span(), format!("the {what} is a text in quotes: `{example}`")))?;
    names::check(&literal, what)?;
    Ok(literal)
}

fn version(meta: &ParseNestedMeta<'_>) -> Result<u32> {
    let words = "the version is a number from 1: `version = 2`";
    let literal: LitInt =
        meta.value().and_then(|value| value.parse()).map_err(|error| Error::new(error.span(), words))?;
    let version = literal.base10_parse::<u32>().ok().filter(|version| *version > 0);
    version.ok_or_else(|| Error::new(literal.span(), words))
}

fn key(meta: &ParseNestedMeta<'_>) -> Result<Ident> {
    let words = "the key is the name of one field, without quotes: `key = order_id`";
    let value = meta.value()?;
    let key: Ident = value.parse().map_err(|error| Error::new(error.span(), words))?;
    if !value.is_empty() && !value.peek(syn::Token![,]) {
        return Err(Error::new(value.span(), words));
    }
    Ok(key)
}

fn krate(meta: &ParseNestedMeta<'_>) -> Result<Path> {
    let value = meta.value()?;
    if value.peek(LitStr) {
        value.parse::<LitStr>()?.parse_with(Path::parse_mod_style)
    } else {
        value.call(Path::parse_mod_style)
    }
}
