//! Interim.
use crate::{
    ClientError, Failure, Resolvers,
    judge::Reply,
    transport::{QueryType, Question, Transport, Udp},
};
use dnsbl_types::Name;
use tokio::time::Instant;

#[derive(Debug)]
pub(crate) struct Dns(Udp);

impl Dns {
    pub(crate) fn new(resolvers: &Resolvers) -> Result<Self, ClientError> {
        Udp::new(resolvers).map(Self)
    }
    pub(crate) async fn ask_a(&self, qname: &Name, deadline: Instant) -> Result<Reply, Failure> {
        let q = Question { name: qname.clone(), rtype: QueryType::A };
        let a = self.0.ask(&q, deadline.into_std()).await?;
        Ok(Reply {
            rcode: a.rcode,
            addresses: a.addresses,
            referral: a.referral,
            filtered: a.filtered,
        })
    }
    pub(crate) async fn ask_txt(
        &self,
        qname: &Name,
        deadline: Instant,
    ) -> Result<Vec<Vec<u8>>, Failure> {
        let q = Question { name: qname.clone(), rtype: QueryType::Txt };
        Ok(self.0.ask(&q, deadline.into_std()).await?.texts)
    }
}
