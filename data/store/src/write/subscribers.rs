//! Changes of subscribers.

use dnsbl_types::{KeyDigest, Name, Subscriber, SubscriberId, SubscriberKey, UnixTime};

use crate::{
    ChangeError, Op,
    format::{schema, subscriber::SubscriberRecord, subscriber_key},
    read::subscribers,
    write::{
        operation::{OperationResult, Precondition},
        transaction::{Effect, Transaction},
    },
};

/// The most subscribers of a server.
pub(crate) const MOST: u64 = 1_000_000;

/// Adds a subscriber, or replaces the terms of one. Its keys and the time when it was made stay.
pub(crate) fn put(
    transaction: &mut Transaction<'_>,
    subscriber: Subscriber,
    precondition: &Precondition,
) -> Result<OperationResult, ChangeError> {
    let old = expected(transaction, subscriber.id, precondition)?;
    let Some(old) = old else {
        if transaction.state.subscribers >= MOST {
            return Err(ChangeError::TooManySubscribers(MOST));
        }
        check(transaction, None, &subscriber)?;
        return Ok(write(transaction, None, subscriber, Op::put_subscriber));
    };
    let subscriber = Subscriber {
        keys: old.subscriber.keys.clone(),
        created_at: old.subscriber.created_at,
        ..subscriber
    };
    if subscriber == old.subscriber {
        return Ok(OperationResult::Subscriber(Box::new(old)));
    }
    check(transaction, Some(&old.subscriber), &subscriber)?;
    Ok(write(transaction, Some(old.subscriber), subscriber, Op::put_subscriber))
}

/// Gives a subscriber another key. Those that it has count for `overlap` seconds yet, or as long as they would
/// have anyway.
pub(crate) fn rotate(
    transaction: &mut Transaction<'_>,
    id: SubscriberId,
    digest: KeyDigest,
    overlap: u64,
    precondition: &Precondition,
) -> Result<OperationResult, ChangeError> {
    let Some(old) = expected(transaction, id, precondition)?.map(|record| record.subscriber) else {
        return Err(ChangeError::NoSubscriber);
    };
    if !old.recognition.takes_key() {
        return Err(ChangeError::NoKeys);
    }
    let end = UnixTime(transaction.now.0.saturating_add(overlap));
    let mut subscriber = old.clone();
    for key in &mut subscriber.keys {
        key.until = Some(key.until.map_or(end, |until| until.min(end)));
    }
    let key = SubscriberKey { digest, created_at: transaction.now, until: None };
    subscriber.keys.insert(0, key);
    drop_ended_keys(&mut subscriber, transaction.now);
    if subscriber.keys.len() > Subscriber::MAX_KEYS {
        return Err(ChangeError::TooManyKeys(Subscriber::MAX_KEYS));
    }
    Ok(write(transaction, Some(old), subscriber, |subscriber| Op::RotateSubscriber {
        id: subscriber.id,
        name: subscriber.name.clone(),
        until: (overlap > 0).then_some(end),
    }))
}

/// Deletes a subscriber; its keys count no more.
pub(crate) fn delete(
    transaction: &mut Transaction<'_>,
    id: SubscriberId,
    precondition: &Precondition,
) -> Result<OperationResult, ChangeError> {
    let Some(old) = expected(transaction, id, precondition)?.map(|record| record.subscriber) else {
        return Err(ChangeError::NoSubscriber);
    };
    delete_index(transaction, &old);
    transaction.delete(schema::SUBSCRIBERS, subscriber_key::of_subscriber(id));
    transaction.set_subscribers(transaction.state.subscribers.saturating_sub(1));
    transaction.log(Op::DeleteSubscriber { id, name: old.name.clone() });
    transaction.show(Effect::Subscriber { old: Some(Box::new(old)), new: None });
    Ok(OperationResult::Count(1))
}

/// A subscriber, if the condition holds for it.
fn expected(
    transaction: &Transaction<'_>,
    id: SubscriberId,
    precondition: &Precondition,
) -> Result<Option<SubscriberRecord>, ChangeError> {
    let found = subscribers::find(transaction.view, id)?;
    let revision = found.as_ref().map(|record| record.revision);
    match (precondition.holds(revision), &found) {
        (true, _) => Ok(found),
        (false, None) => Err(ChangeError::NoSubscriber),
        (false, Some(_)) => Err(ChangeError::Precondition),
    }
}

/// Checks what depends on zones and on other subscribers.
fn check(
    transaction: &Transaction<'_>,
    old: Option<&Subscriber>,
    new: &Subscriber,
) -> Result<(), ChangeError> {
    // A zone that was deleted since may stay: nobody has to know that to change a note.
    let is_added = |zone: &&Name| old.is_none_or(|old| !old.has_zone(zone));
    let mut added = new.zones.iter().filter(is_added);
    if let Some(zone) = added.find(|zone| transaction.find_zone(zone).is_none()) {
        return Err(ChangeError::SubscriberZone(zone.clone()));
    }
    check_name(transaction, new)?;
    check_networks(transaction, new)?;
    Ok(())
}

/// Whoever reads an audit record or a bill tells two that may ask by their names.
fn check_name(transaction: &Transaction<'_>, new: &Subscriber) -> Result<(), ChangeError> {
    let now = transaction.now;
    if !new.is_live(now) {
        return Ok(());
    }
    let same = subscribers::found_by(transaction.view, subscriber_key::of_name(&new.name))?;
    let mut others = same.into_iter().map(|record| record.subscriber);
    match others.find(|other| other.id != new.id && other.is_live(now)) {
        Some(Subscriber { name, id, .. }) => Err(ChangeError::SubscriberName { name, id }),
        None => Ok(()),
    }
}

/// A question from a network is charged to one subscriber. One that has expired still has its network, so that
/// nothing has to be decided at the second of its end.
fn check_networks(transaction: &Transaction<'_>, new: &Subscriber) -> Result<(), ChangeError> {
    for network in new.networks.iter().filter(|_| new.recognition.takes_network()) {
        let same = subscribers::found_by(transaction.view, subscriber_key::of_network(network))?;
        let shares_zone = |other: &Subscriber| other.zones.iter().any(|zone| new.has_zone(zone));
        let mut others = same.into_iter().map(|record| record.subscriber);
        if let Some(other) = others.find(|other| other.id != new.id && shares_zone(other)) {
            let (network, Subscriber { name, id, .. }) = (*network, other);
            return Err(ChangeError::SubscriberNetwork { network, name, id });
        }
    }
    Ok(())
}

fn write(
    transaction: &mut Transaction<'_>,
    old: Option<Subscriber>,
    mut new: Subscriber,
    op: impl FnOnce(&Subscriber) -> Op,
) -> OperationResult {
    drop_ended_keys(&mut new, transaction.now);
    match &old {
        Some(old) => delete_index(transaction, old),
        None => transaction.set_subscribers(transaction.state.subscribers + 1),
    }
    for key in subscriber_key::of_index(&new) {
        transaction.put(schema::SUBSCRIBER_INDEX, key, Vec::new());
    }
    let record = SubscriberRecord { subscriber: new.clone(), revision: transaction.seq() };
    transaction.put(schema::SUBSCRIBERS, subscriber_key::of_subscriber(new.id), record.encode());
    transaction.log(op(&new));
    transaction.show(Effect::Subscriber { old: old.map(Box::new), new: Some(Box::new(new)) });
    OperationResult::Subscriber(Box::new(record))
}

fn delete_index(transaction: &mut Transaction<'_>, subscriber: &Subscriber) {
    for key in subscriber_key::of_index(subscriber) {
        transaction.delete(schema::SUBSCRIBER_INDEX, key);
    }
}

fn drop_ended_keys(subscriber: &mut Subscriber, now: UnixTime) {
    subscriber.keys.retain(|key| key.until.is_none_or(|until| now < until));
}
