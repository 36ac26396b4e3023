//! `wireglass packets FILE`: one line a packet, its layer tree, its bytes.
use std::{
    io::{self, BufWriter, IsTerminal},
    sync::{Arc, atomic::AtomicBool},
};

use super::{
    analyze,
    args::{Format, PacketsArgs, ResourceArgs},
    exit::{Ended, Failure},
    keys, plan, save,
};
use crate::{
    engine,
    record::{Packet, Record, Wanted},
    report::{self, Writer},
};

/// Runs the command.
pub fn packets(args: &PacketsArgs) -> Result<Ended, Failure> {
    let files = plan::files(&args.source)?;
    let display_filter = plan::display_filter(args.source.display_filter.as_deref())?;
    let resources = ResourceArgs { threads: Some(1), ..ResourceArgs::default() };
    let settings = || -> Result<engine::Settings, Failure> {
        let filter = plan::capture_filter(args.source.filter.as_deref())?;
        let (given, stop) = (keys::given(&args.source.keys)?, Arc::new(AtomicBool::new(false)));
        let names = files.iter().map(|file| analyze::name(file)).collect();
        Ok(plan::engine_settings(&resources, Wanted::none(), filter, args.source.count, names, stop, given))
    };
    let prints = args.print || args.verbose || args.hex || args.format != Format::Table;
    if args.source.write.is_some() && !prints {
        let captures = save::packets(&args.source, &files, display_filter, &settings)?;
        return Ok(analyze::judge(&captures, false));
    }
    if args.source.whole_flows || (prints && save::is_standard_output(&args.source)) {
        let why = "with --whole-flows or -w - packets are written and not printed: leave out -P, -V, -x and -o";
        return Err(Failure::Usage(why.to_owned()));
    }
    let settings = engine::Settings { save: save::saver(&args.source, &files)?, ..settings()? };
    let source = analyze::open(&files)?;
    let out = Box::new(BufWriter::new(io::stdout()));
    let options = report::Options {
        // What is piped or kept in a file is not cut.
        width: plan::width().filter(|_| io::stdout().is_terminal() || std::env::var_os("COLUMNS").is_some()),
        color: plan::color(args.color),
        time: plan::time(args.time),
        wanted: [crate::record::RecordKind::Packet].into_iter().collect(),
        ..report::Options::default()
    };
    let outcome = if args.format == Format::Table {
        let mut lines = report::packets::PacketLines::new(out, options, args.verbose);
        let mut show = |packet: &Packet, bytes: &[u8], first| {
            lines.begin_at(first);
            lines.packet(packet, args.hex.then_some(bytes))
        };
        let outcome = engine::packets(source, settings, display_filter, &mut show);
        outcome.and_then(|outcome| lines.finish().map(|()| outcome))
    } else {
        let mut writer = report::writer(plan::format(args.format), out, options).map_err(Failure::Output)?;
        let mut show = |packet: &Packet, _: &[u8], _| writer.record(&Record::Packet(Box::new(packet.clone())));
        let outcome = engine::packets(source, settings, display_filter, &mut show);
        outcome.and_then(|outcome| writer.finish().map(|()| outcome))
    };
    let outcome = outcome.map_err(save::failed)?;
    save::tell(&args.source, outcome.saved);
    analyze::unnumbered(outcome.unnumbered);
    Ok(analyze::judge(&outcome.captures, false))
}
