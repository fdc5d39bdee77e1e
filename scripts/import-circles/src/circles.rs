//! The circles in which a crate's modules import each other.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use crate::{
    mentions::{Named, Reach},
    names,
    tree::{ModuleId, Tree},
};

/// Modules of which each imports the others, directly or through them.
pub(crate) struct Circle {
    /// Their paths.
    pub(crate) modules: Vec<String>,
    sites: Vec<Site>,
}

/// One import from one of them to another.
#[derive(Clone)]
struct Site {
    file: PathBuf,
    line: usize,
    path: String,
    from: ModuleId,
    to: ModuleId,
}

/// The imports between some kind of nodes, each with one place where it stands.
type Graph = BTreeMap<ModuleId, BTreeMap<ModuleId, Site>>;

/// Finds all circles of a crate.
pub(crate) fn find(tree: &Tree) -> Vec<Circle> {
    let mut files = Graph::new();
    let mut modules = Graph::new();
    for (id, module) in tree.modules.iter().enumerate() {
        let mut site = |named: &Named, found: names::Found, is_reexport: bool| {
            for to in found.modules {
                let site = Site {
                    file: module.file.clone(),
                    line: named.line,
                    path: named.path.join("::"),
                    from: id,
                    to,
                };
                if to != id && !(is_reexport && tree.is_below(to, id)) {
                    modules.entry(id).or_default().entry(to).or_insert_with(|| site.clone());
                }
                let (file, to_file) = (module.file_module, tree.modules[to].file_module);
                if file != to_file && !(is_reexport && tree.is_below(to, file)) {
                    files.entry(file).or_default().entry(to_file).or_insert(site);
                }
            }
        };
        for import in &module.mentions.imports {
            let found = names::find_import(tree, id, &import.from.path);
            site(&import.from, found, import.visibility == Reach::Others);
        }
        for path in &module.mentions.paths {
            site(path, names::find(tree, id, &path.path), false);
        }
    }
    let file_of = |module: ModuleId| tree.modules[module].file_module;
    let among_files = knots(&files, tree.modules.len()).into_iter().map(|knot| (knot, &files));
    // The others show among the files.
    let inside_a_file = knots(&modules, tree.modules.len())
        .into_iter()
        .filter(|knot| knot.iter().all(|module| file_of(*module) == file_of(knot[0])))
        .map(|knot| (knot, &modules));
    among_files.chain(inside_a_file).map(|(knot, graph)| circle(tree, &knot, graph)).collect()
}

fn circle(tree: &Tree, knot: &[ModuleId], graph: &Graph) -> Circle {
    let sites = knot
        .iter()
        .filter_map(|module| graph.get(module))
        .flatten()
        .filter(|(to, _)| knot.contains(to))
        .map(|(_, site)| Site {
            path: format!("{} ({} to {})", site.path, tree.name(site.from), tree.name(site.to)),
            ..site.clone()
        })
        .collect();
    Circle { modules: knot.iter().map(|module| tree.name(*module)).collect(), sites }
}

impl fmt::Display for Circle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} modules import each other: {}", self.modules.len(), self.modules.join(" "))?;
        for site in &self.sites {
            write!(f, "\n  {}:{}: {}", site.file.display(), site.line, site.path)?;
        }
        Ok(())
    }
}

/// The strongly connected components of more than one node (Tarjan's algorithm).
fn knots(graph: &Graph, nodes: usize) -> Vec<Vec<ModuleId>> {
    let mut search = Search {
        graph,
        next: 0,
        order: vec![None; nodes],
        lowest: vec![0; nodes],
        stack: Vec::new(),
        knots: Vec::new(),
    };
    for node in graph.keys() {
        if search.order[*node].is_none() {
            search.visit(*node);
        }
    }
    search.knots.sort();
    search.knots
}

struct Search<'a> {
    graph: &'a Graph,
    next: usize,
    /// When a node was visited first.
    order: Vec<Option<usize>>,
    /// The earliest node on the stack that can be reached from it.
    lowest: Vec<usize>,
    stack: Vec<ModuleId>,
    knots: Vec<Vec<ModuleId>>,
}

impl Search<'_> {
    fn visit(&mut self, node: ModuleId) {
        let order = self.next;
        self.next += 1;
        self.order[node] = Some(order);
        self.lowest[node] = order;
        self.stack.push(node);
        for to in self.graph.get(&node).into_iter().flat_map(BTreeMap::keys) {
            match self.order[*to] {
                None => {
                    self.visit(*to);
                    self.lowest[node] = self.lowest[node].min(self.lowest[*to]);
                }
                Some(order) if self.stack.contains(to) => {
                    self.lowest[node] = self.lowest[node].min(order);
                }
                Some(_) => {}
            }
        }
        if self.lowest[node] == order {
            let start = self.stack.iter().rposition(|other| *other == node).unwrap_or(0);
            let mut knot = self.stack.split_off(start);
            if knot.len() > 1 {
                knot.sort_unstable();
                self.knots.push(knot);
            }
        }
    }
}
