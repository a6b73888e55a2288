//! Numbers and text as they stand in a body: LEB128 numbers, lengths before text, little endian.

use bytestring::ByteString;
use jiff::Timestamp;

/// Bytes that passed their checksum and still make no record: a broken invariant or a newer writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the record does not decode: {0}")]
pub(crate) struct Malformed(pub(crate) &'static str);

pub(crate) fn put_var(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_var(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

pub(crate) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_bytes(out, text.as_bytes());
}

/// Microseconds since 1970; what is finer is cut.
pub(crate) fn put_micros(out: &mut Vec<u8>, time: Timestamp) {
    out.extend_from_slice(&time.as_microsecond().to_le_bytes());
}

/// Seconds and nanoseconds, nothing cut.
pub(crate) fn put_time(out: &mut Vec<u8>, time: Timestamp) {
    let (seconds, nanos) = (time.as_second(), time.subsec_nanosecond());
    put_signed(out, seconds);
    put_signed(out, i64::from(nanos));
}

pub(crate) fn put_signed(out: &mut Vec<u8>, number: i64) {
    put_var(out, ((number << 1) ^ (number >> 63)) as u64);
}

/// Reads a body from its start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wire<'a> {
    rest: &'a [u8],
}

type Read<T> = Result<T, Malformed>;

impl<'a> Wire<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What has not been read.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn take(&mut self, len: usize) -> Read<&'a [u8]> {
        let (head, rest) = self.rest.split_at_checked(len).ok_or(Malformed("it ends too early"))?;
        self.rest = rest;
        Ok(head)
    }

    fn chunk<const N: usize>(&mut self) -> Read<[u8; N]> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(Malformed("it ends too early"))?;
        self.rest = rest;
        Ok(*head)
    }

    pub(crate) fn u8(&mut self) -> Read<u8> {
        Ok(u8::from_le_bytes(self.chunk()?))
    }

    pub(crate) fn u16(&mut self) -> Read<u16> {
        Ok(u16::from_le_bytes(self.chunk()?))
    }

    pub(crate) fn u64(&mut self) -> Read<u64> {
        Ok(u64::from_le_bytes(self.chunk()?))
    }

    pub(crate) fn u128(&mut self) -> Read<u128> {
        Ok(u128::from_le_bytes(self.chunk()?))
    }

    pub(crate) fn var(&mut self) -> Read<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Malformed("a number is too long"))
    }

    pub(crate) fn var32(&mut self) -> Read<u32> {
        u32::try_from(self.var()?).map_err(|_| Malformed("a number is too large"))
    }

    /// A number of things that follow, each at least one byte long, so that memory can be taken for them.
    pub(crate) fn count(&mut self) -> Read<usize> {
        match usize::try_from(self.var()?) {
            Ok(count) if count <= self.rest.len() => Ok(count),
            _ => Err(Malformed("it announces more than it holds")),
        }
    }

    pub(crate) fn signed(&mut self) -> Read<i64> {
        let number = self.var()?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    pub(crate) fn bytes(&mut self) -> Read<&'a [u8]> {
        let len = usize::try_from(self.var()?).map_err(|_| Malformed("a length is too large"))?;
        self.take(len)
    }

    pub(crate) fn str(&mut self) -> Read<&'a str> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Malformed("a text is not UTF-8"))
    }

    pub(crate) fn text(&mut self) -> Read<ByteString> {
        Ok(ByteString::from(self.str()?))
    }

    pub(crate) fn micros(&mut self) -> Read<Timestamp> {
        let micros = i64::from_le_bytes(self.chunk()?);
        Timestamp::from_microsecond(micros).map_err(|_| Malformed("a time is out of range"))
    }

    pub(crate) fn time(&mut self) -> Read<Timestamp> {
        let seconds = self.signed()?;
        let nanos = i32::try_from(self.signed()?).map_err(|_| Malformed("a time is out of range"))?;
        Timestamp::new(seconds, nanos).map_err(|_| Malformed("a time is out of range"))
    }

    /// The version that every body begins with.
    pub(crate) fn version(&mut self) -> Read<()> {
        match self.u8()? {
            1 => Ok(()),
            _ => Err(Malformed("a newer version of Fanfare wrote it")),
        }
    }
}
