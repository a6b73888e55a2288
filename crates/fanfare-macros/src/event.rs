//! `derive(Event)`.

use crate::{
    attributes::{EventOptions, named},
    payload, suggest,
};
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Data, DeriveInput, Error, Field, Fields, Ident, Result};

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let fields = fields(input)?;
    refuse_generics(input)?;
    refuse_field_attributes(fields)?;
    let options = EventOptions::read(input)?;
    let (name, event_type, krate) = (&input.ident, &options.event_type, &options.krate);
    let is_portable = !options.is_local;
    let version = options.version.map(|version| quote!(const VERSION: u32 = #version;));
    let topic = options.topic.as_ref().map(|topic| quote!(const TOPIC: &'static str = #topic;));
    let key = options.key.as_ref().map(|key| key_items(input, fields, key, &options)).transpose()?;
    let encode = is_portable.then(|| {
        quote! {
            fn encode_payload(&self) -> ::core::option::Option<
                ::core::result::Result<#krate::__private::Bytes, #krate::__private::EncodeError>,
            > {
                ::core::option::Option::Some(#krate::__private::encode(self))
            }
            fn from_raw(raw: &#krate::__private::RawEvent) -> ::core::option::Option<
                ::core::result::Result<Self, #krate::__private::DecodeError>,
            > {
                ::core::option::Option::Some(#krate::__private::decode(raw))
            }
        }
    });
    let portable = is_portable.then(|| {
        quote! {
            #[automatically_derived]
            impl #krate::__private::Portable for #name {}
        }
    });
    Ok(quote! {
        #[automatically_derived]
        impl #krate::__private::Event for #name {
            const TYPE: &'static str = #event_type;
            #version
            #topic
            const PORTABLE: bool = #is_portable;
            #key
            fn clone_event(&self) -> ::core::option::Option<Self> {
                #[allow(unused_imports)]
                use #krate::__private::NotClone as _;
                #krate::__private::CloneOf(self).get()
            }
            #encode
        }
        #portable
    })
}

fn fields(input: &DeriveInput) -> Result<&Fields> {
    let name = &input.ident;
    match &input.data {
        Data::Struct(data) => Ok(&data.fields),
        Data::Enum(_) => Err(Error::new(
            name.span(),
            format!(
                "`{name}` is an enum, and an event is a struct: one type, one payload. \
                 For several events in one handler derive `Events`, alone, on an enum that holds them"
            ),
        )),
        Data::Union(_) => {
            Err(Error::new(name.span(), format!("`{name}` is a union, and an event is a struct")))
        }
    }
}

fn refuse_generics(input: &DeriveInput) -> Result<()> {
    match input.generics.params.first() {
        None => Ok(()),
        Some(parameter) => Err(Error::new_spanned(
            parameter,
            format!(
                "an event is one concrete type: its name stands for one payload wherever it is read. \
                 Make an event of each type that `{}` would be used with",
                input.ident
            ),
        )),
    }
}

/// `#[event(key)]` on a field is a near guess at what stands on the struct.
fn refuse_field_attributes(fields: &Fields) -> Result<()> {
    for field in fields {
        if let Some(attribute) = named(&field.attrs, "event").next() {
            let field = field.ident.as_ref().map_or_else(|| "field".into(), ToString::to_string);
            let words = format!("options stand on the struct: `#[event(type = \"..\", key = {field})]`");
            return Err(Error::new_spanned(attribute, words));
        }
    }
    Ok(())
}

fn key_items(
    input: &DeriveInput,
    fields: &Fields,
    key: &Ident,
    options: &EventOptions,
) -> Result<TokenStream> {
    let field = find(&input.ident, fields, key)?;
    let Some(written) = payload::field_name(&input.attrs, field) else {
        let words = format!(
            "the key `{key}` is not in the encoded payload under a name of its own (serde skips or flattens it), so \
             that nobody else could find it there"
        );
        return Err(Error::new(key.span(), words));
    };
    let krate = &options.krate;
    // At the key's own place, so that a type without `Display` is reported there.
    let made = quote_spanned!(key.span()=> #krate::__private::key(&self.#key));
    Ok(quote! {
        const KEY_FIELD: ::core::option::Option<&'static str> = ::core::option::Option::Some(#written);
        fn key(&self) -> ::core::option::Option<#krate::__private::ByteString> {
            ::core::option::Option::Some(#made)
        }
    })
}

fn find<'a>(event: &Ident, fields: &'a Fields, key: &Ident) -> Result<&'a Field> {
    let Fields::Named(named) = fields else {
        return Err(Error::new(key.span(), format!("`{event}` has no named fields, so none can be its key")));
    };
    if let Some(field) = named.named.iter().find(|field| field.ident.as_ref() == Some(key)) {
        return Ok(field);
    }
    let names: Vec<String> =
        named.named.iter().filter_map(|field| Some(field.ident.as_ref()?.to_string())).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let hint = match suggest::nearest(&key.to_string(), &names) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if names.is_empty() => "it has none".to_owned(),
        None => format!("it has `{}`", names.join("`, `")),
    };
    Err(Error::new(key.span(), format!("`{event}` has no field `{key}`: {hint}")))
}
