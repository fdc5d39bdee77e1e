//! Lists that the server gives in pages.

/// The most of a page.
const PAGE: usize = 1000;

/// Goes through a list of which at most `limit` is wanted. `show` asks for the page behind a cursor, of at most so many, shows it,
/// and tells how many there were and where it goes on.
///
/// # Errors
/// What `show` does not get or can't print.
pub(crate) async fn each(
    limit: Option<usize>,
    mut show: impl AsyncFnMut(Option<String>, usize) -> anyhow::Result<(usize, Option<String>)>,
) -> anyhow::Result<()> {
    let (mut cursor, mut left) = (None, limit.unwrap_or(usize::MAX));
    while left > 0 {
        let (count, next) = show(cursor, left.min(PAGE)).await?;
        left = left.saturating_sub(count);
        cursor = next;
        if cursor.is_none() {
            break;
        }
    }
    Ok(())
}
