use super::super::finding::Finding;
use crate::cli::mail_server;

fn findings(text: &str) -> Vec<Finding> {
    super::check(&mail_server::read(text)).findings
}

fn rules(text: &str) -> Vec<&'static str> {
    findings(text).iter().map(|finding| finding.rule).collect()
}

#[test]
fn each_mistake_is_found() {
    for (text, expected) in [
        ("postscreen_dnsbl_sites = bl.example*2", &["no-filter"][..]),
        ("reject_rbl_client bl.example", &["no-filter"]),
        ("bl.example=127.[0..255].[0..255].[0..255]", &["error-code-is-listed"]),
        ("bl.example=[0..255].0.113.[2..9]", &["filter-outside-loopback"]),
        ("bl.example=127.0.0.[2..11]*1 dnsbl.sorbs.net=127.0.0.[2..11]", &["dead-list"]),
        ("reject_rbl_client s3cret.zen.dq.spamhaus.net=127.0.0.[2..11]", &["key-in-text"]),
        ("reject_rbl_client dbl.spamhaus.org=127.0.1.[2..99]", &["wrong-kind"]),
        ("reject_rhsbl_helo zen.spamhaus.org=127.0.0.[2..11]", &["wrong-kind"]),
        ("reject_rbl_client list.dnswl.org=127.0.[0..254].[0..3]", &["wrong-side"]),
        ("permit_dnswl_client zen.spamhaus.org=127.0.0.[2..11]", &["wrong-side"]),
        ("list.dnswl.org=127.0.[0..254].[0..3]*2", &["wrong-side"]),
        ("hostkarma.junkemailfilter.com=127.0.0.[1..2]", &["opposite-code"]),
        ("permit_dnswl_client list.dnswl.org=127.0.[0..255].[0..255]", &["error-code-is-listed"]),
        ("reject_rhsbl_sender multi.uribl.com=127.0.0.[1..14]", &["error-code-is-listed"]),
        ("maps_rbl_domains = bl.example, bl2.example", &["no-filter", "obsolete", "no-filter"]),
        ("reject_rbl_client cbl.abuseat.org=127.0.0.2", &["replaced-list"]),
        ("dnslists = bl.example", &["no-filter"]),
        ("dnslists = bl.example!&0.255.255.0", &["negation-lists-the-world"]),
        ("dnslists = bl.example!=127.0.0.2", &["negation-lists-the-world"]),
        ("dnslists = bl.example&0.0.0.2", &["error-code-is-listed"]),
        ("dnslists = +include_unknown : bl.example=127.0.0.2", &["unknown-is-listed"]),
        ("dnslists = dbl.spamhaus.org=127.0.1.2", &["wrong-kind"]),
        ("dnslists = zen.spamhaus.org=127.0.0.2/$sender_address_domain", &["wrong-kind"]),
        ("dnslists = OUR_LISTS", &["unset-name"]),
        ("reject_rbl_client $our_list", &["unset-name"]),
        (
            "reject_rbl_client ${our_list} reject_rbl_client bl.example",
            &["unset-name", "no-filter"],
        ),
        ("postscreen_dnsbl_threshold = 0", &["threshold-below-one"]),
        (
            "postscreen_dnsbl_threshold = 3\npostscreen_dnsbl_sites = bl.example=127.0.0.2*2",
            &["threshold-out-of-reach"],
        ),
        ("bl.example=127.0.0.[2", &["unreadable"]),
        ("bl.example=127.0.0.[2 other.example*2", &["unreadable", "no-filter"]),
        (
            "smtpd_recipient_restrictions = check_policy_service inet:127.0.0.1:10040",
            &["no-default-action"],
        ),
        ("check_policy_service { unix:private/policy, timeout=10s }", &["no-default-action"]),
        (
            "check_policy_service { unix:private/policy, default_action = REJECT }",
            &["default-action-rejects"],
        ),
        (
            "warn set acl_m_x = ${readsocket{inet:127.0.0.1:10040}{ip=$x\\n}{5s}}",
            &["no-default-action"],
        ),
    ] {
        assert_eq!(rules(text), expected, "{text}");
    }
}

#[test]
fn what_is_right_is_left_alone() {
    for text in [
        "bl.example=127.0.0.[2..254]*2 wl.example=127.0.[0..255].[1..3]*-4",
        "reject_rbl_client bl.example=127.0.0.[2..254]",
        "reject_rhsbl_sender dbl.spamhaus.org=127.0.1.[2..99]",
        "rbl_reply_maps = texthash:/etc/postfix/rbl\nsmtpd_client_restrictions = reject_rbl_client s3cret.zen.dq.spamhaus.net=127.0.0.[2..11]",
        "dnslists = bl.example=127.0.0.2,127.0.0.3 : dbl.example=127.0.1.2/$sender_address_domain",
        "smtpd_policy_service_default_action = DUNNO\nx = check_policy_service inet:127.0.0.1:10040, reject_rbl_client bl.example=127.0.0.2",
        include_str!("../../../../../../deploy/postfix/main.cf.smtpd"),
        include_str!("../../../../../../deploy/postfix/main.cf.postscreen"),
        include_str!("../../../../../../deploy/postfix/main.cf.policy"),
        include_str!("../../../../../../deploy/exim/dnslists.acl"),
        include_str!("../../../../../../deploy/exim/readsocket.acl"),
    ] {
        assert_eq!(rules(text), [""; 0], "{text}");
        assert_ne!(super::check(&mail_server::read(text)).asked, 0, "{text}");
    }
}

/// Field cases 77 and 78: the advice for a list of domains and for one of good hosts switched them off, and that for
/// Spamhaus dropped XBL and PBL.
#[test]
fn advice_names_the_codes_of_the_list() {
    for (text, advice) in [
        ("reject_rhsbl_sender dbl.spamhaus.org", "write dbl.spamhaus.org=127.0.1.[2..106]"),
        ("permit_dnswl_client list.dnswl.org", "write list.dnswl.org=127.0.[0..254].[0..3]"),
        ("bl.example=127.0.0.2 list.dnswl.org*-2", "write list.dnswl.org=127.0.[0..254].[0..3]"),
        ("reject_rbl_client zen.spamhaus.org", "write zen.spamhaus.org=127.0.0.[2..11]"),
        (
            "rbl_reply_maps = hash:x\ny = reject_rbl_client s3cret.zen.dq.spamhaus.net",
            "write your-key.zen.dq.spamhaus.net=127.0.0.[2..11]",
        ),
        (
            "dnslists = zen.spamhaus.org",
            "write zen.spamhaus.org=127.0.0.2,127.0.0.3,127.0.0.4,127.0.0.5,127.0.0.6,127.0.0.7,127.0.0.8,127.0.0.9,127.0.0.10,127.0.0.11",
        ),
        (
            "dnslists = dbl.spamhaus.org/$sender_address_domain",
            "write dbl.spamhaus.org/$sender_address_domain and add the line: \
             condition = ${if match{$dnslist_value}{\\N\\b127\\.0\\.1\\.(?:[2-9]|[1-9]\\d|10[0-6])\\b\\N}}",
        ),
        ("hostkarma.junkemailfilter.com*2", "write hostkarma.junkemailfilter.com=127.0.0.[2;4]"),
        (
            "permit_dnswl_client hostkarma.junkemailfilter.com",
            "write hostkarma.junkemailfilter.com=127.0.0.1",
        ),
    ] {
        let found = findings(text);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].text.split_once("; ").unwrap().1, advice);
    }
}

#[test]
fn who_follows_the_advice_has_nothing_left_to_mend() {
    for text in [
        "reject_rhsbl_sender dbl.spamhaus.org=127.0.1.[2..106]",
        "permit_dnswl_client list.dnswl.org=127.0.[0..254].[0..3]",
        "deny dnslists = dbl.spamhaus.org/$sender_address_domain\n  condition = ${if match{$dnslist_value}{\\N\\b127\\.0\\.1\\.\\d+\\b\\N}}",
    ] {
        assert_eq!(rules(text), [""; 0], "{text}");
    }
    let elsewhere =
        "deny dnslists = bl.example\ndeny condition = ${if eq{$dnslist_value}{127.0.0.2}}";
    assert_eq!(rules(elsewhere), ["no-filter"]);
}

/// Field cases 77 and 78: filters that never match were called clean.
#[test]
fn a_filter_that_shares_no_code_with_the_list_is_found() {
    for text in [
        "reject_rhsbl_sender dbl.spamhaus.org=127.0.0.[2..254]",
        "permit_dnswl_client list.dnswl.org=127.1.0.[2..254]",
        "reject_rbl_client zen.spamhaus.org=127.0.0.1",
        "reject_rbl_client pbl.spamhaus.org=127.0.0.2",
        "zen.spamhaus.org=127.0.1.[2..11]*3",
        "dnslists = zen.spamhaus.org=127.0.0.1",
        "dnslists = bl.spamcop.net=127.0.0.3,127.0.0.4",
        "rbl_reply_maps = x\ny = reject_rbl_client s3cret.zen.dq.spamhaus.net=127.0.1.2",
    ] {
        assert_eq!(rules(text), ["filter-never-matches"], "{text}");
    }
}

/// Field cases 79 and 81, newcomer B2: macros were taken for lists, lines without blanks not read, and findings
/// had the first line of a parameter.
#[test]
fn a_finding_has_the_line_on_which_its_list_stands() {
    for (text, expected) in [
        (
            "A_LISTS = zen.spamhaus.org : dnsbl.sorbs.net\n dnslists = A_LISTS\n",
            &[(1, "no-filter"), (1, "dead-list")][..],
        ),
        (
            "BAD = bl.example\nALL = \\\n  BAD : \\\n# no end\n  dnsbl.sorbs.net\nbegin acl\n  deny !dnslists = +include_unknown : ALL\n",
            &[
                (1, "no-filter"),
                (1, "unknown-is-listed"),
                (5, "dead-list"),
                (5, "unknown-is-listed"),
            ],
        ),
        ("CHECK_RCPT_IP_DNSBLS = dnsbl.njabl.org", &[(1, "dead-list")]),
        (
            "a = b\nsmtpd_client_restrictions=reject_rbl_client zen.spamhaus.org\n",
            &[(2, "no-filter")],
        ),
        (
            "postscreen_dnsbl_sites=\n  bl.example*2,\n\n  # none\n  dnsbl.sorbs.net*2\n  b.example=127.0.0.2\n",
            &[(2, "no-filter"), (5, "dead-list")],
        ),
        (
            "ours = bl.example\nrbls = reject_rbl_client ${ours},\n  reject_rbl_client $(theirs)\ntheirs=b.example\nsmtpd_client_restrictions = $rbls",
            &[(1, "no-filter"), (4, "no-filter")],
        ),
        ("loop = $loop $loop $loop\nx = reject_rbl_client $loop", &[(1, "unset-name")]),
        (
            "smtp inet n - y - - smtpd\n  -o smtpd_client_restrictions=reject_rbl_client,bl.example,reject\n",
            &[(2, "no-filter")],
        ),
        (
            "smtpd_recipient_restrictions =\n  reject_rbl_client bl.example=127.0.0.2\n  check_policy_service unix:private/a\n  check_policy_service { unix:private/b,\n  default_action=DUNNO }",
            &[(3, "no-default-action")],
        ),
    ] {
        let found: Vec<(usize, &str)> =
            findings(text).iter().map(|finding| (finding.line, finding.rule)).collect();
        assert_eq!(found, expected, "{text}");
    }
}

/// Field case 85, with the file that was found.
#[test]
fn an_old_main_cf_has_all_its_mistakes_found() {
    let text = "\
# a main.cf as found on servers that were set up ten years ago
smtpd_client_restrictions = permit_mynetworks,
  reject_rbl_client cbl.abuseat.org,
  reject_rbl_client blackholes.easynet.nl=127.0.0.2,
  reject_rbl_client dul.dnsbl.sorbs.net=127.0.0.[2..14],
  reject_rbl_client ubl.unsubscore.com=127.0.0.2,
  reject_rbl_client truncate.gbudb.net=127.0.0.2,
smtpd_sender_restrictions = reject_rhsbl_sender dbl.spamhaus.org=127.0.0.[2..11]
postscreen_dnsbl_sites =
    zen.spamhaus.org=127.0.0.[2..11]*3,
    bl.mailspike.net=127.0.0.[2;14;13;12;11;10]*2,
    list.dnswl.org=127.0.[0..255].[1..3]*-2,
postscreen_dnsbl_threshold = 3
";
    let found: Vec<(usize, &str)> =
        findings(text).iter().map(|finding| (finding.line, finding.rule)).collect();
    assert_eq!(
        found,
        [
            (3, "replaced-list"),
            (3, "no-filter"),
            (4, "dead-list"),
            (5, "dead-list"),
            (6, "dead-list"),
            (8, "filter-never-matches"),
        ]
    );
}

#[test]
fn case_45_no_finding_shows_a_key() {
    for text in [
        "reject_rbl_client s3cret.zen.dq.spamhaus.net",
        "dnslists = s3cret.zen.dq.spamhaus.net!=127.0.0.2",
        "s3cret.zen.dq.spamhaus.net=127.0.0.[2 s3cret.zen.dq.spamhaus.net*x",
        "reject_rbl_client s3cret.$zone",
        "key = s3cret.zen.dq.spamhaus.net\nx = reject_rbl_client $key",
    ] {
        let found = findings(text);
        assert!(!found.is_empty() && !format!("{found:?}").contains("s3cret"), "{found:?}");
    }
}
