//! Who follows the changes and is cut off again and again ends with just what the server has.

use std::{collections::BTreeMap, io::Read as _, thread};

use dnsbl_tests::{Admin, PATIENCE, Random, TestServer, TestZone, eventually};
use reqwest::Method;
use serde_json::{Value, json};

/// What is listed: subject and source, and the listing as the API shows it.
type Listings = BTreeMap<(String, String), Value>;

/// How changes are followed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Lines,
    Events,
}

/// Somebody who keeps a copy of a zone, and knows up to which change it is true.
struct Copy {
    way: Way,
    zone: String,
    listings: Listings,
    cursor: u64,
    cuts: usize,
}

impl Copy {
    /// Follows until it is cut off after so many octets, or has come to a change.
    fn follow(&mut self, admin: &Admin, octets: usize, until: u64) {
        let path = format!("/v1/changes?after={}", self.cursor);
        let request = admin.request(Method::GET, &path);
        let request = match self.way {
            Way::Lines => request,
            Way::Events => request.header("accept", "text/event-stream"),
        };
        let mut answer = request.send().expect("the server answers");
        if answer.status() == 429 {
            // It has not noticed yet that those before are gone.
            return thread::yield_now();
        }
        assert_eq!(answer.status(), 200);
        let (mut text, mut pending, mut read) = (String::new(), Vec::new(), 0);
        let mut piece = [0; 64];
        while read < octets && self.cursor < until {
            let size = piece.len().min(octets - read);
            let count = answer.read(&mut piece[..size]).expect("what was sent is whole");
            if count == 0 {
                break;
            }
            read += count;
            text.push_str(std::str::from_utf8(&piece[..count]).expect("the test lists ASCII"));
            self.take(&mut text, &mut pending);
        }
        self.cuts += usize::from(read >= octets);
    }

    /// Takes what has come whole.
    fn take(&mut self, text: &mut String, pending: &mut Vec<Value>) {
        let end = match self.way {
            Way::Lines => "\n",
            Way::Events => "\n\n",
        };
        while let Some((whole, rest)) = text.split_once(end) {
            match self.way {
                Way::Lines => self.take_line(whole, pending),
                Way::Events => self.take_event(whole, pending),
            }
            *text = rest.to_owned();
        }
    }

    /// A change is whole once a line of another one comes, or the end.
    fn take_line(&mut self, line: &str, pending: &mut Vec<Value>) {
        let line: Value = serde_json::from_str(line).expect("a line is JSON");
        let of_another = |before: &Value| before["seq"] != line["seq"];
        if pending.first().is_some_and(of_another) {
            self.apply(pending);
        }
        match line["next"].as_u64() {
            Some(next) => self.cursor = next,
            None => pending.push(line),
        }
    }

    /// A change is whole with the event that has its number.
    fn take_event(&mut self, event: &str, pending: &mut Vec<Value>) {
        let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
        if field("event: ") != Some("change") {
            return;
        }
        let data = field("data: ").expect("an event has data");
        pending.push(serde_json::from_str(data).expect("it is JSON"));
        if let Some(id) = field("id: ") {
            self.apply(pending);
            assert_eq!(id, self.cursor.to_string());
        }
    }

    fn apply(&mut self, pending: &mut Vec<Value>) {
        for change in pending.drain(..) {
            let seq = change["seq"].as_u64().expect("a number");
            assert!(seq == self.cursor + 1 || seq == self.cursor, "{seq} after {}", self.cursor);
            self.cursor = seq;
            if change["zone"] != self.zone.as_str() {
                continue;
            }
            let text = |name: &str| change[name].as_str().unwrap_or_default().to_owned();
            let of = (text("subject"), text("source"));
            match change["op"].as_str() {
                Some("put") => drop(self.listings.insert(of, change["listing"].clone())),
                Some("delete" | "expire") => {
                    assert!(self.listings.remove(&of).is_some(), "{change}");
                }
                _ => {}
            }
        }
    }
}

/// What the server says is listed.
#[track_caller]
fn listed(server: &TestServer, zone: &TestZone) -> Listings {
    let page = server.admin().get(&format!("{}/listings?limit=1000", zone.path())).expect(200);
    let page = page.json();
    let listings = page["listings"].as_array().expect("a list").iter();
    let text = |listing: &Value, name: &str| listing[name].as_str().unwrap_or_default().to_owned();
    let of = |listing: &Value| (text(listing, "subject"), text(listing, "source"));
    listings.map(|listing| (of(listing), listing.clone())).collect()
}

/// Puts, deletes and lets expire at random.
fn write(zone: &TestZone, admin: &Admin, random: &mut Random) {
    let subject = format!("192.0.2.{}", random.below(40));
    let path = format!("{}?source=s{}", zone.listing_path(&subject), random.below(2));
    let reply = match random.below(8) {
        0 | 1 => admin.delete(&path),
        2 => admin.put(&path, &json!({"expires_in": 1, "note": format!("{}", random.number())})),
        _ => admin.put(&path, &json!({"note": format!("{}", random.number())})),
    };
    assert!([200, 201, 204, 404].contains(&reply.status), "{}", reply.text);
}

/// After how many a copy is cut off: mostly few, now and then so many that a change of all listings comes whole, which
/// what expires at once is.
fn octets(random: &mut Random) -> usize {
    let most = if random.below(16) == 0 { 1 << 18 } else { 4000 };
    1 + random.below(most)
}

fn a_copy_that_is_cut_ends_with_what_the_server_has(way: Way) {
    let server = TestServer::start();
    let zone = server.ip_zone(json!({}));
    let mut random = Random::from_env("DNSBL_FOLLOWERS_SEED");
    let mut copy =
        Copy { way, zone: zone.origin().to_owned(), listings: Listings::new(), cursor: 0, cuts: 0 };
    let mut writes = Random::new(random.number());
    let head = |after: u64| {
        let rest = server.admin().get(&format!("/v1/changes?after={after}")).expect(200).lines();
        rest.last().and_then(|end| end["next"].as_u64()).expect("the end")
    };
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            (0..400).for_each(|_| write(&zone, server.admin(), &mut writes));
        });
        while !writer.is_finished() {
            // No further than the last change: who waits for what does not come is not cut off.
            let until = head(copy.cursor).min(copy.cursor + 1 + random.below(60) as u64);
            copy.follow(server.admin(), octets(&mut random), until);
        }
    });
    // What was to expire has, and the copy has come so far.
    eventually(3 * PATIENCE, || {
        let is_left = listed(&server, &zone).values().any(|one| !one["expires_at"].is_null());
        let head = head(copy.cursor);
        while copy.cursor < head {
            copy.follow(server.admin(), octets(&mut random), head);
        }
        let server = listed(&server, &zone);
        match server == copy.listings && !is_left {
            true => Ok(()),
            false => Err((copy.cursor, server, copy.listings.clone())),
        }
    });
    println!("{way:?}: cut off {} times up to change {}", copy.cuts, copy.cursor);
    assert!(copy.cuts > 10, "it was hardly cut off");
    assert!(!copy.listings.is_empty());
}

#[test]
fn a_copy_by_lines_that_is_cut_at_random_ends_with_what_the_server_has() {
    a_copy_that_is_cut_ends_with_what_the_server_has(Way::Lines);
}

#[test]
fn a_copy_by_events_that_is_cut_at_random_ends_with_what_the_server_has() {
    a_copy_that_is_cut_ends_with_what_the_server_has(Way::Events);
}
