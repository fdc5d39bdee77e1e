//! Networks whose owners do not want to be tested. What is listed with proof stays so until it expires.

use std::{net::IpAddr, sync::PoisonError};

use dnsbl_store::Actor;
use ipnet::IpNet;

use super::{
    RecordsError, Tester,
    records::{MAX_OPT_OUTS, canonical, delete_opt_out, put_opt_out},
};
use crate::life::Test;

impl Tester {
    /// The networks that are not tested, in no particular order.
    pub fn opt_outs(&self) -> Vec<IpNet> {
        self.opt_outs.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the owner of this address does not want it to be tested.
    pub fn is_opted_out(&self, address: IpAddr) -> bool {
        let networks = self.opt_outs.read().unwrap_or_else(PoisonError::into_inner);
        networks.iter().any(|network| network.contains(&address))
    }

    /// Tests a network no more, and calls off its tests that wait or are going on. Tells the change,
    /// or `None` where there are too many.
    pub async fn opt_out(&self, network: IpNet, actor: Actor) -> Result<Option<u64>, RecordsError> {
        let network = canonical(network);
        let seq = self.write_opt_out(network, actor.clone()).await?;
        if seq.is_some() {
            self.call_off(network, actor).await?;
        }
        Ok(seq)
    }

    async fn write_opt_out(
        &self,
        network: IpNet,
        actor: Actor,
    ) -> Result<Option<u64>, RecordsError> {
        // The lock makes sure that what is in memory is what was written last.
        let _book = self.book.lock().await;
        if self.opt_outs().len() >= MAX_OPT_OUTS {
            return Ok(None);
        }
        let done = self.records.write(actor, vec![put_opt_out(network)?]).await?;
        let mut networks = self.opt_outs.write().unwrap_or_else(PoisonError::into_inner);
        networks.retain(|other| *other != network);
        networks.push(network);
        Ok(Some(done.seq))
    }

    async fn call_off(&self, network: IpNet, actor: Actor) -> Result<(), RecordsError> {
        let book = self.book.lock().await;
        let within = book.under_way.iter().filter(|(address, _)| network.contains(*address));
        let tests: Vec<_> = within.map(|(_, id)| *id).collect();
        drop(book);
        for test in tests {
            self.change_as(actor.clone(), test, Test::cancel).await?;
        }
        Ok(())
    }

    /// Ends an opt-out. Tells the change, or `None` where there was none.
    pub async fn opt_in(&self, network: IpNet, actor: Actor) -> Result<Option<u64>, RecordsError> {
        let _book = self.book.lock().await;
        let network = canonical(network);
        if !self.opt_outs().contains(&network) {
            return Ok(None);
        }
        let done = self.records.write(actor, delete_opt_out(network)?).await?;
        let mut networks = self.opt_outs.write().unwrap_or_else(PoisonError::into_inner);
        networks.retain(|other| *other != network);
        Ok(Some(done.seq))
    }
}
