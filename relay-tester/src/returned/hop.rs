//! From whom the last host before us says that it had a message.

use std::net::IpAddr;

use super::Headers;

/// Whether the topmost `Received` header of a message, which the peer that brought it wrote itself, names
/// this host as the one before it, as a stranger to it. What stands below may be anybody's invention.
///
/// A client's own words, its HELO name, stand beside its address in many forms; so every address in
/// the clause must be the host's. Who had logged in was a customer, and shows no relay.
pub(crate) fn came_from(headers: &str, host: IpAddr) -> bool {
    let headers = Headers::read(headers.as_bytes());
    let Some(received) = headers.all("received").next() else { return false };
    let text = String::from_utf8_lossy(received).to_ascii_lowercase();
    let words: Vec<&str> = text.split_whitespace().collect();
    let Some(by) = words.iter().position(|&word| word == "by") else { return false };
    let (from, rest) = words.split_at(by);
    if from.first() != Some(&"from") || is_login(rest) || text.contains("authenticated") {
        return false;
    }
    let is_edge = |c: char| "()[]<>,;=\"'".contains(c);
    let parts = from.iter().flat_map(|word| word.split(is_edge));
    let addresses = parts.filter_map(|part| {
        let part = part.strip_prefix("ipv6:").unwrap_or(part);
        part.parse().ok().map(|address: IpAddr| address.to_canonical())
    });
    let addresses: Vec<IpAddr> = addresses.collect();
    !addresses.is_empty() && addresses.iter().all(|&address| address == host)
}

/// Whether the protocol is one of a client that had logged in (RFC 3848, RFC 6531).
fn is_login(words: &[&str]) -> bool {
    let mut protocols = words.windows(2).filter(|pair| pair[0] == "with").map(|pair| pair[1]);
    protocols.any(|protocol| {
        let protocol = protocol.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        [
            "esmtpa",
            "esmtpsa",
            "lmtpa",
            "lmtpsa",
            "utf8smtpa",
            "utf8smtpsa",
            "asmtp",
            "http",
            "https",
        ]
        .contains(&protocol)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::came_from;

    const HOST: &str = "192.0.2.1";

    fn names(received: &str, host: &str) -> bool {
        came_from(&format!("{received}\nSubject: x\n"), host.parse().unwrap())
    }

    /// Security review, M6: that a message came back through a host listed it, whoever had given it to it.
    #[test]
    fn what_mail_servers_write_names_the_host_before_them() {
        for received in [
            "Received: from mail.example (unknown [192.0.2.1])\n\tby out.example (Postfix) with ESMTP id 1\n\tfor <x>; Mon",
            "Received: from [192.0.2.1] (port=4711 helo=mail.example)\n\tby out.example with esmtp (Exim 4.96)",
            "Received: from mail.example ([192.0.2.1] helo=other.example)\n by out.example with smtp (Exim)",
            "Received: from mail.example (mail.example [192.0.2.1] (may be forged))\n\tby out.example (8.17.1/8.17.1) with ESMTPS",
            "Received: from unknown (HELO mail.example) (192.0.2.1)\n  by out.example with SMTP; 1 Jan",
            "Received: from a (192.0.2.1) by b.example (198.51.100.9) with Microsoft SMTP Server",
            "DKIM-Signature: v=1; d=x\nRECEIVED: from a ([192.0.2.1]) by b with ESMTP",
        ] {
            assert!(names(received, HOST), "{received}");
            assert!(!names(received, "192.0.2.11"), "{received}");
        }
        let six = "Received: from a (unknown [IPv6:2001:db8::1]) by b (Postfix) with ESMTP";
        assert!(names(six, "2001:db8::1") && !names(six, "2001:db8::2"));
        assert!(names("Received: from a ([::ffff:192.0.2.1]) by b with SMTP", HOST));
    }

    #[test]
    fn lower_headers_helo_names_and_customers_prove_nothing() {
        for received in [
            // Of another; what is below is forged.
            "Received: from a ([203.0.113.5]) by out.example with ESMTP\nReceived: from b ([192.0.2.1]) by a with ESMTP",
            // HELO names the host.
            "Received: from [192.0.2.1] (unknown [203.0.113.5]) by out.example (Postfix) with ESMTP",
            "Received: from [203.0.113.5] (helo=[192.0.2.1]) by out.example with esmtp (Exim)",
            "Received: from x([192.0.2.1]) (unknown [203.0.113.5]) by out.example (Postfix) with SMTP",
            // Customers.
            "Received: from a ([192.0.2.1]) by out.example with ESMTPSA id 1",
            "Received: from a ([192.0.2.1]) by out.example (Postfix) with ESMTPA; Mon",
            "Received: from a ([192.0.2.1]) (Authenticated sender: b) by out.example (Postfix) with ESMTP",
            "Received: from a ([192.0.2.1]) by web.example with HTTP; Mon",
            // Nothing at all.
            "Received: by out.example (Postfix, from userid 0) id 1",
            "Received: from a by out.example with ESMTP",
            "Received: from a ([192.0.2.1])",
            "X-Received: from a ([192.0.2.1]) by out.example with ESMTP",
            "",
        ] {
            assert!(!names(received, HOST), "{received}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in ".{0,300}") {
            names(&format!("Received: from {text}"), HOST);
        }
    }
}
