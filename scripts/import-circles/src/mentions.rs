//! What a module names, and what it gives a name to.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, Ident, Spacing, TokenStream, TokenTree};
use syn::{
    Attribute, ImplItem, Item, ItemUse, Local, Macro, Meta, Path, Token, TraitItem, UseTree,
    VisRestricted, Visibility,
    punctuated::Punctuated,
    visit::{self, Visit},
};

/// What one module's items say, without those of the modules inside.
#[derive(Default)]
pub(crate) struct Mentions {
    /// The names of its own items.
    pub(crate) defined: BTreeSet<String>,
    /// The macros among them that can be named from the crate's root.
    pub(crate) exported_macros: BTreeSet<String>,
    pub(crate) imports: Vec<Import>,
    /// Every path that is not in a `use`.
    pub(crate) paths: Vec<Named>,
}

/// One name that a `use` brings into scope.
pub(crate) struct Import {
    pub(crate) from: Named,
    /// Nothing for `*`.
    pub(crate) name: Option<String>,
    pub(crate) visibility: Reach,
}

/// Who may name what a `use` imports.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The function in which it stands.
    Function,
    /// The module and those below.
    Module,
    /// Others: it is a re-export.
    Others,
}

/// A path, and where it stands.
pub(crate) struct Named {
    pub(crate) path: Vec<String>,
    pub(crate) line: usize,
}

impl Mentions {
    /// What `items` say; modules among them are left out.
    pub(crate) fn of(attributes: &[Attribute], items: &[Item]) -> Self {
        let mut seen = Self::default();
        for attribute in attributes {
            seen.visit_attribute(attribute);
        }
        for item in items {
            if is_test(attributes_of(item)) {
                continue;
            }
            if let Some(name) = name_of(item) {
                seen.defined.insert(plain(name));
            }
            if let Item::Macro(item) = item
                && item.attrs.iter().any(|attribute| attribute.path().is_ident("macro_export"))
            {
                seen.exported_macros.extend(item.ident.as_ref().map(plain));
            }
            match item {
                Item::Use(item) => {
                    let is_private = matches!(item.vis, Visibility::Inherited);
                    seen.import(item, if is_private { Reach::Module } else { Reach::Others });
                }
                item => seen.visit_item(item),
            }
        }
        seen
    }

    fn import(&mut self, item: &ItemUse, visibility: Reach) {
        if item.leading_colon.is_none() {
            self.import_tree(&item.tree, &[], visibility);
        }
    }

    fn import_tree(&mut self, tree: &UseTree, above: &[String], visibility: Reach) {
        let below = |ident: &Ident| {
            let name = plain(ident);
            let is_self = name == "self" && !above.is_empty();
            above.iter().cloned().chain((!is_self).then_some(name)).collect::<Vec<_>>()
        };
        let (ident, path, name) = match tree {
            UseTree::Path(tree) => {
                return self.import_tree(&tree.tree, &below(&tree.ident), visibility);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.import_tree(tree, above, visibility);
                }
                return;
            }
            UseTree::Name(tree) => {
                let path = below(&tree.ident);
                (tree.ident.span(), path.clone(), path.last().cloned())
            }
            UseTree::Rename(tree) => {
                (tree.ident.span(), below(&tree.ident), Some(plain(&tree.rename)))
            }
            UseTree::Glob(tree) => (tree.star_token.span, above.to_vec(), None),
        };
        let from = Named { path, line: ident.start().line };
        self.imports.push(Import { from, name, visibility });
    }

    /// The paths in what no grammar is known of: a macro's or an attribute's arguments.
    fn tokens(&mut self, tokens: TokenStream, strings: bool) {
        let mut path = Named { path: Vec::new(), line: 0 };
        let mut joined = false; // by a `::` that the path ends in
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            match &token {
                TokenTree::Ident(ident) => {
                    if !joined {
                        self.end(&mut path);
                        path.line = ident.span().start().line;
                    }
                    path.path.push(plain(ident));
                    joined = false;
                }
                TokenTree::Punct(colon)
                    if colon.as_char() == ':'
                        && colon.spacing() == Spacing::Joint
                        && matches!(tokens.peek(), Some(TokenTree::Punct(next)) if next.as_char() == ':') =>
                {
                    tokens.next();
                    // `::name` and `>::name` begin with what is not ours.
                    if path.path.is_empty() {
                        path.path.push(String::new());
                    }
                    joined = true;
                }
                TokenTree::Group(group) => {
                    if joined && group.delimiter() == Delimiter::Brace {
                        self.group(group.stream(), &path);
                        path.path.clear();
                    } else {
                        self.end(&mut path);
                        self.tokens(group.stream(), strings);
                    }
                    joined = false;
                }
                TokenTree::Punct(punct) => {
                    self.end(&mut path);
                    joined = false;
                    let is_range = punct.as_char() == '.'
                        && tokens.next_if(|next| matches!(next, TokenTree::Punct(dot) if dot.as_char() == '.')).is_some();
                    // A method, a field, a lifetime, a macro's parameter; `$crate` is a path like others.
                    if matches!(punct.as_char(), '.' | '\'' | '$')
                        && !is_range
                        && tokens
                            .next_if(
                                |next| matches!(next, TokenTree::Ident(name) if name != "crate"),
                            )
                            .is_some()
                    {
                        path.path.push(String::new());
                    }
                }
                TokenTree::Literal(literal) => {
                    self.end(&mut path);
                    joined = false;
                    if strings {
                        self.string(&literal.to_string(), literal.span().start().line);
                    }
                }
            }
        }
        self.end(&mut path);
    }

    /// The parts of `prefix::{…}`.
    fn group(&mut self, tokens: TokenStream, prefix: &Named) {
        let mut part = TokenStream::new();
        let mut parts = Vec::new();
        for token in tokens {
            match &token {
                TokenTree::Punct(comma) if comma.as_char() == ',' => {
                    parts.push(std::mem::take(&mut part))
                }
                _ => part.extend([token]),
            }
        }
        parts.push(part);
        for part in parts {
            let before = self.paths.len();
            self.tokens(part, false);
            for named in &mut self.paths[before..] {
                named.path.splice(0..0, prefix.path.iter().cloned());
            }
        }
    }

    /// A string like that of `#[serde(with = "crate::time")]`.
    fn string(&mut self, literal: &str, line: usize) {
        if let Ok(text) = syn::parse_str::<syn::LitStr>(literal)
            && text.value().contains("::")
            && let Ok(path) = text.parse::<Path>()
        {
            self.paths.push(Named { line, ..named(&path) });
        }
    }

    fn end(&mut self, path: &mut Named) {
        let ended = std::mem::replace(path, Named { path: Vec::new(), line: 0 });
        if !ended.path.is_empty() {
            self.paths.push(ended);
        }
    }
}

impl Visit<'_> for Mentions {
    fn visit_item(&mut self, item: &Item) {
        match item {
            _ if is_test(attributes_of(item)) => {}
            Item::Use(item) => self.import(item, Reach::Function),
            Item::Verbatim(tokens) => self.tokens(tokens.clone(), false),
            item => visit::visit_item(self, item),
        }
    }

    fn visit_impl_item(&mut self, item: &ImplItem) {
        let attributes = match item {
            ImplItem::Const(item) => &item.attrs[..],
            ImplItem::Fn(item) => &item.attrs,
            ImplItem::Type(item) => &item.attrs,
            ImplItem::Macro(item) => &item.attrs,
            _ => &[],
        };
        if !is_test(attributes) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_trait_item(&mut self, item: &TraitItem) {
        let attributes = match item {
            TraitItem::Const(item) => &item.attrs[..],
            TraitItem::Fn(item) => &item.attrs,
            TraitItem::Type(item) => &item.attrs,
            TraitItem::Macro(item) => &item.attrs,
            _ => &[],
        };
        if !is_test(attributes) {
            visit::visit_trait_item(self, item);
        }
    }

    fn visit_local(&mut self, local: &Local) {
        if !is_test(&local.attrs) {
            visit::visit_local(self, local);
        }
    }

    fn visit_path(&mut self, path: &Path) {
        if path.leading_colon.is_none() {
            self.paths.push(named(path));
        }
        visit::visit_path(self, path);
    }

    fn visit_vis_restricted(&mut self, visibility: &VisRestricted) {
        // `pub(crate)` and `pub(super)` name nobody.
        if visibility.in_token.is_some() {
            self.visit_path(&visibility.path);
        }
    }

    fn visit_macro(&mut self, mac: &Macro) {
        visit::visit_macro(self, mac);
        self.tokens(mac.tokens.clone(), false);
    }

    fn visit_attribute(&mut self, attribute: &Attribute) {
        match &attribute.meta {
            Meta::NameValue(pair) if pair.path.is_ident("doc") => {}
            Meta::List(list) => {
                self.visit_path(&list.path);
                self.tokens(list.tokens.clone(), true);
            }
            meta => visit::visit_meta(self, meta),
        }
    }
}

fn named(path: &Path) -> Named {
    let line = path.segments.first().map_or(0, |first| first.ident.span().start().line);
    Named { path: path.segments.iter().map(|segment| plain(&segment.ident)).collect(), line }
}

/// Without the `r#` of a raw identifier.
fn plain(ident: &Ident) -> String {
    let name = ident.to_string();
    name.strip_prefix("r#").map(str::to_owned).unwrap_or(name)
}

fn name_of(item: &Item) -> Option<&Ident> {
    match item {
        Item::Const(item) => Some(&item.ident),
        Item::Enum(item) => Some(&item.ident),
        Item::Fn(item) => Some(&item.sig.ident),
        Item::Macro(item) => item.ident.as_ref(),
        Item::Static(item) => Some(&item.ident),
        Item::Struct(item) => Some(&item.ident),
        Item::Trait(item) => Some(&item.ident),
        Item::TraitAlias(item) => Some(&item.ident),
        Item::Type(item) => Some(&item.ident),
        Item::Union(item) => Some(&item.ident),
        _ => None,
    }
}

fn attributes_of(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::ForeignMod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::TraitAlias(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Whether what has these attributes is compiled for tests only.
pub(crate) fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let is_function = attribute.path().segments.last().is_some_and(|name| name.ident == "test");
        is_function
            || attribute.path().is_ident("cfg")
                && attribute.parse_args().is_ok_and(|condition| implies_test(&condition))
    })
}

fn implies_test(condition: &Meta) -> bool {
    match condition {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) if list.path.is_ident("all") => list
            .parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)
            .is_ok_and(|all| all.iter().any(implies_test)),
        _ => false,
    }
}
