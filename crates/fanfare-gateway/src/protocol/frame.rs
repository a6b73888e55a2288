//! A frame: one or more commands, one on each line.

use super::code::Disconnect;
use super::command::Command;

/// The commands of a frame in order, each with where it ends, so that a reader can pause between two.
///
/// One trailing newline is tolerated. An empty frame, an empty line or a line that is not a command yields
/// [`Disconnect::BAD_REQUEST`] and nothing after it.
pub(crate) fn commands(frame: &str) -> impl Iterator<Item = Result<Command<'_>, Disconnect>> {
    let mut failed = false;
    frame.strip_suffix('\n').unwrap_or(frame).split('\n').map_while(move |line| {
        if failed {
            return None;
        }
        let command = Command::parse(line);
        failed = command.is_err();
        Some(command)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(frame: &str) -> Vec<Result<u32, u16>> {
        commands(frame).map(|command| command.map(|c| c.id).map_err(|d| d.code)).collect()
    }

    #[test]
    fn several_commands_share_a_frame() {
        assert_eq!(ids("{\"id\":1,\"rpc\":{}}\n{\"id\":2,\"rpc\":{}}\r\n{}\n"), [Ok(1), Ok(2), Ok(0)]);
    }

    #[test]
    fn what_comes_before_a_bad_line_counts_and_what_comes_after_does_not() {
        assert_eq!(ids("{\"id\":1,\"rpc\":{}}\n\n{\"id\":2,\"rpc\":{}}"), [Ok(1), Err(3501)]);
    }

    #[test]
    fn bad_frames_are_bad_requests() {
        for bad in ["", "\n", "x", "{\"id\":\"1\"}", "{\"id\":-1}", "{\"id\":1.5}", "{\"id\":1,\n\"rpc\":{}}", "[]", "1"] {
            assert_eq!(ids(bad), [Err(3501)], "{bad:?}");
        }
    }
}
