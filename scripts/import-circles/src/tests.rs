//! Circles of every kind are found, and nothing else is.

use std::{io, path::Path};

use crate::{circles, tree};

/// A crate of these files, each with its text.
fn circles(files: &[(&str, &str)]) -> Vec<String> {
    let load = |path: &Path| {
        let file = files.iter().find(|(name, _)| Path::new(name) == path);
        file.map(|(_, text)| (*text).to_owned()).ok_or_else(|| io::ErrorKind::NotFound.into())
    };
    let tree = tree::read(Path::new(files[0].0), &load).unwrap();
    circles::find(&tree).iter().map(|circle| circle.modules.join(" ")).collect()
}

/// The crate `mod a; mod b;` with these texts.
fn of_two(a: &str, b: &str) -> Vec<String> {
    circles(&[("lib.rs", "mod a; mod b;"), ("a.rs", a), ("b.rs", b)])
}

#[test]
fn modules_that_import_one_way_are_no_circle() {
    assert!(of_two("pub struct A;", "use crate::a::A;").is_empty());
    let three = [
        ("lib.rs", "mod a; mod b; mod c; pub use a::A; pub use c::C;"),
        ("a.rs", "pub struct A;"),
        ("b.rs", "use crate::A; pub struct B;"),
        ("c.rs", "use crate::{A, b::B}; pub struct C;"),
    ];
    assert!(circles(&three).is_empty());
}

#[test]
fn two_uses_are_a_circle() {
    assert_eq!(of_two("use crate::b::B; pub struct A;", "use crate::a::A; pub struct B;"), ["a b"]);
}

#[test]
fn a_circle_is_told_with_the_lines_that_make_it() {
    let load = |path: &Path| match path.to_str() {
        Some("src/lib.rs") => Ok("mod a;\nmod b;".to_owned()),
        Some("src/a.rs") => {
            Ok("//! Comment.\n\nuse crate::{\n    b::B,\n};\npub struct A;".to_owned())
        }
        Some("src/b.rs") => Ok("pub struct B(super::a::A);".to_owned()),
        _ => Err(io::ErrorKind::NotFound.into()),
    };
    let tree = tree::read(Path::new("src/lib.rs"), &load).unwrap();
    let told: Vec<String> = circles::find(&tree).iter().map(ToString::to_string).collect();
    let expected = "2 modules import each other: a b\n  \
        src/a.rs:4: crate::b::B (a to b)\n  src/b.rs:1: super::a::A (b to a)";
    assert_eq!(told, [expected]);
}

#[test]
fn several_circles_are_told_apart_and_long_ones_found() {
    let five = [
        ("lib.rs", "mod a; mod b; mod c; mod d; mod e;"),
        ("a.rs", "use crate::b::B;"),
        ("b.rs", "use crate::c::C; pub struct B;"),
        ("c.rs", "use crate::a; use crate::d::D; pub struct C;"),
        ("d.rs", "use crate::e::E; pub struct D;"),
        ("e.rs", "use crate::d::D; pub struct E;"),
    ];
    assert_eq!(circles(&five), ["a b c", "d e"]);
}

#[test]
fn a_re_export_leads_to_what_defines_it() {
    let through_lib = [
        ("lib.rs", "mod a; mod b; pub use a::A; pub(crate) use self::b::{B as C};"),
        ("a.rs", "use crate::C; pub struct A;"),
        ("b.rs", "use crate::A; pub struct B;"),
    ];
    assert_eq!(circles(&through_lib), ["a b"]);
    let through_chain = [
        ("lib.rs", "mod a; mod b; pub use a::A;"),
        ("a/mod.rs", "mod deep; pub use deep::A;"),
        ("a/deep.rs", "mod deeper; pub use self::deeper::Inside as A;"),
        ("a/deep/deeper.rs", "use crate::b::B; pub struct Inside;"),
        ("b.rs", "use crate::A; pub struct B;"),
    ];
    assert_eq!(circles(&through_chain), ["a::deep::deeper b"]);
    let re_exports_in_a_circle = [
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "pub use crate::b::Y; pub struct X;"),
        ("b.rs", "pub use crate::a::X; pub struct Y;"),
    ];
    assert_eq!(circles(&re_exports_in_a_circle), ["a b"]);
}

#[test]
fn a_name_may_be_that_of_its_module_or_crate() {
    assert!(
        of_two(
            "use memchr::memchr; pub struct A; fn f() { memchr(1); memchr::g() }",
            "use crate::a::A;"
        )
        .is_empty()
    );
    let judged = [
        ("lib.rs", "mod judge; mod b; pub use judge::judge;"),
        ("judge.rs", "use crate::b::B; pub fn judge() {}"),
        ("b.rs", "use crate::judge; pub struct B; fn f() { crate::judge::judge() }"),
    ];
    assert_eq!(circles(&judged), ["judge b"]);
    let measured = [
        ("main.rs", "mod measure; mod b; fn measure() { b::run() }"),
        ("measure.rs", "pub struct Measured;"),
        ("b.rs", "use crate::measure::Measured; pub fn run() {}"),
    ];
    assert!(circles(&measured).is_empty());
}

#[test]
fn a_parent_may_re_export_its_children() {
    let parent = [
        ("lib.rs", "mod a; pub use a::{A, deep::Deep};"),
        ("a.rs", "pub mod deep; pub use deep::Deep; pub struct A;"),
        ("a/deep.rs", "use super::A; use crate::A as B; pub struct Deep;"),
    ];
    assert!(circles(&parent).is_empty());
    let prelude = [
        ("lib.rs", "mod a; pub mod prelude { pub use crate::a::A; } pub struct Root;"),
        ("a.rs", "use crate::Root; pub struct A;"),
    ];
    assert!(circles(&prelude).is_empty());
}

#[test]
fn a_parent_that_uses_its_child_which_uses_it_is_a_circle() {
    let child = ("a/child.rs", "use super::A; pub struct Child(A); pub fn run() {}");
    for parent in [
        "mod child; pub struct A; use child::Child;",
        "mod child; pub struct A; pub struct B(child::Child);",
        "mod child; pub struct A; pub use child::Child; impl Child {}",
        "mod child; pub struct A; pub use child::Child; fn f() { let _ = Child::new(); }",
        "mod child; pub struct A; fn f() { self::child::run() }",
    ] {
        assert_eq!(
            circles(&[("lib.rs", "mod a;"), ("a.rs", parent), child]),
            ["a a::child"],
            "{parent}"
        );
    }
}

#[test]
fn the_root_is_a_module_like_others() {
    let root = [
        ("main.rs", "mod a; fn main() { a::run() } struct Args;"),
        ("a.rs", "use crate::Args; pub fn run() {}"),
    ];
    assert_eq!(circles(&root), ["crate a"]);
}

#[test]
fn super_and_self_and_names_of_children_lead_on() {
    let family = [
        ("lib.rs", "mod a;"),
        ("a.rs", "mod one; mod two;"),
        ("a/one.rs", "mod below; use super::two::Two; pub struct One;"),
        ("a/one/below.rs", "pub use super::super::two;"),
        ("a/two.rs", "use super::one::One; pub struct Two;"),
    ];
    assert_eq!(circles(&family), ["a::one a::two"]);
    let by_alias = [
        ("lib.rs", "mod a; mod b; mod c;"),
        ("a.rs", "pub mod deep;"),
        ("a/deep.rs", "use crate::b::B; pub fn f() {}"),
        ("b.rs", "use crate::a as other; pub struct B; fn g() { other::deep::f() }"),
        ("c.rs", ""),
    ];
    assert_eq!(circles(&by_alias), ["a::deep b"]);
}

#[test]
fn globs_bring_names() {
    assert_eq!(of_two("use crate::b::*; pub struct A;", "use crate::a::*; pub struct B;"), ["a b"]);
    let through_glob = [
        ("lib.rs", "mod a; mod b; pub use a::*; pub use b::*;"),
        ("a.rs", "use crate::B; pub struct A;"),
        ("b.rs", "use crate::A; pub struct B;"),
    ];
    assert_eq!(circles(&through_glob), ["a b"]);
    let by_parents_glob = [
        ("lib.rs", "mod p;"),
        ("p.rs", "mod a; mod b; pub use a::A; pub use b::B;"),
        ("p/a.rs", "use super::*; pub struct A(B);"),
        ("p/b.rs", "use super::*; pub struct B(Vec<A>);"),
    ];
    assert_eq!(circles(&by_parents_glob), ["p::a p::b"]);
}

#[test]
fn a_private_use_of_another_module_is_an_import_of_it() {
    let borrowed = [
        ("lib.rs", "mod a; mod e;"),
        ("a.rs", "mod child; use crate::e::E; fn f() { child::run() }"),
        ("a/child.rs", "use super::E; pub fn run() {}"),
        ("e.rs", "pub struct E;"),
    ];
    assert_eq!(circles(&borrowed), ["a a::child"]);
}

#[test]
fn braces_nest() {
    assert_eq!(
        of_two(
            "use {crate::{b::{self, inside::{X, Y as Z}}}}; struct A;",
            "pub mod inside { pub struct X; pub struct Y; } use crate::{a::{A}};"
        ),
        ["a b"]
    );
}

#[test]
fn a_path_anywhere_is_an_import() {
    for there in [
        "fn f() { crate::b::run(); }",
        "fn f() { let x = super::b::B::<u8>::new(); }",
        "fn f(b: &crate::b::B) {}",
        "struct A<T>(T) where T: Into<crate::b::B>;",
        "fn f(x: u8) { match x { crate::b::LIMIT => {} _ => {} } }",
        "fn f() { use crate::b::B; }",
        "impl From<u8> for super::b::B { fn from(_: u8) -> Self { todo() } }",
        "fn f() { <u8 as crate::b::Trait>::run() }",
        "fn f() { assert!(x, \"{}\", crate::b::run()); }",
        "fn f() { select! { x = a.b() => { super::b::run(..crate::b::LIMIT) } } }",
        "fn f() { lazy! { use crate::{c::{d}, b::{B}}; } }",
        "macro_rules! m { () => { $crate::b::run() } }",
        "fn f() { crate::b::log!(1) }",
        "#[serde(with = \"crate::b\")] struct S;",
        "struct S { #[serde(default = \"crate::b::run\")] x: u8 }",
        "#[derive(crate::b::Thing)] struct S;",
        "#[utoipa::path(body = crate::b::B)] fn f() {}",
        "pub(in crate::b) fn f() {}",
        "mod inside { use crate::b::B; }",
        "mod inside { fn f() { super::super::b::run() } }",
    ] {
        assert_eq!(
            of_two(&format!("{there} pub struct A1;"), "use crate::a::A1;"),
            ["a b"],
            "{there}"
        );
    }
}

#[test]
fn what_only_looks_like_a_path_is_none() {
    for there in [
        "/// See [crate::b::B].\nfn f() {}",
        "// use crate::b::B;",
        "fn f() { g(\"crate::b::B\") }",
        "pub(crate) fn f() {} pub(super) fn g() {}",
        "use ::b::B;",
        "use other_crate::b::B;",
        "fn f() { let b = 1; g(b); x.b(); m!(b, x.b(), 'b, ::b::c, <T as U>::b); }",
        "macro_rules! m { ($b:ident) => { $b::run() } }",
    ] {
        assert!(
            of_two(&format!("{there} pub struct A1;"), "use crate::a::A1;").is_empty(),
            "{there}"
        );
    }
}

#[test]
fn tests_are_left_out() {
    for there in [
        "#[cfg(test)] mod tests { use crate::b::B; }",
        "#[cfg(test)] mod tests;",
        "#[cfg(all(test, unix))] use crate::b::B;",
        "#[cfg(test)] impl A1 { fn f() { crate::b::run() } }",
        "impl A1 { #[cfg(test)] fn f() { crate::b::run() } }",
        "#[test] fn f() { crate::b::run() }",
        "mod inside;",
    ] {
        let files = [
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", &format!("{there} pub struct A1;")),
            ("a/tests.rs", "use crate::b::B; mod more;"),
            ("a/tests/more.rs", "use crate::b::B;"),
            ("a/inside.rs", "#![cfg(test)] use crate::b::B; use crate::a::A1;"),
            ("b.rs", "use crate::a::A1; pub struct B;"),
        ];
        assert!(circles(&files).is_empty(), "{there}");
    }
    for condition in ["any(test, unix)", "not(test)", "feature = \"test\""] {
        assert_eq!(
            of_two(
                &format!("#[cfg({condition})] use crate::b::B; pub struct A;"),
                "use crate::a::A; pub struct B;"
            ),
            ["a b"]
        );
    }
}

#[test]
fn files_are_found_as_the_compiler_finds_them() {
    let layout = [
        (
            "src/lib.rs",
            "mod a; #[path = \"other/file.rs\"] mod b; mod inline { mod c; #[path = \"d.rs\"] mod e; }",
        ),
        ("src/a/mod.rs", "use crate::b::B; use crate::inline; mod below;"),
        ("src/a/below.rs", "pub struct A;"),
        ("src/other/file.rs", "mod sibling; pub struct B;"),
        ("src/other/sibling.rs", "use crate::inline::c::C;"),
        ("src/inline/c.rs", "use crate::b::sibling; pub struct C;"),
        ("src/inline/d.rs", "use super::c::C; mod r#async;"),
        ("src/inline/async.rs", "use super::super::e as itself;"),
    ];
    assert_eq!(circles(&layout), ["b::sibling inline::c"]);
    let load = |path: &Path| match path.to_str() {
        Some("lib.rs") => Ok("mod gone;".to_owned()),
        _ => Err(io::ErrorKind::NotFound.into()),
    };
    let error = tree::read(Path::new("lib.rs"), &load).err().unwrap();
    assert!(error.to_string().contains("no file for `mod gone;`"), "{error}");
}

#[test]
fn modules_in_one_file_count_too() {
    let one = [(
        "lib.rs",
        "mod a { pub struct A(super::b::B); } mod b { use super::a::A; pub struct B; }",
    )];
    assert_eq!(circles(&one), ["a b"]);
    let sealed = [(
        "lib.rs",
        "pub trait T: sealed::Sealed {} mod sealed { pub trait Sealed {} } impl sealed::Sealed for u8 {}",
    )];
    assert!(circles(&sealed).is_empty());
}
