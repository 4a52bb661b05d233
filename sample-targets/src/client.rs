//! One connection to the "server" scenario: a line asked, a line answered.

use crate::Error;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(60);

/// A connection to a sample's server. Each one occupies one of its four workers.
#[derive(Debug)]
pub struct Client {
    pid: i32,
    requests: TcpStream,
    answers: BufReader<TcpStream>,
}

impl Client {
    /// Connects to the port that the greeting of process `pid` tells.
    pub(crate) fn connect(pid: i32, greeting: &[String]) -> Result<Client, Error> {
        let port =
            greeting.iter().find_map(|line| line.strip_prefix("listening on port ")?.parse::<u16>().ok());
        let Some(port) = port else {
            return Err(Error::NoAnswer { pid, reason: "it told no port".to_string() });
        };
        let connect = || -> std::io::Result<Client> {
            let requests = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
            requests.set_read_timeout(Some(LIMIT))?;
            let answers = BufReader::new(requests.try_clone()?);
            Ok(Client { pid, requests, answers })
        };
        connect().map_err(|error| Error::NoAnswer { pid, reason: error.to_string() })
    }

    /// Sends one command (`ping`, `hello`, `get KEY`, `set KEY VALUE`, `stats`, `quit`, `crash`,
    /// `hang`) and gives the answer. The last two never answer: use [`Client::send`].
    ///
    /// # Errors
    /// When the server has gone away or stays silent for a minute.
    pub fn ask(&mut self, request: &str) -> Result<String, Error> {
        self.send(request)?;
        let mut answer = String::new();
        match self.answers.read_line(&mut answer) {
            Ok(0) => Err(self.failed("it closed the connection")),
            Ok(_) => Ok(answer.trim_end().to_string()),
            Err(error) => Err(self.failed(&error.to_string())),
        }
    }

    /// Sends one command without waiting for an answer.
    ///
    /// # Errors
    /// When the connection is broken.
    pub fn send(&mut self, request: &str) -> Result<(), Error> {
        self.requests
            .write_all(format!("{request}\n").as_bytes())
            .map_err(|error| self.failed(&error.to_string()))
    }

    fn failed(&self, reason: &str) -> Error {
        Error::NoAnswer { pid: self.pid, reason: reason.to_string() }
    }
}
