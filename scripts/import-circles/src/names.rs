//! Which module defines what a path names.

use std::collections::BTreeSet;

use crate::{
    mentions::{Import, Reach},
    tree::{ModuleId, ROOT, Tree},
};

/// The modules that a path leads to.
#[derive(Default)]
pub(crate) struct Found {
    /// Those that define what it names, or are it.
    pub(crate) modules: BTreeSet<ModuleId>,
    /// Those among them that are it, so that their names can follow.
    whole: BTreeSet<ModuleId>,
    /// Looked up already: re-exports may run in circles too.
    seen: BTreeSet<(ModuleId, Vec<String>)>,
    /// The imports, by module and place, that are being followed: `use memchr::memchr` does not import
    /// itself.
    followed: BTreeSet<(ModuleId, usize)>,
}

/// Follows `path`, as it stands in module `from`; finds nothing where it leads out of the crate.
pub(crate) fn find(tree: &Tree, from: ModuleId, path: &[String]) -> Found {
    let mut found = Found::default();
    Finder { tree, from }.start(from, path, &mut found);
    found
}

/// The same for a path that a `use` in module `from` imports: one name may be that of a child.
pub(crate) fn find_import(tree: &Tree, from: ModuleId, path: &[String]) -> Found {
    let mut found = Found::default();
    Finder { tree, from }.declared(from, path, &mut found);
    found
}

struct Finder<'a> {
    tree: &'a Tree,
    /// Whose path it is.
    from: ModuleId,
}

impl Finder<'_> {
    /// Follows a path that stands in `module`.
    fn start(&self, module: ModuleId, path: &[String], found: &mut Found) {
        match path.split_first() {
            Some((first, rest)) if first == "crate" => self.walk(ROOT, rest, found),
            Some((first, rest)) if first == "self" => self.climb(module, rest, found),
            Some((first, _)) if first == "super" => self.climb(module, path, found),
            // A child's name alone is as likely that of a variable, and its own items are no news.
            Some((first, [])) if module == self.from => self.import(module, first, &[], found),
            Some(_) => self.name(module, path, found),
            None => {}
        }
    }

    fn climb(&self, module: ModuleId, path: &[String], found: &mut Found) {
        match path.split_first() {
            Some((first, rest)) if first == "super" => {
                if let Some(parent) = self.tree.modules[module].parent {
                    self.climb(parent, rest, found);
                }
            }
            _ => self.walk(module, path, found),
        }
    }

    /// Follows `path` as the names in `module`, which was named itself.
    fn walk(&self, module: ModuleId, path: &[String], found: &mut Found) {
        let before = found.modules.len();
        if path.is_empty() {
            found.whole.insert(module);
        } else {
            self.name(module, path, found);
        }
        // What a macro makes there, or what it has from another crate.
        if found.modules.len() == before {
            found.modules.insert(module);
        }
    }

    fn name(&self, module: ModuleId, path: &[String], found: &mut Found) {
        let Some((first, rest)) = path.split_first() else { return };
        if !found.seen.insert((module, path.to_vec())) {
            return;
        }
        let inside = &self.tree.modules[module];
        if let Some(child) = inside.children.get(first) {
            self.walk(*child, rest, found);
            // A function or macro of that name has nothing in it.
            if !rest.is_empty() {
                return;
            }
        }
        if inside.mentions.defined.contains(first) {
            found.modules.insert(module);
        }
        self.import(module, first, rest, found);
        if module == ROOT {
            for (id, other) in self.tree.modules.iter().enumerate() {
                if other.mentions.exported_macros.contains(first) {
                    found.modules.insert(id);
                }
            }
        }
    }

    fn import(&self, module: ModuleId, first: &str, rest: &[String], found: &mut Found) {
        let imports = &self.tree.modules[module].mentions.imports;
        let visible: Vec<(usize, &Import)> = imports
            .iter()
            .enumerate()
            .filter(|(_, import)| module == self.from || import.visibility != Reach::Function)
            .collect();
        let (globs, named): (Vec<_>, Vec<_>) =
            visible.into_iter().partition(|(_, import)| import.name.is_none());
        let mut is_named = false;
        for (place, import) in named {
            if import.name.as_deref() != Some(first) {
                continue;
            }
            is_named = true;
            let path: Vec<String> = import.from.path.iter().chain(rest).cloned().collect();
            self.follow(module, place, import, found, |found| self.declared(module, &path, found));
        }
        if is_named {
            return;
        }
        let path: Vec<String> =
            [first.to_owned()].into_iter().chain(rest.iter().cloned()).collect();
        for (place, import) in globs {
            self.follow(module, place, import, found, |found| {
                let mut glob = Found {
                    seen: found.seen.clone(),
                    followed: found.followed.clone(),
                    ..Found::default()
                };
                self.declared(module, &import.from.path, &mut glob);
                for inside in glob.whole {
                    self.name(inside, &path, found);
                }
            });
        }
    }

    /// Follows one import of a module. Where it is private and not the asking module's, that module is
    /// imported as well.
    fn follow(
        &self,
        module: ModuleId,
        place: usize,
        import: &Import,
        found: &mut Found,
        on: impl FnOnce(&mut Found),
    ) {
        if !found.followed.insert((module, place)) {
            return;
        }
        let before = found.modules.len();
        on(found);
        found.followed.remove(&(module, place));
        if found.modules.len() > before && module != self.from && import.visibility != Reach::Others
        {
            found.modules.insert(module);
        }
    }

    /// Follows a path of a `use` in `module`, of which one name may be a child.
    fn declared(&self, module: ModuleId, path: &[String], found: &mut Found) {
        match &path {
            [first] if !matches!(&first[..], "crate" | "self" | "super") => {
                self.name(module, path, found);
            }
            _ => self.start(module, path, found),
        }
    }
}
