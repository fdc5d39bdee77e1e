//! A log that is followed as it grows: a file, over its rotation, or standard input.

mod cut;
mod follower;
mod input;
mod state;
mod tail;

pub(crate) use self::{
    follower::{Follower, FollowerError},
    input::lines_of_input,
    state::{Begin, Saved, load_state, save_state},
};
