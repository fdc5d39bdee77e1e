//! Several zones with weights, and a policy: from 2 points mail is refused, and what zones that did not
//! answer could have refused is deferred.

use std::{error::Error, net::IpAddr, time::Duration};

use dnsbl_client::{
    Action, Client, Domain, OnUnknown, Policy, ReplyFilter, Rule, Score, Target, Zone, ZoneKind,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let weight = |points| [Rule::new(ReplyFilter::any(), Score::points(points))];
    let policy = Policy::new([(Score::ONE, Action::Tag), (Score::points(2), Action::Reject)])?;
    let client = Client::builder()
        .zone(Zone::addresses("bl.example.org".parse()?).rules(weight(2)))
        .zone(Zone::addresses("wl.example.net".parse()?).kind(ZoneKind::Allow).rules(weight(3)))
        .zone(Zone::domains("dbl.example.com".parse()?))
        .policy(policy.on_unknown(OnUnknown::Defer))
        .deadline(Duration::from_secs(1))
        .build()?;
    let peer: IpAddr = "192.0.2.99".parse()?;
    let helo: Domain = "mail.example.com".parse()?;
    let report = client.check_all(&[Target::from(peer), Target::from(helo)]).await;
    match report.action {
        Action::Reject => println!("550 5.7.1 listed: {:?}", report.reasons()),
        Action::Defer => println!("450 4.7.1 try again later"),
        action => println!("250 OK ({})", action.as_str()),
    }
    Ok(())
}
