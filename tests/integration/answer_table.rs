//! Every row of the table of answers, over UDP and over TCP.

mod addresses;
mod apex;
mod domains;
mod partial_names;
mod ttls;
