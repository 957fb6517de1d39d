//! One mail over an open connection.

use domain::delivery::{Answer, Outcome, Stage};

use super::{Envelope, Session, message};

/// How a finished transaction left the connection.
pub(super) enum Footing {
    /// Ready for the next mail.
    Clean,
    /// Ready after `RSET`.
    NeedsReset,
}

/// The commands before a message, in order.
type Commands<'a> = [(Stage, &'a str); 3];

/// A refusal and how it left the connection; none when the server waits for the message.
type Asked = Option<(Outcome, Footing)>;

impl Session {
    /// Sends one mail. `Err` is an outcome after which the two sides may disagree on what was said: the connection is
    /// lost with it.
    pub(super) async fn transact(
        &mut self,
        envelope: &Envelope<'_>,
        message: &[u8],
    ) -> Result<(Outcome, Footing), Outcome> {
        let mail = format!("MAIL FROM:<{}>", envelope.from);
        let rcpt = format!("RCPT TO:<{}>", envelope.to);
        let commands = [(Stage::Mail, mail.as_str()), (Stage::Rcpt, rcpt.as_str()), (Stage::Data, "DATA")];
        let asked =
            if self.pipelines { self.ask_at_once(&commands).await? } else { self.ask_in_turn(&commands).await? };
        match asked {
            Some(refused) => Ok(refused),
            None => self.hand_over(message).await,
        }
    }

    async fn ask_in_turn(&mut self, commands: &Commands<'_>) -> Result<Asked, Outcome> {
        for (stage, line) in *commands {
            self.say(stage, &[line]).await?;
            if let Some(answer) = self.hear(stage).await? {
                return Ok(Some((Outcome::Answered(stage, answer), Footing::NeedsReset)));
            }
        }
        Ok(None)
    }

    /// All commands in one write, then their answers (RFC 2920).
    async fn ask_at_once(&mut self, commands: &Commands<'_>) -> Result<Asked, Outcome> {
        self.say(Stage::Mail, &commands.map(|(_, line)| line)).await?;
        let mut refusal = None;
        let mut granted = [false; 3];
        for ((stage, _), granted) in commands.iter().zip(&mut granted) {
            match self.hear(*stage).await {
                Ok(None) => *granted = true,
                Ok(Some(answer)) => {
                    refusal.get_or_insert(Outcome::Answered(*stage, answer));
                }
                Err(later) => return Err(first_word(refusal, later)),
            }
        }
        let Some(refusal) = refusal else { return Ok(None) };
        match granted {
            [_, _, false] => Ok(Some((refusal, Footing::NeedsReset))),
            // Nobody is left to receive anything, yet the server waits for a message (RFC 2920, 3.1).
            [_, false, true] if self.end_for_nobody().await => Ok(Some((refusal, Footing::Clean))),
            // It took a recipient without a sender: a dot could deliver an empty mail.
            _ => Err(refusal),
        }
    }

    /// Sends a lone dot and says whether the server is done with it.
    async fn end_for_nobody(&mut self) -> bool {
        let deadline = self.deadlines.command;
        if self.wire.write_lines(&["."], deadline).await.is_err() {
            return false;
        }
        let reply = self.wire.read_reply(deadline).await;
        reply.is_ok_and(|reply| matches!(reply.code, 200..300) || is_refusal(reply.code))
    }

    /// Sends the message with its dot in one write and waits for the verdict.
    ///
    /// Until the first byte of it is written nobody can have it, so the server's last words before that are heard first.
    async fn hand_over(&mut self, message: &[u8]) -> Result<(Outcome, Footing), Outcome> {
        if let Err(reason) = self.wire.take_in() {
            return Err(Outcome::Lost(Stage::Data, reason));
        }
        if self.wire.has_unread() {
            // An answer to a message that was not sent yet would pass for the answer to it.
            return Err(Outcome::Lost(Stage::Data, "the server answered before it was asked".to_owned()));
        }
        let message = message::encode(message);
        if let Err(reason) = self.wire.write_message(&message, self.deadlines.command).await {
            // The dot is the last thing written, so it did not arrive. The server may have said why it broke off.
            return Err(match self.wire.read_reply(self.deadlines.quit).await {
                Ok(reply) if matches!(reply.code, 400..600) => Outcome::Answered(Stage::Data, reply.into_answer()),
                _ => Outcome::Lost(Stage::Data, reason),
            });
        }
        let reply = self.wire.read_reply(self.deadlines.dot).await;
        let answer = reply.map_err(|reason| Outcome::Lost(Stage::Dot, reason))?.into_answer();
        let is_over = answer.code == 250 || is_refusal(answer.code);
        let outcome = Outcome::Answered(Stage::Dot, answer);
        if is_over { Ok((outcome, Footing::Clean)) } else { Err(outcome) }
    }

    async fn say(&mut self, stage: Stage, lines: &[&str]) -> Result<(), Outcome> {
        self.wire.write_lines(lines, self.deadlines.command).await.map_err(|reason| Outcome::Lost(stage, reason))
    }

    /// Reads the answer to a command: none is consent, some a refusal. `Err` when it ends the conversation, because
    /// the server closes (`421`) or because it is no answer to this command.
    async fn hear(&mut self, stage: Stage) -> Result<Option<Answer>, Outcome> {
        let reply = self.wire.read_reply(self.deadlines.command).await;
        let answer = reply.map_err(|reason| Outcome::Lost(stage, reason))?.into_answer();
        let is_granted = if stage == Stage::Data { answer.code == 354 } else { answer.is_success() };
        if is_granted {
            Ok(None)
        } else if is_refusal(answer.code) {
            Ok(Some(answer))
        } else {
            Err(Outcome::Answered(stage, answer))
        }
    }
}

/// A refusal after which the conversation goes on.
fn is_refusal(code: u16) -> bool {
    matches!(code, 400..600) && code != 421
}

/// A server that hangs up after a refusal has refused; one whose answers are out of step has said nothing.
fn first_word(refusal: Option<Outcome>, later: Outcome) -> Outcome {
    match (refusal, &later) {
        (Some(refusal), Outcome::Lost(..) | Outcome::Answered(_, Answer { code: 421, .. })) => refusal,
        _ => later,
    }
}
