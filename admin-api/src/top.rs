//! What the API asks the server about who asks most.

use dnsbl_types::{Day, Name};

/// A question about who asks most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopQuestion {
    /// What is counted.
    pub by: TopBy,
    /// Only of queries to this zone.
    pub zone: Option<Name>,
    /// When.
    pub window: TopWindow,
    /// The most entries.
    pub limit: usize,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopBy {
    /// Addresses of clients.
    Client,
    /// The /24, or /48, around them.
    Network,
    /// Subscribers.
    Subscriber,
    /// Zones.
    Zone,
    /// Reasons for which questions were denied, and networks that got them.
    Denial,
}

/// When.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopWindow {
    /// Today, in UTC.
    Today,
    /// The day before, of which there are no addresses any more.
    Yesterday,
}

/// Who asks most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Top {
    /// The day.
    pub day: Day,
    /// Of so many queries one was counted.
    pub sampled_one_in: u32,
    /// Samples that were not counted since the server started.
    pub lost: u64,
    /// Who, most first.
    pub entries: Vec<TopEntry>,
}

/// One who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopEntry {
    /// The address.
    pub client: Option<String>,
    /// The network.
    pub network: Option<String>,
    /// The number of the subscriber.
    pub subscriber: Option<String>,
    /// The zone, where it is one; empty outside all of them.
    pub zone: Option<String>,
    /// Why it was denied.
    pub denial: Option<&'static str>,
    /// About how many questions, at most.
    pub questions: u64,
    /// By how many that may be too high.
    pub error: u64,
    /// How many of them were for something that is listed, at least.
    pub listed: u64,
    /// How many of them were denied, at least.
    pub denied: u64,
}

impl TopEntry {
    /// What orders entries of one count.
    pub fn name(&self) -> [Option<&str>; 5] {
        let texts = [&self.client, &self.network, &self.subscriber, &self.zone];
        let [client, network, subscriber, zone] = texts.map(Option::as_deref);
        [client, network, subscriber, zone, self.denial]
    }
}
