//! What a mail server's configuration states about lists.

use super::text::Text;

/// Something about lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Statement {
    /// The value of `postscreen_dnsbl_sites`.
    PostscreenSites(Text),
    /// The value of `postscreen_dnsbl_threshold`.
    PostscreenThreshold(Text),
    /// `postscreen_dnsbl_reply_map` is set.
    PostscreenReplyMap,
    /// `rbl_reply_maps` is set.
    RblReplyMaps,
    /// A restriction of smtpd, such as `reject_rbl_client`, and its argument.
    Restriction(&'static str, Text),
    /// A list of `maps_rbl_domains`, which Postfix has not had since 2.1.
    MapsRblDomain(Text),
    /// `check_policy_service`, its argument, and the `default_action` in it.
    PolicyService(Text, Option<Text>),
    /// The value of `smtpd_policy_service_default_action`.
    PolicyDefaultAction(Text),
    /// The value of `dnslists`, and whether the statement looks at `$dnslist_value` too.
    EximLists(Text, bool),
    /// `${readsocket`, by which Exim asks a policy service.
    ReadSocket(Text),
    /// A name for something that the text does not set, as written.
    Unset(Text),
}
