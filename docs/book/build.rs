//! Makes a program of each Rust snippet of the dispatcher's page that is followed by what it prints, so that
//! `tests/shown.rs` can run it and compare.

use std::{env, fmt::Write, fs, path::Path};

const PAGE: &str = "src/dispatcher.md";

fn main() {
    println!("cargo::rerun-if-changed={PAGE}");
    println!("cargo::rerun-if-changed=build.rs");
    let page = fs::read_to_string(PAGE).expect("the page is there");
    let (mut modules, mut list) = (String::new(), String::new());
    let blocks = blocks(&page);
    for (at, block) in blocks.iter().enumerate().filter(|(_, block)| block.language == "rust") {
        let line = block.line;
        let shown = blocks.get(at + 1).filter(|next| next.language == "text").map(|next| &next.text);
        let code = program(&block.text);
        // A snippet that prints shows it: one that does not is named by the test.
        if code.contains("println!") || shown.is_some() {
            writeln!(modules, "mod line_{line} {{\n{code}\npub(super) fn run() {{ let _ = main(); }}\n}}")
                .expect("a string");
            writeln!(list, "    ({line}, line_{line}::run, {shown:?}),").expect("a string");
        }
    }
    let out = env::var_os("OUT_DIR").expect("cargo sets it");
    let all = format!("{modules}\nconst SNIPPETS: &[(u32, fn(), Option<&str>)] = &[\n{list}];\n");
    fs::write(Path::new(&out).join("shown.rs"), all).expect("the folder can be written");
}

struct Block {
    line: usize,
    language: String,
    text: String,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in page.lines().enumerate() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(language), None) => {
                open = Some(Block { line: number + 1, language: language.to_owned(), text: String::new() });
            }
            (None, Some(block)) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    blocks
}

/// The snippet with its hidden lines, in a `main` unless it has one, as a doc test sees it.
fn program(snippet: &str) -> String {
    let shown = |line: &str| match line.strip_prefix("# ") {
        Some(hidden) => hidden.to_owned(),
        None if line == "#" => String::new(),
        None => line.to_owned(),
    };
    let code = snippet.lines().map(shown).collect::<Vec<_>>().join("\n");
    if code.contains("fn main()") { code } else { format!("fn main() {{\n{code}\n}}") }
}
