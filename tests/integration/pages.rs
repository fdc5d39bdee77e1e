//! The pages of the list as visitors have them: the real Chromium, driven by WebDriver, and what checks pages.
//!
//! A page is a line of [`site::PAGES`], which all checks of all pages go through. Pictures and prints of them are kept
//! in `pages/` below the target folder.

mod accessibility;
mod appeal;
mod confirmation;
mod console;
mod elsewhere;
mod flows;
mod forgery;
mod injection;
mod keyboard;
mod looks;
mod markup;
mod picture;
mod secrecy;
mod site;
mod story;
