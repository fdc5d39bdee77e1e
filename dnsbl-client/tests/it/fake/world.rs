//! Several lists behind one server, each of which can change its ways while a test runs.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use hickory_proto::{
    op::{Message, ResponseCode},
    rr::RecordType,
};

use super::{Asked, Fake, Say, a, nxdomain, rcode, replies};

/// What a list says about a name, without the list's own labels: `99.2.0.192`.
pub(crate) type Answers = Arc<dyn Fn(&str) -> Says + Send + Sync>;

/// What a list says about one name.
#[derive(Clone, Debug)]
pub(crate) enum Says {
    /// These return codes, with the reason "listed".
    Codes(Vec<&'static str>),
    NotListed,
    /// NOERROR without an address.
    NoData,
    /// The same, though the reason is there: a resolver took the address away.
    Stripped,
    /// These return codes, after so many milliseconds.
    Late(u64, Vec<&'static str>),
    Rcode(ResponseCode),
    Silence,
}

/// The lists, by origin without a final dot.
#[derive(Clone, Default)]
pub(crate) struct World(Arc<Mutex<HashMap<String, Answers>>>);

impl World {
    /// From now on this list answers so.
    pub(crate) fn set(
        &self,
        zone: &str,
        answers: impl Fn(&str) -> Says + Send + Sync + 'static,
    ) -> &Self {
        self.0.lock().unwrap().insert(zone.into(), Arc::new(answers));
        self
    }

    /// A good list: it has 127.0.0.2 and `test`, lacks 127.0.0.1 and `invalid`, and these are listed.
    pub(crate) fn good(&self, zone: &str, listed: &[&str]) -> &Self {
        let listed: Vec<String> = listed.iter().map(ToString::to_string).collect();
        self.set(zone, move |name| good(name, |name| listed.iter().any(|listed| listed == name)))
    }

    /// Serves the lists; names outside them are refused.
    pub(crate) async fn serve(&self) -> Fake {
        let world = self.clone();
        Fake::start(move |asked: &Asked| world.answer(asked)).await
    }

    fn answer(&self, asked: &Asked) -> Vec<Say> {
        let name = asked.name.trim_end_matches('.').to_ascii_lowercase();
        let lists = self.0.lock().unwrap();
        let zones = lists.iter().filter_map(|(zone, answers)| {
            let below = name.strip_suffix(zone.as_str())?;
            Some((zone.len(), below.strip_suffix('.')?.to_owned(), answers.clone()))
        });
        let longest = zones.max_by_key(|(len, ..)| *len);
        drop(lists);
        let Some((_, below, answers)) = longest else {
            return vec![rcode(asked, ResponseCode::Refused).into()];
        };
        match answers(&below) {
            Says::Codes(codes) => vec![listed(asked, &codes).into()],
            Says::NoData => vec![replies::nodata(asked).into()],
            Says::Stripped if asked.rtype == RecordType::A => vec![replies::nodata(asked).into()],
            Says::Stripped => vec![listed(asked, &[]).into()],
            Says::Late(ms, codes) => {
                vec![Say::from(listed(asked, &codes)).after(Duration::from_millis(ms))]
            }
            Says::NotListed => vec![replies::negative(nxdomain(asked), 60, 60).into()],
            Says::Rcode(code) => vec![rcode(asked, code).into()],
            Says::Silence => vec![],
        }
    }
}

fn listed(asked: &Asked, codes: &[&str]) -> Message {
    match asked.rtype {
        RecordType::A => a(asked, codes),
        _ => replies::texts(asked, &[&[b"listed"]]),
    }
}

/// What a good list says that has the test entries and what `has` says.
pub(crate) fn good(name: &str, has: impl Fn(&str) -> bool) -> Says {
    const MAPPED: &str = ".0.0.0.0.0.f.7.f.f.f.f";
    let test = matches!(name, "2.0.0.127" | "test")
        || name.strip_prefix('2').is_some_and(|rest| rest.starts_with(MAPPED));
    if test || has(name) { Says::Codes(vec!["127.0.0.2"]) } else { Says::NotListed }
}

/// SERVFAIL for everything.
pub(crate) fn fail(_name: &str) -> Says {
    Says::Rcode(ResponseCode::ServFail)
}
