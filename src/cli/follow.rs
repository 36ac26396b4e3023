//! `wireglass follow FILE ID`: the bytes of one flow.
use std::{
    io::{self, BufWriter, IsTerminal},
    sync::{Arc, atomic::AtomicBool},
};

use super::{
    analyze,
    args::{FollowArgs, FollowFormat, FollowLayer, FollowSide, ResourceArgs},
    choice::{self, Choice, Name},
    complain,
    exit::{Ended, Failure},
    keys, plan,
};
use crate::{
    engine::{self, Depth, Followed, Following},
    record::{Chunk, Content, FlowId, Side, StreamLayer, Wanted},
    report::{
        self,
        stream::{StreamFormat, StreamWriter},
    },
};

/// Holes told of on standard error one by one.
const TOLD_HOLES: u64 = 10;

/// Runs the command.
pub fn follow(args: &FollowArgs) -> Result<Ended, Failure> {
    if args.format == FollowFormat::Raw {
        if args.side.is_none() {
            let why = "raw bytes of both sides in one another cannot be told apart: add --side client or --side server";
            return Err(Failure::Usage(why.to_owned()));
        }
        if io::stdout().is_terminal() {
            let why = "raw bytes are not written to a terminal, which would obey them: add > FILE, or -o text";
            return Err(Failure::Usage(why.to_owned()));
        }
    }
    let choice = Choice { file: &args.file, id: &args.id };
    let name = Name::parse(&args.id)?;
    let is_piped = args.file.as_os_str() == "-";
    if is_piped && !matches!(name, Name::Flow(_)) {
        let why = "to find a flow by its ends or packets the capture is read more than once, so it cannot be standard \
                   input: save it first, or give the flow's number";
        return Err(Failure::Usage(why.to_owned()));
    }
    let text = match &name {
        Name::Flow(id) => id.clone(),
        Name::Packet(packet) => choice.by_packet(*packet)?,
        Name::Ends(ends) => choice.by_ends(ends)?,
    };
    let outcome = run(args, id_of(&text)?)?;
    if outcome.is_found {
        return ended(args, &outcome);
    }
    // A plain number may be that of any packet, not only of the one that opened the flow.
    let by_packet = match text.parse() {
        Ok(packet) if !is_piped => choice.of_packet(packet)?,
        _ => None,
    };
    match by_packet {
        Some(other) if other != text => ended(args, &run(args, id_of(&other)?)?),
        _ => {
            analyze::judge(&outcome.captures, false);
            Err(Failure::Usage(choice.missing_near(&outcome.near)))
        }
    }
}

fn id_of(text: &str) -> Result<FlowId, Failure> {
    choice::flow_id(text).ok_or_else(|| Failure::Usage(format!("`{text}` is too large for a flow's number")))
}

fn ended(args: &FollowArgs, outcome: &engine::FollowOutcome) -> Result<Ended, Failure> {
    let ended = analyze::judge(&outcome.captures, false);
    if outcome.goes_deeper {
        complain("inside TLS there is another TLS connection, which was opened too; it is not followed");
    }
    if outcome.stayed_closed {
        return Err(Failure::Usage(format!(
            "{}: no TLS of flow {} could be opened: give its secrets (--keylog, --rsa-key), or follow --layer tcp",
            analyze::name(&args.file),
            args.id
        )));
    }
    Ok(ended)
}

fn run(args: &FollowArgs, flow: FlowId) -> Result<engine::FollowOutcome, Failure> {
    let source = analyze::open(std::slice::from_ref(&args.file))?;
    let (names, stop) = (vec![analyze::name(&args.file)], Arc::new(AtomicBool::new(false)));
    let given = keys::given(&args.keys)?;
    let settings = plan::engine_settings(&ResourceArgs::default(), Wanted::none(), None, None, names, stop, given);
    let options = report::Options {
        // What is piped or kept in a file is not folded.
        width: plan::width().filter(|_| io::stdout().is_terminal() || std::env::var_os("COLUMNS").is_some()),
        color: plan::color(args.color),
        time: plan::time(args.time),
        ..report::Options::default()
    };
    let format = match args.format {
        FollowFormat::Text => StreamFormat::Text,
        FollowFormat::Hex => StreamFormat::Hex,
        FollowFormat::Raw => StreamFormat::Raw,
        FollowFormat::Ndjson => StreamFormat::Ndjson,
        FollowFormat::Json => StreamFormat::Json,
    };
    // Who watches sees each line as it comes; standard output is flushed by lines by itself.
    let out: report::Output = match args.file.as_os_str() == "-" || io::stdout().is_terminal() {
        true => Box::new(io::stdout()),
        false => Box::new(BufWriter::new(io::stdout())),
    };
    let mut writer = StreamWriter::new(out, format, options);
    let following = Following {
        flow,
        layer: args.layer.map(|layer| match layer {
            FollowLayer::Tcp => Depth::Transport,
            FollowLayer::Tls => Depth::Inside,
        }),
    };
    let side = args.side.map(|side| match side {
        FollowSide::Client => Side::Client,
        FollowSide::Server => Side::Server,
    });
    let mut holes = Holes::default();
    let outcome = engine::follow(source, settings, following, &mut |followed| match followed {
        Followed::Begin { flow, layer, start } => {
            if layer == StreamLayer::Tls && args.layer.is_none() && format == StreamFormat::Raw {
                complain(&format!("flow {}: what TLS carried, opened; --layer tcp gives it as it was sent", flow.id));
            }
            writer.begin(flow, layer, start)
        }
        Followed::Chunk(chunk) if side.is_some_and(|side| side != chunk.direction.sender()) => Ok(()),
        Followed::Chunk(chunk) => {
            if format == StreamFormat::Raw {
                holes.see(chunk);
            }
            writer.chunk(chunk)
        }
    });
    let outcome = outcome.map_err(Failure::Output)?;
    // A flow that is not there is told of on standard error alone.
    if outcome.is_found && !outcome.stayed_closed {
        writer.finish().map_err(Failure::Output)?;
    }
    holes.tell();
    Ok(outcome)
}

/// Holes in raw bytes, where they leave no trace.
#[derive(Default)]
struct Holes {
    count: u64,
    bytes: u64,
}

impl Holes {
    fn see(&mut self, chunk: &Chunk) {
        let Content::Missing(length) = chunk.content else { return };
        self.count += 1;
        self.bytes += length;
        if self.count <= TOLD_HOLES {
            complain(&format!(
                "[{length} bytes not captured] at byte {}, before #{}",
                chunk.offset, chunk.packet.number
            ));
        }
    }

    fn tell(&self) {
        if self.count > TOLD_HOLES {
            complain(&format!("{} holes in all, {} bytes not captured", self.count, self.bytes));
        }
    }
}
