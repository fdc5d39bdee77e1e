//! The real rbldnsd.

use std::{net::IpAddr, time::Duration};

use dnsbl_tests::{Edns, PATIENCE, Query, Reply, UdpClient};
use hickory_proto::rr::{RData, Record, RecordType};

use crate::question::{Answers, Question, origin};

/// A running rbldnsd.
pub(crate) struct Rbldnsd {
    client: UdpClient,
    server: dnsbl_tests::Rbldnsd,
}

impl Rbldnsd {
    /// Starts one with a file of a type that it serves.
    #[track_caller]
    pub(crate) fn start(list: &str, file: &[u8]) -> Self {
        let text = String::from_utf8_lossy(file);
        Self::serve(&[(list, file)]).unwrap_or_else(|| panic!("it is not served:\n{text}"))
    }

    /// Starts one with data sets of these types; `None` where it does not serve them.
    pub(crate) fn serve(datasets: &[(&str, &[u8])]) -> Option<Self> {
        let server = dnsbl_tests::Rbldnsd::serve(&origin().to_string(), datasets)?;
        let client = UdpClient::connect(server.addr()).unwrap();
        Some(Self { client, server })
    }

    /// The rcode and the records of a type at a name; `None` if nothing comes within the limit.
    pub(crate) fn records(
        &self,
        from: IpAddr,
        name: &str,
        rtype: RecordType,
        limit: Duration,
    ) -> Option<(u8, Vec<Record>)> {
        let client = UdpClient::connect_from(self.server.addr(), from).unwrap();
        client.send(&Query::new(name, rtype).bytes()).unwrap();
        let reply = client.receive(limit).unwrap()?;
        Some((reply.rcode(), reply.message.answers))
    }

    /// What it answers; `None` where it denies.
    pub(crate) fn ask(&self, question: &Question) -> Option<Answers> {
        self.ask_name(&question.to_string())
    }

    /// What it answers to a name; `None` where it denies.
    pub(crate) fn ask_name(&self, name: &str) -> Option<Answers> {
        let query = Query::new(name, RecordType::ANY);
        let query = query.edns(Edns { payload: 4096, ..Edns::default() });
        self.client.send(&query.bytes()).unwrap();
        let reply = loop {
            let reply = self.client.receive(PATIENCE).unwrap().expect("rbldnsd answers");
            if reply.id() == query.id {
                break reply;
            }
        };
        read(name, &reply)
    }
}

fn read(name: &str, reply: &Reply) -> Option<Answers> {
    const NXDOMAIN: u8 = 3;
    if reply.rcode() == NXDOMAIN {
        return None;
    }
    assert_eq!(reply.rcode(), 0, "{name}: {reply:?}");
    let mut answers = Answers::default();
    for record in &reply.message.answers {
        match &record.data {
            RData::A(addr) => {
                answers.codes.insert(addr.to_string());
            }
            RData::TXT(text) => {
                let bytes = text.txt_data.concat();
                answers.texts.insert(String::from_utf8(bytes).unwrap());
            }
            other => panic!("{name}: {other:?}"),
        }
    }
    Some(answers)
}
