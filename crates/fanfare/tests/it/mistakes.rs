//! The compiler's words for each usual mistake are pinned; `TRYBUILD=overwrite` writes them anew.

#[test]
fn each_mistake_is_told_in_words_that_teach() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
