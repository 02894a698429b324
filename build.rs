//! Lists the files below `pipelines/` and `sql/` for `src/shipped.rs`, which puts them into the
//! binary. Made anew whenever one of them changes, comes or goes.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let mut files = Vec::new();
    for folder in ["pipelines", "sql"] {
        println!("cargo:rerun-if-changed={folder}");
        walk(&root.join(folder), &mut files)?;
    }
    files.sort();
    let mut list = String::from("&[\n");
    for file in files {
        let Ok(name) = file.strip_prefix(&root) else {
            continue;
        };
        // Names with `/` on every system.
        let name: Vec<_> = name.iter().map(|part| part.to_string_lossy()).collect();
        // The folder is named when the list is compiled: a checkout that was moved, or shares its
        // target folder with another one, includes its own files.
        let name = name.join("/");
        let _ = writeln!(
            list,
            "    ({name:?}, include_bytes!(concat!(env!(\"CARGO_MANIFEST_DIR\"), {:?}))),",
            format!("/{name}")
        );
    }
    list.push_str("]\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("shipped.rs"), list)
}

/// The files that a pipeline may consist of; no editor's left-overs.
fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, files)?;
        } else if path.extension().is_some_and(|e| {
            ["toml", "sql", "csv", "json"]
                .iter()
                .any(|known| e == *known)
        }) {
            files.push(path);
        }
    }
    Ok(())
}
