//! `dnsbl logins` with real files and a server of the test's own.

mod end;
mod follower;
mod following;
mod posting;
mod server;

use self::{
    follower::{Follower, login},
    server::{Reply, Server},
};
