//! Reading the subscribers.

use dnsbl_types::{Name, Subscriber, SubscriberId};
use rocksdb::ReadOptions;

use crate::{
    StoreError,
    format::{schema, subscriber::SubscriberRecord, subscriber_key},
    read::{
        reader::Reader,
        view::{Iter, View},
    },
};

/// What subscribers are looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubscriberFilter {
    /// Those with this name, in whatever case.
    pub name: Option<String>,
    /// Those that may ask this zone.
    pub zone: Option<Name>,
}

impl SubscriberFilter {
    /// The family of which the keys that begin so end with the numbers of those to look at.
    fn place(&self) -> (&'static str, Vec<u8>) {
        match (&self.name, &self.zone) {
            (Some(name), _) => (schema::SUBSCRIBER_INDEX, subscriber_key::of_name(name)),
            (None, Some(zone)) => (schema::SUBSCRIBER_INDEX, subscriber_key::of_zone(zone)),
            (None, None) => (schema::SUBSCRIBERS, Vec::new()),
        }
    }
}

impl Reader<'_> {
    /// A subscriber.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn subscriber(&self, id: SubscriberId) -> Result<Option<SubscriberRecord>, StoreError> {
        find(&self.view, id)
    }

    /// At most `limit` subscribers behind `after`, in the order of their numbers, expired ones too.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn subscribers(
        &self,
        filter: &SubscriberFilter,
        after: Option<SubscriberId>,
        limit: usize,
    ) -> Result<Vec<SubscriberRecord>, StoreError> {
        let (family, start) = filter.place();
        let has_zone = |subscriber: &Subscriber| {
            filter.zone.as_ref().is_none_or(|zone| subscriber.has_zone(zone))
        };
        let mut found = Vec::new();
        let mut ids = Ids::new(&self.view, family, start);
        ids.seek(after);
        while let Some(id) = ids.next()? {
            if found.len() >= limit {
                break;
            }
            found.extend(find(&self.view, id)?.filter(|record| has_zone(&record.subscriber)));
        }
        Ok(found)
    }
}

/// A subscriber.
pub(crate) fn find(
    view: &View<'_>,
    id: SubscriberId,
) -> Result<Option<SubscriberRecord>, StoreError> {
    let value = view.find(schema::SUBSCRIBERS, &subscriber_key::of_subscriber(id))?;
    value.map(|bytes| SubscriberRecord::decode(id, &bytes)).transpose()
}

/// Those of which an index row begins so.
pub(crate) fn found_by(
    view: &View<'_>,
    start: Vec<u8>,
) -> Result<Vec<SubscriberRecord>, StoreError> {
    let mut ids = Ids::new(view, schema::SUBSCRIBER_INDEX, start);
    ids.seek(None);
    let mut found = Vec::new();
    while let Some(id) = ids.next()? {
        found.extend(find(view, id)?);
    }
    Ok(found)
}

/// Visits all of them.
pub(crate) fn each(
    view: &View<'_>,
    mut visit: impl FnMut(&SubscriberRecord),
) -> Result<(), StoreError> {
    let mut options = ReadOptions::default();
    options.fill_cache(false);
    let mut iter = view.iter(schema::SUBSCRIBERS, options);
    iter.seek_to_first();
    while let Some((key, value)) = iter.item() {
        visit(&SubscriberRecord::decode(subscriber_key::read_id(key)?, value)?);
        iter.next();
    }
    iter.status()
}

/// How many there are.
pub(crate) fn count(view: &View<'_>) -> Result<u64, StoreError> {
    let mut count = 0;
    let mut iter = view.iter(schema::SUBSCRIBERS, ReadOptions::default());
    iter.seek_to_first();
    while iter.key().is_some() {
        count += 1;
        iter.next();
    }
    iter.status()?;
    Ok(count)
}

/// The numbers at the end of keys that begin alike.
struct Ids<'a> {
    iter: Iter<'a>,
    start: Vec<u8>,
}

impl<'a> Ids<'a> {
    fn new(view: &'a View<'_>, family: &'static str, start: Vec<u8>) -> Self {
        let mut options = ReadOptions::default();
        options.set_iterate_lower_bound(start.clone());
        // Behind the start come eight bytes.
        options.set_iterate_upper_bound([&start, [u8::MAX; 9].as_slice()].concat());
        Self { iter: view.iter(family, options), start }
    }

    /// Goes to the first behind `after`.
    fn seek(&mut self, after: Option<SubscriberId>) {
        let mut key = self.start.clone();
        key.extend(after.map(subscriber_key::of_subscriber).into_iter().flatten());
        self.iter.seek(&key);
        if after.is_some() && self.iter.key() == Some(&key) {
            self.iter.next();
        }
    }

    fn next(&mut self) -> Result<Option<SubscriberId>, StoreError> {
        let Some(key) = self.iter.key() else {
            self.iter.status()?;
            return Ok(None);
        };
        let id = subscriber_key::read_id(key)?;
        self.iter.next();
        Ok(Some(id))
    }
}
