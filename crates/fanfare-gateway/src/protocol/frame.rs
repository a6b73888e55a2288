//! A frame: one or more commands, one on each line.

/// The line that begins at `start`, and where the next one begins; `None` behind the last.
///
/// One trailing newline is tolerated. An empty frame is one empty line, which is no command.
pub(crate) fn line(frame: &str, start: usize) -> Option<(&str, usize)> {
    let lines = frame.strip_suffix('\n').unwrap_or(frame);
    let rest = lines.get(start..)?;
    let line = rest.split('\n').next().unwrap_or(rest);
    Some((line, start + line.len() + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Command;

    fn ids(frame: &str) -> Vec<Result<u32, u16>> {
        let (mut ids, mut start) = (Vec::new(), 0);
        while let Some((line, next)) = line(frame, start) {
            ids.push(Command::parse(line).map(|command| command.id).map_err(|disconnect| disconnect.code));
            start = next;
        }
        ids
    }

    #[test]
    fn several_commands_share_a_frame() {
        assert_eq!(ids("{\"id\":1,\"rpc\":{}}\n{\"id\":2,\"rpc\":{}}\r\n{}\n"), [Ok(1), Ok(2), Ok(0)]);
    }

    #[test]
    fn an_empty_line_is_a_bad_command() {
        assert_eq!(ids("{\"id\":1,\"rpc\":{}}\n\n{}"), [Ok(1), Err(3501), Ok(0)]);
        assert_eq!(ids("{}\n\n"), [Ok(0), Err(3501)]);
    }

    #[test]
    fn bad_frames_are_bad_requests() {
        for bad in
            ["", "\n", "x", "{\"id\":\"1\"}", "{\"id\":-1}", "{\"id\":1.5}", "{\"id\":1", "[]", "1", "null"]
        {
            assert_eq!(ids(bad), [Err(3501)], "{bad:?}");
        }
    }
}
