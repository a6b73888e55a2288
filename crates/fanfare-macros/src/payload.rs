//! The key field as the encoded payload names it: serde's own attributes decide.

use crate::attributes::named;
use syn::{Attribute, Field, LitStr, Token, meta::ParseNestedMeta, parenthesized};

/// What serde is told about a struct or a field, as far as it changes names.
#[derive(Default)]
struct SerdeNames {
    rename: Option<String>,
    rename_all: Option<String>,
    is_hidden: bool,
}

/// The name of a field in the encoded payload; `None` when serde leaves it out.
pub(crate) fn field_name(container: &[Attribute], field: &Field) -> Option<String> {
    let own = read(&field.attrs);
    if own.is_hidden {
        return None;
    }
    let ident = field.ident.as_ref().map(ToString::to_string).unwrap_or_default();
    let plain = ident.strip_prefix("r#").unwrap_or(&ident);
    Some(own.rename.unwrap_or_else(|| match read(container).rename_all {
        Some(rule) => apply(&rule, plain),
        None => plain.to_owned(),
    }))
}

/// Reads what it knows and passes over the rest: judging serde's attributes is serde's job.
fn read(attributes: &[Attribute]) -> SerdeNames {
    let mut names = SerdeNames::default();
    for attribute in named(attributes, "serde") {
        let _ = attribute.parse_nested_meta(|meta| {
            let option = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
            match option.as_str() {
                "rename" => names.rename = serialized(&meta)?,
                "rename_all" => names.rename_all = serialized(&meta)?,
                "skip" | "skip_serializing" | "flatten" => names.is_hidden = true,
                _ => pass_over(&meta)?,
            }
            Ok(())
        });
    }
    names
}

/// `= "name"` or `(serialize = "name", deserialize = "other")`.
fn serialized(meta: &ParseNestedMeta<'_>) -> syn::Result<Option<String>> {
    if meta.input.peek(Token![=]) {
        return Ok(Some(meta.value()?.parse::<LitStr>()?.value()));
    }
    let mut name = None;
    meta.parse_nested_meta(|inner| {
        let value = inner.value()?.parse::<LitStr>()?.value();
        if inner.path.is_ident("serialize") {
            name = Some(value);
        }
        Ok(())
    })?;
    Ok(name)
}

fn pass_over(meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
    if meta.input.peek(Token![=]) {
        meta.value()?.parse::<syn::Expr>()?;
    } else if meta.input.peek(syn::token::Paren) {
        let content;
        parenthesized!(content in meta.input);
        content.parse::<proc_macro2::TokenStream>()?;
    }
    Ok(())
}

/// Serde's rules for fields, whose names are snake_case in Rust.
fn apply(rule: &str, field: &str) -> String {
    let pascal: String = field.split('_').map(capitalized).collect();
    match rule {
        "UPPERCASE" | "SCREAMING_SNAKE_CASE" => field.to_ascii_uppercase(),
        "PascalCase" => pascal,
        "camelCase" => {
            let mut letters = pascal.chars();
            letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
        }
        "kebab-case" => field.replace('_', "-"),
        "SCREAMING-KEBAB-CASE" => field.to_ascii_uppercase().replace('_', "-"),
        _ => field.to_owned(),
    }
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::field_name;
    use syn::{ItemStruct, parse_quote};

    fn name(item: &ItemStruct) -> Option<String> {
        field_name(&item.attrs, item.fields.iter().next().unwrap())
    }

    #[test]
    fn without_attributes_the_field_has_its_own_name() {
        assert_eq!(
            name(&parse_quote!(
                struct A {
                    order_id: u8,
                }
            ))
            .as_deref(),
            Some("order_id")
        );
        assert_eq!(
            name(&parse_quote!(
                struct A {
                    r#type: u8,
                }
            ))
            .as_deref(),
            Some("type")
        );
    }

    #[test]
    fn rename_all_is_followed() {
        for (rule, wanted) in [
            ("camelCase", "orderId"),
            ("PascalCase", "OrderId"),
            ("kebab-case", "order-id"),
            ("SCREAMING_SNAKE_CASE", "ORDER_ID"),
            ("snake_case", "order_id"),
        ] {
            let item: ItemStruct = parse_quote!(
                #[serde(deny_unknown_fields, rename_all = #rule)]
                struct A {
                    order_id: u8,
                }
            );
            assert_eq!(name(&item).as_deref(), Some(wanted), "{rule}");
        }
    }

    #[test]
    fn a_rename_of_the_field_wins() {
        let item: ItemStruct = parse_quote!(
            #[serde(rename_all = "camelCase")]
            struct A {
                #[serde(default = "zero", rename(serialize = "id", deserialize = "i"))]
                order_id: u8,
            }
        );
        assert_eq!(name(&item).as_deref(), Some("id"));
    }

    #[test]
    fn a_field_that_is_not_written_has_no_name() {
        assert_eq!(
            name(&parse_quote!(
                struct A {
                    #[serde(skip)]
                    order_id: u8,
                }
            )),
            None
        );
    }
}
