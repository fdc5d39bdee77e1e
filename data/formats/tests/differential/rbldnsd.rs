//! The real rbldnsd.

use dnsbl_formats::rbldnsd::ListType;
use dnsbl_tests::{Edns, PATIENCE, Query, Reply, UdpClient};
use hickory_proto::rr::{RData, RecordType};

use crate::question::{Answers, Question, origin};

/// A running rbldnsd that serves one file.
pub(crate) struct Rbldnsd {
    client: UdpClient,
    _server: dnsbl_tests::Rbldnsd,
}

impl Rbldnsd {
    pub(crate) fn start(list: ListType, file: &[u8]) -> Self {
        Self::serving(list.as_str(), file)
    }

    /// One with a data set of any type.
    pub(crate) fn serving(list: &str, file: &[u8]) -> Self {
        let server = dnsbl_tests::Rbldnsd::start(&origin().to_string(), &[(list, file)]);
        let client = UdpClient::connect(server.addr()).unwrap();
        Self { client, _server: server }
    }

    /// What it answers; `None` where it denies.
    pub(crate) fn ask(&self, question: &Question) -> Option<Answers> {
        let name = question.to_string();
        let query = Query::new(&name, RecordType::ANY);
        let query = query.edns(Edns { payload: 4096, ..Edns::default() });
        self.client.send(&query.bytes()).unwrap();
        let reply = loop {
            let reply = self.client.receive(PATIENCE).unwrap().expect("rbldnsd answers");
            if reply.id() == query.id {
                break reply;
            }
        };
        read(&name, &reply)
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
