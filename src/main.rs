//! The `waymark` binary: arguments in, exit code out.

use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// One DNS daemon: recursive resolver, authoritative server and global load balancer.
#[derive(Parser)]
#[command(name = "waymark", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the daemon until SIGTERM or Ctrl-C; SIGHUP reloads. Exits with 0 after such a stop, 2 when the config cannot be read or
    /// has errors, 1 when something else keeps it from serving.
    Serve {
        /// The daemon's config.
        #[arg(long, value_name = "FILE", default_value = waymark::daemon::CONFIG)]
        config: PathBuf,
    },
    /// Validate config and zones and run the zones' tests. Exits with 0 when all is well, 1 when something is wrong with a
    /// config or zone, 2 when the config cannot be read.
    Check {
        /// The daemon's config.
        #[arg(long, value_name = "FILE", default_value = waymark::daemon::CONFIG)]
        config: PathBuf,
    },
    /// Ask the running daemon why a name is answered as it is: who speaks for it, which servers were asked and what each said. Exits
    /// with 0 when it said so, 1 when it could not, 2 when no daemon answers or the arguments are wrong.
    Explain {
        /// The daemon's config: it names the control socket.
        #[arg(long, value_name = "FILE", default_value = waymark::daemon::CONFIG)]
        config: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
        /// The question.
        #[command(flatten)]
        asked: waymark::ctl::Explain,
    },
    /// Try what steering would do, without a daemon.
    Steer {
        /// The daemon's config.
        #[arg(long, value_name = "FILE", default_value = waymark::daemon::CONFIG, global = true)]
        config: PathBuf,
        /// What to try.
        #[command(subcommand)]
        action: Steer,
    },
    /// Talk to the running daemon. Exits with 0 when it did what it was asked, 1 when it could not (a reload found something
    /// wrong), 2 when no daemon answers or the arguments are wrong.
    Ctl {
        /// The daemon's config: it names the control socket.
        #[arg(long, value_name = "FILE", default_value = waymark::daemon::CONFIG, global = true)]
        config: PathBuf,
        /// Print JSON.
        #[arg(long, global = true)]
        json: bool,
        /// What to ask.
        #[command(subcommand)]
        action: waymark::ctl::Action,
    },
    /// Run a miniature internet on loopback with a resolver on top, and print dig lines to try. Exits with 0 when it is stopped, 1
    /// when it cannot run, as when an address is taken.
    Demo {
        /// The resolver's port on 127.0.0.1.
        #[arg(long, default_value_t = 5300)]
        port: u16,
    },
}

#[derive(Subcommand)]
enum Steer {
    /// Answer a sample of clients and print the share of each pool and member; with an edited directory of zones or with somebody down,
    /// before and after. Exits with 0 when it did, 1 when a zone or a sample is wrong, 2 when config or samples cannot be read.
    Simulate(waymark::simulate::Simulate),
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Serve { config } => waymark::daemon::run(&config),
        Command::Check { config } => waymark::check::run(&config),
        Command::Explain { config, json, asked } => waymark::ctl::explain(&config, &asked, json),
        Command::Steer { config, action: Steer::Simulate(asked) } => waymark::simulate::run(&config, &asked),
        Command::Ctl { config, json, action } => waymark::ctl::run(&config, &action, json),
        Command::Demo { port } => waymark::demo::run(port),
    }
}
