//! The operator's colours, which have to be read on the pages' grounds.

use std::{fmt, str::FromStr};

/// What links and buttons stand on, in light and in dark.
const LIGHT: [Color; 2] = [Color([0xff, 0xff, 0xff]), Color([0xf2, 0xf4, 0xf7])];
const DARK: [Color; 2] = [Color([0x16, 0x19, 0x1d]), Color([0x22, 0x27, 0x2d])];
/// The least contrast of text (WCAG 2.2, 1.4.3).
const LEAST: f64 = 4.5;

/// A colour in sRGB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Color([u8; 3]);

/// The colours of links, buttons and charts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Colors {
    /// On a light ground.
    pub(crate) accent: Option<Color>,
    /// On a dark ground.
    pub(crate) accent_dark: Option<Color>,
}

/// What is wrong with a colour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ColorError {
    /// It is not written so.
    Form,
    /// It can hardly be read on its ground.
    Contrast(f64),
}

impl fmt::Display for ColorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form => f.write_str("it is not such as #0b4f9c"),
            Self::Contrast(found) => write!(
                f,
                "its contrast to the ground of the pages is {found:.1}, and people need {LEAST} to read it"
            ),
        }
    }
}

impl FromStr for Color {
    type Err = ColorError;

    fn from_str(text: &str) -> Result<Self, ColorError> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6);
        let digits = digits.filter(|digits| digits.bytes().all(|c| c.is_ascii_hexdigit()));
        let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let [_, red, green, blue] = number.ok_or(ColorError::Form)?.to_be_bytes();
        Ok(Self([red, green, blue]))
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

impl Colors {
    /// An accent on light ground.
    ///
    /// # Errors
    /// It can hardly be read there.
    pub fn set_accent(&mut self, color: Color) -> Result<(), ColorError> {
        self.accent = Some(color.on(LIGHT)?);
        Ok(())
    }

    /// An accent on dark ground.
    ///
    /// # Errors
    /// It can hardly be read there.
    pub fn set_accent_dark(&mut self, color: Color) -> Result<(), ColorError> {
        self.accent_dark = Some(color.on(DARK)?);
        Ok(())
    }

    /// The rules for them, to stand behind those of the stylesheet.
    pub(crate) fn rules(self) -> String {
        let mut rules = String::new();
        if let Some(accent) = self.accent {
            rules.push_str(&format!("@media not all and (prefers-color-scheme: dark) {{ :root {{ --link: {accent}; }} }}\n"));
        }
        if let Some(accent) = self.accent_dark {
            rules.push_str(&format!(
                "@media (prefers-color-scheme: dark) {{ :root {{ --link: {accent}; }} }}\n"
            ));
        }
        rules
    }
}

impl Color {
    fn on(self, grounds: [Self; 2]) -> Result<Self, ColorError> {
        let least = grounds.map(|ground| self.contrast(ground)).into_iter().fold(21.0, f64::min);
        if least < LEAST { Err(ColorError::Contrast(least)) } else { Ok(self) }
    }

    /// The contrast of two colours, 1 to 21 (WCAG 2.2).
    fn contrast(self, other: Self) -> f64 {
        let (one, other) = (self.luminance(), other.luminance());
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    fn luminance(self) -> f64 {
        let [red, green, blue] = self.0.map(|part| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
}

#[cfg(test)]
mod tests {
    use super::{Color, ColorError, Colors, DARK, LIGHT};

    fn color(text: &str) -> Color {
        text.parse().unwrap()
    }

    #[test]
    fn a_colour_that_nobody_could_read_is_refused() {
        let mut colors = Colors::default();
        colors.set_accent(color("#0b4f9c")).unwrap();
        colors.set_accent_dark(color("#8AB8F2")).unwrap();
        assert!(matches!(colors.set_accent(color("#8ab8f2")), Err(ColorError::Contrast(_))));
        assert!(matches!(colors.set_accent_dark(color("#0b4f9c")), Err(ColorError::Contrast(_))));
        assert_eq!(color("#000000").contrast(color("#ffffff")), 21.0);
        let rules = colors.rules();
        assert!(rules.contains("#0b4f9c") && rules.contains("#8ab8f2"), "{rules}");
        for wrong in ["", "red", "#fff", "#0b4f9c;", "#0b4f9g", "0b4f9c", "#+b4f9c"] {
            assert_eq!(wrong.parse::<Color>(), Err(ColorError::Form), "{wrong}");
        }
    }

    #[test]
    fn the_grounds_are_those_of_the_stylesheet() {
        for ground in LIGHT.into_iter().chain(DARK) {
            assert!(crate::pages::STYLE.contains(&ground.to_string()), "{ground}");
        }
    }
}
