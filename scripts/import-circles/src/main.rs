//! `import-circles`: fails where modules of a crate import each other in a circle.
//!
//! It looks at every library, program, example and bench of the workspace; tests are left out. There
//! are no exceptions and no options.
//!
//! ```text
//! cargo metadata ─► tree (files → modules) ─► mentions (what a module names) ─► names (who defines
//! it, re-exports followed) ─► circles
//! ```
//!
//! A module imports another if it names anything that the other defines: in a `use`, a path, a macro's
//! arguments, an attribute, or as the scope of a `pub(in …)`. A `pub use` of what lies below the module
//! itself is a re-export, and only that. Who names a re-export imports what defines it; who
//! names something by another module's private `use` imports that module as well.
//! Modules that are written out in one file count as that file, and again among themselves.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

mod circles;
mod mentions;
mod names;
#[cfg(test)]
mod tests;
mod tree;

fn main() -> Result<ExitCode> {
    let metadata = metadata()?;
    let mut crates = 0;
    let mut found = 0;
    let mut read = BTreeSet::new();
    let mut folders = Vec::new();
    let here = std::env::current_dir()?;
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let name = package["name"].as_str().context("a package without name")?;
        let manifest = Path::new(package["manifest_path"].as_str().context("no manifest_path")?);
        let manifest = manifest.strip_prefix(&here).unwrap_or(manifest);
        folders.push(manifest.with_file_name("src"));
        for target in package["targets"].as_array().into_iter().flatten() {
            let kind = target["kind"][0].as_str().context("a target without kind")?;
            let target_name = target["name"].as_str().context("a target without name")?;
            let root = target["src_path"].as_str().context("a target without src_path")?;
            if kind == "test" {
                continue;
            }
            let root = Path::new(root);
            let root = root.strip_prefix(&here).unwrap_or(root);
            let tree = tree::read(root, &|path| fs::read_to_string(path))?;
            crates += 1;
            for circle in circles::find(&tree) {
                found += 1;
                println!("{name}, {kind} {target_name}: {circle}");
            }
            read.extend(tree.files);
        }
    }
    for folder in folders {
        unread(&folder, &read)?;
    }
    println!("import-circles: {found} in {crates} crates");
    Ok(if found == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn metadata() -> Result<Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--offline", "--locked", "--format-version", "1"])
        .stderr(Stdio::inherit())
        .output()
        .context("cargo metadata")?;
    ensure!(output.status.success(), "cargo metadata failed");
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Fails at a source file that is in no crate's tree, since its imports were not seen.
fn unread(folder: &Path, read: &BTreeSet<PathBuf>) -> Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.with_context(|| folder.display().to_string())?,
    };
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            unread(&path, read)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            ensure!(read.contains(&path), "{} is a module of no crate", path.display());
        }
    }
    Ok(())
}
