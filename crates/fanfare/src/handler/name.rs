//! A handler's name from its function's type.

/// The function's own name, or why it has none. `std::any::type_name` promises no form, so that what is not
/// plainly a path to a function is refused rather than guessed.
pub(crate) fn name_of(type_name: &'static str) -> Result<&'static str, &'static str> {
    if type_name.ends_with('>') {
        return Err("instances of a generic function share one name; give each its own with .named(\"..\")");
    }
    let name = type_name.rsplit("::").next().unwrap_or(type_name);
    if name.starts_with("{{closure") || name.starts_with("{closure") {
        return Err("a closure has no name of its own; give it one with .named(\"..\")");
    }
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') && !name.is_empty();
    if is_name { Ok(name) } else { Err("it has no name of its own; give it one with .named(\"..\")") }
}

#[cfg(test)]
mod tests {
    use super::name_of;

    fn plain() {}
    fn generic<T>() -> T {
        unreachable!()
    }

    fn name<F: Fn() -> O, O>(_: F) -> Result<&'static str, &'static str> {
        name_of(std::any::type_name::<F>())
    }

    #[test]
    fn a_function_is_called_by_its_own_name_wherever_it_stands() {
        let inner = || {
            fn within() {}
            name(within)
        };
        assert_eq!(inner(), Ok("within"));
        assert_eq!(name(plain), Ok("plain"));
    }

    #[test]
    fn closures_generic_instances_and_pointers_must_be_named() {
        assert!(name(|| ()).unwrap_err().contains("closure"));
        assert!(name(generic::<u8>).unwrap_err().contains("generic"));
        assert!(name(plain as fn()).unwrap_err().contains(".named"));
    }
}
