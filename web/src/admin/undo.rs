//! Changes, taken back.

use dnsbl_store::OperationResult;
use maud::html;

use super::{
    asked::{Answer, Asked, result, wait_for},
    frame::{form, line},
    refused::Refused,
};

/// The form to undo a change by its number.
pub(super) async fn show(asked: Asked) -> Result<Answer, Refused> {
    asked.require("undo")?;
    let seq = asked.fields.get("seq").unwrap_or_default();
    let main = html! {
        p { (asked.text("admin-undo-text")) }
        (form(&asked, "undo", "admin-undo", &line("seq", "seq", &asked.text("admin-change"), seq)))
    };
    Ok(Answer::Page { title: asked.text("admin-menu-undo"), main })
}

/// Undoes a change. What takes long goes on after the page.
pub(super) async fn take_back(asked: Asked) -> Result<Answer, Refused> {
    asked.require("undo")?;
    let seq: u64 = asked.fields.parse("seq")?;
    let console = asked.console()?;
    let (tokens, removals) = (console.tokens.clone(), console.removals.clone());
    let (holder, now) = (asked.holder.clone(), asked.now);
    let undo = async move {
        let undone = result(tokens.undo(&holder, seq, now).await??)?;
        if let Err(err) = removals.reopen(seq).await {
            tracing::warn!(change = seq, %err, "requests for removal whose removal was undone are not open again");
        }
        Ok::<_, Refused>(undone)
    };
    match wait_for(undo).await? {
        Some((_, OperationResult::Undone { of, counts })) => {
            let counts = format!("+{} ~{} -{}", counts.added, counts.updated, counts.removed);
            let notice = asked.fill("admin-undone", "change", format!("{of} ({counts})"));
            Ok(Answer::Done { place: "audit".into(), notice })
        }
        Some(_) => Err(Refused::Broken),
        None => Ok(asked.done("audit", "admin-goes-on")),
    }
}
