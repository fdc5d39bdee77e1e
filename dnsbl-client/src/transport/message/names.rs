//! Names inside a message, which may be compressed (RFC 1035 section 4.1.4).

/// The longest name in wire form, in octets.
const MAX_NAME: usize = 255;
/// The most pointers in one name; each should skip a label at least.
const MAX_POINTERS: usize = 127;

/// A name in wire form, uncompressed.
pub(super) struct Owner {
    wire: [u8; MAX_NAME],
    len: usize,
}

impl Owner {
    /// The name of a question section, which is never compressed.
    pub(super) fn of_question(question: &[u8]) -> Self {
        let mut owner = Self { wire: [0; MAX_NAME], len: 0 };
        let name = &question[..question.len().saturating_sub(4)];
        owner.push(name);
        owner
    }

    /// Reads the name at `at`.
    pub(super) fn read(message: &[u8], at: usize) -> Option<Self> {
        let mut owner = Self { wire: [0; MAX_NAME], len: 0 };
        let mut labels = Labels { message, at, before: at, pointers: 0 };
        loop {
            let label = labels.next()?;
            owner.push(label)?;
            if label.len() == 1 {
                return Some(owner);
            }
        }
    }

    /// Whether the name at `at` is this one, whatever the case of letters.
    pub(super) fn is_at(&self, message: &[u8], at: usize) -> Option<bool> {
        let mut labels = Labels { message, at, before: at, pointers: 0 };
        let mut rest = &self.wire[..self.len];
        loop {
            let label = labels.next()?;
            match rest.split_at_checked(label.len()) {
                // Lengths are below all letters, so that they compare as they are.
                Some((own, others)) if own.eq_ignore_ascii_case(label) => rest = others,
                _ => return Some(false),
            }
            if label.len() == 1 {
                return Some(true);
            }
        }
    }

    fn push(&mut self, bytes: &[u8]) -> Option<()> {
        self.wire.get_mut(self.len..self.len + bytes.len())?.copy_from_slice(bytes);
        self.len += bytes.len();
        Some(())
    }
}

/// Where the name at `at` ends, its pointer not followed.
pub(super) fn end(message: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *message.get(at)? {
            0 => return Some(at + 1),
            len @ 1..=63 => at += 1 + usize::from(len),
            0xc0.. => return Some(at + 2),
            _ => return None,
        }
    }
}

/// The labels of a name, each with its length in front; the last is the root's.
struct Labels<'a> {
    message: &'a [u8],
    at: usize,
    /// Pointers lead to before here, ever further to the front, so that they never loop.
    before: usize,
    pointers: usize,
}

impl<'a> Labels<'a> {
    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            let len = *self.message.get(self.at)?;
            match len {
                0..=63 => {
                    let end = self.at + 1 + usize::from(len);
                    let label = self.message.get(self.at..end)?;
                    self.at = end;
                    return Some(label);
                }
                0xc0.. => {
                    let low = *self.message.get(self.at + 1)?;
                    let target = usize::from(len & 0x3f) << 8 | usize::from(low);
                    self.pointers += 1;
                    if target >= self.before || self.pointers > MAX_POINTERS {
                        return None;
                    }
                    (self.at, self.before) = (target, target);
                }
                _ => return None,
            }
        }
    }
}
