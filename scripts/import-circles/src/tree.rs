//! The modules of one crate, and the files in which they are.

use std::{
    collections::{BTreeMap, BTreeSet},
    io, mem,
    path::{Component, Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use syn::{Attribute, Expr, ExprLit, Item, ItemMod, Lit, Meta};

use crate::mentions::{Mentions, is_test};

/// The index of a module in [`Tree::modules`].
pub(crate) type ModuleId = usize;

/// The crate's root module.
pub(crate) const ROOT: ModuleId = 0;

/// A crate without its tests.
#[derive(Default)]
pub(crate) struct Tree {
    pub(crate) modules: Vec<Module>,
    /// Every file that was read, those of tests too.
    pub(crate) files: BTreeSet<PathBuf>,
}

/// A module, in a file of its own or written out in its parent's.
pub(crate) struct Module {
    /// As in a path, without `crate`.
    pub(crate) path: Vec<String>,
    pub(crate) parent: Option<ModuleId>,
    pub(crate) children: BTreeMap<String, ModuleId>,
    pub(crate) file: PathBuf,
    /// The module to which the file belongs: itself, or the next one above that is not written out.
    pub(crate) file_module: ModuleId,
    pub(crate) mentions: Mentions,
}

impl Tree {
    /// Whether `module` lies below `above`.
    pub(crate) fn is_below(&self, module: ModuleId, above: ModuleId) -> bool {
        let (path, above) = (&self.modules[module].path, &self.modules[above].path);
        path.len() > above.len() && path.starts_with(above)
    }

    pub(crate) fn name(&self, module: ModuleId) -> String {
        match &self.modules[module].path[..] {
            [] => "crate".to_owned(),
            path => path.join("::"),
        }
    }
}

/// Reads the crate whose root file is `root`; `load` reads a file.
pub(crate) fn read(root: &Path, load: &dyn Fn(&Path) -> io::Result<String>) -> Result<Tree> {
    let mut reader = Reader { load, tree: Tree::default() };
    let place = Place { path: Vec::new(), parent: None, file_module: ROOT, is_test: false };
    reader.file(root, root.parent().unwrap_or(Path::new("")), place)?;
    Ok(reader.tree)
}

struct Reader<'a> {
    load: &'a dyn Fn(&Path) -> io::Result<String>,
    tree: Tree,
}

/// Where a module is about to be added.
struct Place {
    path: Vec<String>,
    parent: Option<ModuleId>,
    file_module: ModuleId,
    is_test: bool,
}

/// The folders by which the declarations in a module are resolved.
struct Folders<'a> {
    file: &'a Path,
    /// Of children without `#[path]`.
    children: PathBuf,
    /// Of a `#[path]`.
    by_path: PathBuf,
}

impl Reader<'_> {
    fn file(&mut self, file: &Path, children: &Path, mut place: Place) -> Result<()> {
        let text = (self.load)(file).with_context(|| file.display().to_string())?;
        let parsed = syn::parse_file(&text).with_context(|| file.display().to_string())?;
        self.tree.files.insert(file.to_owned());
        place.is_test |= is_test(&parsed.attrs);
        place.file_module = self.tree.modules.len();
        let folders = Folders {
            file,
            children: children.to_owned(),
            by_path: file.parent().unwrap_or(Path::new("")).to_owned(),
        };
        self.module(&parsed.attrs, parsed.items, &folders, &place)
    }

    fn module(
        &mut self,
        attributes: &[Attribute],
        items: Vec<Item>,
        folders: &Folders<'_>,
        place: &Place,
    ) -> Result<()> {
        let id = self.tree.modules.len();
        let (children, others): (Vec<Item>, Vec<Item>) =
            items.into_iter().partition(|item| matches!(item, Item::Mod(_)));
        if !place.is_test {
            if let (Some(parent), Some(name)) = (place.parent, place.path.last()) {
                self.tree.modules[parent].children.insert(name.clone(), id);
            }
            self.tree.modules.push(Module {
                path: place.path.clone(),
                parent: place.parent,
                children: BTreeMap::new(),
                file: folders.file.to_owned(),
                file_module: place.file_module,
                mentions: Mentions::of(attributes, &others),
            });
        }
        for child in children {
            let Item::Mod(child) = child else { continue };
            self.child(child, folders, place, id)?;
        }
        Ok(())
    }

    fn child(
        &mut self,
        mut child: ItemMod,
        folders: &Folders<'_>,
        parent: &Place,
        parent_id: ModuleId,
    ) -> Result<()> {
        let name = child.ident.to_string();
        let name = name.trim_start_matches("r#");
        let place = Place {
            path: parent.path.iter().cloned().chain([name.to_owned()]).collect(),
            parent: Some(parent_id),
            file_module: parent.file_module,
            is_test: parent.is_test || is_test(&child.attrs),
        };
        let by_attribute = path_of(&child.attrs).map(|path| joined(&folders.by_path, &path));
        if let Some((_, items)) = mem::take(&mut child.content) {
            let below = by_attribute.unwrap_or_else(|| folders.children.join(name));
            let folders = Folders { file: folders.file, children: below.clone(), by_path: below };
            return self.module(&child.attrs, items, &folders, &place);
        }
        if let Some(file) = by_attribute {
            let children = file.parent().unwrap_or(Path::new("")).to_owned();
            return self.file(&file, &children, place);
        }
        let below = folders.children.join(name);
        for file in [below.with_extension("rs"), below.join("mod.rs")] {
            match (self.load)(&file) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                _ => return self.file(&file, &below, place),
            }
        }
        bail!("{}: no file for `mod {name};`", folders.file.display())
    }
}

/// `path` below `folder`, or beside it where it begins with `..`.
fn joined(folder: &Path, path: &str) -> PathBuf {
    Path::new(path).components().fold(folder.to_owned(), |mut joined, part| {
        if part == Component::ParentDir && joined.file_name().is_some() {
            joined.pop();
        } else {
            joined.push(part);
        }
        joined
    })
}

/// The file that `#[path = "…"]` names.
fn path_of(attributes: &[Attribute]) -> Option<String> {
    attributes.iter().find_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(path), .. }) => Some(path.value()),
            _ => None,
        },
        _ => None,
    })
}
