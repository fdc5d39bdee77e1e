//! Steps through a line.

/// Without blanks and tabs at its beginning.
pub(super) fn trim_start(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = text {
        text = rest;
    }
    text
}

/// Without blanks and tabs at either end, which is all that rbldnsd takes for space.
pub(super) fn trim(text: &[u8]) -> &[u8] {
    let mut text = trim_start(text);
    while let [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// Up to the next blank or tab, and what stands behind the blanks.
pub(super) fn word(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|c| is_blank(*c)).unwrap_or(text.len());
    (&text[..end], trim_start(&text[end..]))
}

/// The words of a text.
pub(super) fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|c| is_blank(*c)).filter(|word| !word.is_empty())
}

pub(super) fn is_blank(c: u8) -> bool {
    matches!(c, b' ' | b'\t')
}

/// Whether a text begins with a comment.
pub(super) fn is_comment(text: &[u8]) -> bool {
    matches!(text, [b'#' | b';', ..])
}

/// The decimal number up to `max` that a text begins with, leading zeros allowed, and the rest.
pub(super) fn number(text: &[u8], max: u32) -> Option<(u32, &[u8])> {
    let len = text.iter().take_while(|c| c.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(len);
    let mut value: u32 = 0;
    for digit in digits {
        value = value.checked_mul(10)?.checked_add(u32::from(digit - b'0'))?;
        if value > max {
            return None;
        }
    }
    (len > 0).then_some((value, rest))
}

/// One to four octets with dots in between, those left out zero, how many there are, and the rest.
pub(super) fn octets(text: &[u8]) -> Option<([u8; 4], usize, &[u8])> {
    let mut octets = [0; 4];
    let mut rest = text;
    for (i, place) in octets.iter_mut().enumerate() {
        let (octet, behind) = number(rest, 255)?;
        (*place, rest) = (octet as u8, behind);
        match rest {
            [b'.', behind @ ..] if i < 3 => rest = behind,
            _ => return Some((octets, i + 1, rest)),
        }
    }
    None
}
