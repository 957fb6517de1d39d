//! The command line. Exit status 0 done, 1 failed with one sentence on standard error, 2 wrong usage.

use std::{
    io::{IsTerminal, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use app::emails::one_line;
use clap::{Parser, Subcommand};
use domain::{
    email_address::EmailAddress,
    forms::{FieldErrors, KeyForm},
    time,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Failure, Server,
    actions::{accounts, keys},
    audit,
    clock::Clock,
    config::{Config, Settings},
    connect, demo, import, mail, secret, telemetry,
};

/// A status page that mails everyone once, in one binary.
#[derive(Debug, Parser)]
#[command(name = "tidings", version, arg_required_else_help = true)]
struct Cli {
    /// A file with settings, which must exist [default: tidings.toml, if there is one]
    #[arg(long, env = "TIDINGS_CONFIG", global = true)]
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Migrate, then serve
    Serve,
    /// Serve a believable company from a throw-away database
    Demo,
    /// Bring the database up to date
    Migrate,
    /// Print the effective settings, secrets masked, and what is wrong with them
    CheckConfig,
    /// People who may sign in
    #[command(subcommand)]
    Owner(Owner),
    /// What programs act with
    #[command(subcommand)]
    Key(Key),
    /// Who did what
    #[command(subcommand)]
    Audit(Audit),
    /// Bring data in
    #[command(subcommand)]
    Import(Import),
    /// The mail transport
    #[command(subcommand)]
    Mail(Mail),
}

#[derive(Debug, Subcommand)]
enum Owner {
    /// Add an owner. A password piped to standard input is taken; without one a one-time link is printed
    Create {
        /// Their address
        #[arg(long)]
        email: EmailAddress,
    },
}

#[derive(Debug, Subcommand)]
enum Key {
    /// Make an API key and print its token, once
    Create {
        /// What it is for
        #[arg(long)]
        name: String,
        /// What it may do, separated by commas: components, incidents, subscribers, broadcasts
        #[arg(long)]
        scopes: String,
        /// How long it lives, at most 365d
        #[arg(long)]
        expires: String,
    },
}

#[derive(Debug, Subcommand)]
enum Audit {
    /// Prove that nothing was changed or taken out since it was written
    Verify,
    /// Write every act as one line of JSON, oldest first
    Export,
}

#[derive(Debug, Subcommand)]
enum Import {
    /// The folder of a cState site: its systems and issues
    Cstate {
        /// Where `config.yml` and `content` are, or the folder of the issues
        folder: PathBuf,
    },
    /// What the API of a page at Statuspage answers, saved to files: components.json, incidents.json, summary.json
    Statuspage(import::Files),
    /// Addresses, one a line: email[,component…]
    Subscribers {
        /// The file
        file: PathBuf,
        /// They have agreed elsewhere: active at once, without a mail
        #[arg(long)]
        confirmed: bool,
    },
}

#[derive(Debug, Subcommand)]
enum Mail {
    /// Print the DNS records of the DKIM keys, as lines of a zone file
    Dkim,
    /// Send one message through the configured transport
    Test {
        /// Where to
        #[arg(long)]
        to: EmailAddress,
    },
}

/// Reads the arguments, does what they say and tells how it went.
pub async fn run() -> ExitCode {
    let cli = Cli::parse();
    match dispatch(cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(message)) => {
            complain(&message);
            ExitCode::FAILURE
        }
    }
}

async fn dispatch(cli: Cli) -> Result<(), Failure> {
    let settings = cli.settings.or_file(cli.config.as_deref()).map_err(Failure)?;
    let checked = Config::from_settings(&settings);
    if let Command::CheckConfig = cli.command {
        return check_config(checked);
    }
    let config = checked.map_err(|problems| Failure(problems.join("\n")))?;
    telemetry::init(&config.log, config.log_json);
    let clock = Clock::default();
    match cli.command {
        Command::Serve => serve(config, clock).await,
        Command::Demo => demo::run(config, clock).await,
        Command::Migrate => {
            connect(&config).await?.close().await;
            say("The database is up to date.")
        }
        Command::CheckConfig => Ok(()),
        Command::Owner(Owner::Create { email }) => create_owner(&config, &clock, &email).await,
        Command::Key(Key::Create { name, scopes, expires }) => {
            let scopes = scopes.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect();
            create_key(&config, &clock, &KeyForm { name, scopes, days: expires }).await
        }
        Command::Audit(command) => audit_log(&config, command).await,
        Command::Import(Import::Cstate { folder }) => {
            let store = connect(&config).await?;
            let report = import::cstate(&store, &clock, &folder, |refused| complain(&one_line(&refused))).await?;
            store.close().await;
            say(&report.to_string())
        }
        Command::Import(Import::Statuspage(files)) => {
            let store = connect(&config).await?;
            let report = import::statuspage(&store, &clock, &files, |refused| complain(&one_line(&refused))).await?;
            store.close().await;
            say(&report.to_string())
        }
        Command::Import(Import::Subscribers { file, confirmed }) => {
            import_subscribers(&config, &clock, &file, confirmed).await
        }
        Command::Mail(Mail::Dkim) => dkim_records(&config),
        Command::Mail(Mail::Test { to }) => mail_test(&config, &clock, &to).await,
    }
}

async fn serve(config: Config, clock: Clock) -> Result<(), Failure> {
    // Before the line that scripts wait for: what they send next must be heard.
    let (shutdown, signals) = stop_on_signal()?;
    warn(&config);
    let server = Server::bind(config, clock).await?;
    announce(&server)?;
    if server.state().store.count_users().await.map_err(|error| Failure(error.to_string()))? == 0 {
        complain("Nobody can sign in yet: run `tidings owner create --email YOU@EXAMPLE.COM`.");
    }
    server.run(shutdown).await?;
    signals.wait().await;
    Ok(())
}

/// The line scripts wait for.
pub(crate) fn announce(server: &Server) -> Result<(), Failure> {
    complain(&format!("listening on http://{}", server.address()?));
    Ok(())
}

/// A token that is cancelled by SIGTERM or Ctrl-C.
pub(crate) fn stop_on_signal() -> Result<(CancellationToken, TaskTracker), Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let problem = |error: std::io::Error| Failure(format!("signals cannot be heard: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(problem)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(problem)?;
    let shutdown = CancellationToken::new();
    let tasks = TaskTracker::new();
    let token = shutdown.clone();
    tasks.spawn(async move {
        tokio::select! {
            _ = terminate.recv() => tracing::info!("Asked to stop: finishing what is in flight"),
            _ = interrupt.recv() => tracing::info!("Interrupted: finishing what is in flight"),
            () = token.cancelled() => {}
        }
        token.cancel();
    });
    tasks.close();
    Ok((shutdown, tasks))
}

fn check_config(checked: Result<Config, Vec<String>>) -> Result<(), Failure> {
    let config = checked.map_err(|problems| Failure(problems.join("\n")))?;
    for (name, value) in config.describe() {
        say(&format!("{name} = {value}"))?;
    }
    warn(&config);
    Ok(())
}

/// Says what works but is hardly meant.
fn warn(config: &Config) {
    for warning in config.warnings() {
        complain(&format!("warning: {warning}"));
    }
}

async fn create_owner(config: &Config, clock: &Clock, email: &EmailAddress) -> Result<(), Failure> {
    let password = piped_password().await?;
    let is_complete = password.is_some();
    let store = connect(config).await?;
    let created = accounts::create_owner(&store, clock, email, password).await;
    let id = match (created, store.user_by_email(email).await) {
        (Ok(id), _) => id,
        // A lost link is replaced; a password is not, for then this command would let anyone in who can run it unseen.
        (Err(crate::error::Error::Conflict(_)), Ok(Some(user))) if user.password_hash.is_none() && !is_complete => {
            user.id
        }
        (Err(crate::error::Error::Invalid(errors)), _) => return Err(refused(&errors)),
        (Err(error), _) => return Err(Failure(error.to_string())),
    };
    if is_complete {
        say(&format!("{email} can sign in."))?;
    } else {
        let token = accounts::create_sign_in_link(&store, clock, &id).await;
        let token = token.map_err(|error| Failure(error.to_string()))?;
        say(&format!("Choose a password within 24 hours, once, at:\n{}/admin/welcome/{token}", config.public_url()))?;
    }
    store.close().await;
    Ok(())
}

/// The first line of standard input, unless that is a terminal or empty.
async fn piped_password() -> Result<Option<String>, Failure> {
    let read = tokio::task::spawn_blocking(|| {
        let input = std::io::stdin();
        let mut line = String::new();
        if input.is_terminal() { Ok(line) } else { input.read_line(&mut line).map(|_| line) }
    });
    let line = read.await.map_err(|error| Failure(error.to_string()))?;
    let line = line.map_err(|error| Failure(format!("standard input cannot be read: {error}")))?;
    let line = line.trim_end_matches(['\r', '\n']);
    Ok(Some(line.to_owned()).filter(|line| !line.is_empty()))
}

async fn create_key(config: &Config, clock: &Clock, form: &KeyForm) -> Result<(), Failure> {
    let command = form.parse().map_err(|errors| refused(&errors))?;
    let store = connect(config).await?;
    let created = keys::create_by_hand(&store, clock, command).await;
    store.close().await;
    let (key, token) = created.map_err(|error| Failure(error.to_string()))?;
    complain(&format!("{} expires on {}. This token is shown once:", key.name, time::full(key.expires_at)));
    say(&token)
}

async fn audit_log(config: &Config, command: Audit) -> Result<(), Failure> {
    let store = connect(config).await?;
    let done = match command {
        Audit::Verify => audit::verify(&store).await.and_then(|words| say(&words)),
        Audit::Export => audit::export(&store, std::io::BufWriter::new(std::io::stdout())).await,
    };
    store.close().await;
    done
}

/// All that is wrong, in one line.
fn refused(errors: &FieldErrors) -> Failure {
    let errors: Vec<_> = errors.iter().map(|(field, message)| format!("{field}: {message}")).collect();
    Failure(errors.join("; "))
}

async fn import_subscribers(config: &Config, clock: &Clock, file: &Path, confirmed: bool) -> Result<(), Failure> {
    if !confirmed {
        return Err(Failure(
            "imported people are not asked to confirm: add --confirmed if they have agreed to be mailed".to_owned(),
        ));
    }
    let store = connect(config).await?;
    let has_erased = store.has_erased().await.map_err(|error| Failure(error.to_string()))?;
    let secret = if has_erased { Some(secret::load(config).map_err(Failure)?) } else { None };
    let report = import::subscribers(&store, clock, secret.as_ref(), file, |refused| complain(&refused)).await?;
    store.close().await;
    say(&report.to_string())
}

fn dkim_records(config: &Config) -> Result<(), Failure> {
    let none = || Failure("no mail is signed: set TIDINGS_DKIM_SELECTOR and TIDINGS_DKIM_KEY_FILE".to_owned());
    let dkim = config.dkim.as_ref().ok_or_else(none)?;
    say(&dkim.records().join("\n"))
}

async fn mail_test(config: &Config, clock: &Clock, to: &EmailAddress) -> Result<(), Failure> {
    let store = connect(config).await?;
    let outcome = mail::check::send(config, &store, clock, to).await;
    store.close().await;
    let through =
        config.smtp.as_ref().map(|transport| format!("\nIt was to go through {transport}.")).unwrap_or_default();
    say(&outcome.map_err(|said| Failure(format!("{}{through}", said.trim())))?)
}

/// Writes to standard output, which a closed pipe may refuse.
fn say(text: &str) -> Result<(), Failure> {
    writeln!(std::io::stdout(), "{text}")
        .map_err(|error| Failure(format!("standard output cannot be written: {error}")))
}

/// Writes to standard error; when even that is gone, nobody is there to hear.
pub(crate) fn complain(text: &str) {
    drop(writeln!(std::io::stderr(), "{text}"));
}
