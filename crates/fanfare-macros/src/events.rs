//! `derive(Events)`.

use crate::attributes::events_crate;
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Data, DeriveInput, Error, Fields, Ident, Path, Result, Type, Variant, spanned::Spanned};

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let variants = variants(input)?;
    let krate = events_crate(input)?;
    let name = &input.ident;
    let (names, events): (Vec<&Ident>, Vec<&Type>) = variants.iter().copied().unzip();
    let checks = checks(&krate, &variants);
    Ok(quote! {
        #[automatically_derived]
        impl #krate::__private::Events for #name {
            const DESCRIPTORS: &'static [#krate::__private::Descriptor] =
                &[#(<#events as #krate::__private::Variant>::DESCRIPTOR),*];
        }
        // Bounds over a lifetime are looked at where they are used: an enum of local events is one all the same.
        #[automatically_derived]
        impl #krate::__private::Input for #name
        where
            #(for<'fanfare> #events: #krate::__private::Input,)*
        {
            const ACCEPTS: #krate::__private::Accepts =
                #krate::__private::Accepts::Types(<Self as #krate::__private::Events>::DESCRIPTORS);

            fn decode(
                record: &#krate::__private::Recorded,
            ) -> ::core::result::Result<Self, #krate::__private::DecodeError> {
                #(
                    if #krate::__private::is(<#events as #krate::__private::Variant>::DESCRIPTOR, record) {
                        return <#events as #krate::__private::Input>::decode(record).map(Self::#names);
                    }
                )*
                ::core::result::Result::Err(#krate::__private::unexpected(record))
            }
        }
        #[automatically_derived]
        impl #krate::__private::Hear for #name {
            fn heard_by<V: #krate::__private::HearVisitor<Self>>(visitor: V) -> V::Made {
                let accepts =
                    #krate::__private::Accepts::Types(<Self as #krate::__private::Events>::DESCRIPTORS);
                visitor.any(accepts, |heard| {
                    #(
                        if heard.is(<#events as #krate::__private::Variant>::DESCRIPTOR) {
                            return <#events as #krate::__private::Variant>::of(heard).map(Self::#names);
                        }
                    )*
                    ::core::result::Result::Err(heard.unexpected())
                })
            }
        }
        #checks
    })
}

/// Each variant's name and the event it holds.
fn variants(input: &DeriveInput) -> Result<Vec<(&Ident, &Type)>> {
    let name = &input.ident;
    let Data::Enum(data) = &input.data else {
        let words = format!(
            "`{name}` is no enum: `Events` is for an enum of events. A struct is one event and derives `Event`, alone"
        );
        return Err(Error::new(name.span(), words));
    };
    if let Some(parameter) = input.generics.params.first() {
        let words = "an enum of events names its events: it has no generic parameters";
        return Err(Error::new_spanned(parameter, words));
    }
    if data.variants.is_empty() {
        return Err(Error::new(name.span(), format!("`{name}` holds no event: add a variant for each")));
    }
    data.variants.iter().map(|variant| Ok((&variant.ident, held(variant)?))).collect()
}

fn held(variant: &Variant) -> Result<&Type> {
    if let Fields::Unnamed(fields) = &variant.fields
        && fields.unnamed.len() == 1
        && let Some(field) = fields.unnamed.first()
    {
        return Ok(&field.ty);
    }
    let name = &variant.ident;
    Err(Error::new(variant.span(), format!("a variant holds one event: write `{name}(SomeEvent)`")))
}

/// What the types of the variants alone can tell, each on its variant.
fn checks(krate: &Path, variants: &[(&Ident, &Type)]) -> TokenStream {
    let Some(((first, first_event), _)) = variants.split_first() else { return TokenStream::new() };
    let mut checks = TokenStream::new();
    for (at, (name, event)) in variants.iter().enumerate().skip(1) {
        let topic = format!(
            "`{name}` is kept on another topic than `{first}`: events keep their order only within one topic. Give \
             both the same `#[event(topic = \"..\")]`, or handle them in two handlers"
        );
        let accepts = quote!(<#event as #krate::__private::Variant>::DESCRIPTOR);
        checks.extend(quote_spanned! {name.span()=>
            const _: () = ::core::assert!(
                #krate::__private::same_topic(<#first_event as #krate::__private::Variant>::DESCRIPTOR, #accepts),
                #topic
            );
        });
        for (before, other) in variants.iter().take(at) {
            let twice = format!(
                "`{name}` and `{before}` are of one event type, so that `{name}` would never be made"
            );
            checks.extend(quote_spanned! {name.span()=>
                const _: () = ::core::assert!(
                    !#krate::__private::same_type(<#other as #krate::__private::Variant>::DESCRIPTOR, #accepts),
                    #twice
                );
            });
        }
    }
    checks
}
