//! Texts of the operator's on a page.

use maud::{Markup, html};

use crate::plain_text::{Block, Piece};

/// The parts of a text, with headings of this level.
pub(super) fn blocks(blocks: &[Block], level: u8) -> Markup {
    html! {
        @for block in blocks {
            @match block {
                Block::Heading(heading) => @if level == 2 { h2 { (heading) } } @else { h4 { (heading) } },
                Block::Paragraph(lines) => p {
                    @for (at, text) in lines.iter().enumerate() {
                        @if at > 0 { br; }
                        (line(text))
                    }
                },
                Block::List(items) => ul { @for item in items { li { (line(item)) } } },
            }
        }
    }
}

fn line(pieces: &[Piece]) -> Markup {
    html! {
        @for piece in pieces {
            @match piece {
                Piece::Text(text) => (text),
                Piece::Link(contact) => a href=(contact.href()) { (contact) },
            }
        }
    }
}
