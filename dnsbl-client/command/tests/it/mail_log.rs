//! What tests of programs that follow a log need.

mod follower;
mod server;

pub(crate) use self::{
    follower::{Follower, append},
    server::{Reply, Server},
};
