//! `wireglass interfaces`, and which of them the words after `-i` mean.
use std::io::{self, Write};

use super::args::LiveArgs;
use crate::{
    capture::live::{self, InterfaceChoice, LiveError},
    cli::{
        complain,
        exit::{Ended, Failure},
    },
    filter,
};

/// Lists the interfaces: number, name, state, addresses, description; and on standard error whether they may be used.
pub fn interfaces() -> Result<Ended, Failure> {
    let devices = live::interfaces().map_err(|error| Failure::Capture(error.to_string()))?;
    let mut out = io::stdout().lock();
    let widest = devices.iter().map(|device| device.name.len()).max().unwrap_or(0);
    for (number, device) in (1..).zip(devices) {
        let state = if device.up { "up" } else { "down" };
        let addresses: Vec<String> = device.addresses.iter().map(ToString::to_string).collect();
        let description = device.description.map_or(String::new(), |text| format!("  {text}"));
        let line = format!("{number:2}  {:widest$}  {state:4}  {}{description}", device.name, addresses.join(" "));
        writeln!(out, "{}", line.trim_end()).map_err(Failure::Output)?;
    }
    out.flush().map_err(Failure::Output)?;
    match live::allowed() {
        Some(true) => complain("capturing is allowed now"),
        Some(false) => complain(&format!("capturing is not allowed now; {}", live::remedy())),
        None => {}
    }
    Ok(Ended::Done)
}

/// What was asked to be captured from: names, each with its filter.
///
/// # Errors
/// An interface twice, or filters that are neither one nor as many as interfaces.
pub(super) fn choices(args: &LiveArgs) -> Result<Vec<InterfaceChoice>, Failure> {
    // What cannot be listed can still be named.
    let devices = live::interfaces().unwrap_or_default();
    let names: Vec<String> = args.interfaces.iter().map(|word| live::name(word, &devices)).collect();
    if let Some(twice) = names.iter().enumerate().find_map(|(at, name)| names[..at].contains(name).then_some(name)) {
        return Err(Failure::Usage(format!("-i {twice} was given twice: each of its packets would count twice")));
    }
    let filters = &args.filters;
    if filters.len() > 1 && filters.len() != names.len() {
        return Err(Failure::Usage(format!(
            "{} filters (-f) for {} interfaces (-i): give one for all, or one for each in order",
            filters.len(),
            names.len()
        )));
    }
    let filter = |at: usize| filters.get(if filters.len() == 1 { 0 } else { at }).cloned();
    Ok(names.into_iter().enumerate().map(|(at, name)| InterfaceChoice { name, filter: filter(at) }).collect())
}

/// Why capturing cannot begin, with the nearest name where there is no such interface.
pub(super) fn failure(error: LiveError) -> Failure {
    match error {
        LiveError::Filter(error) => Failure::Filter(error.to_string()),
        LiveError::NoSuchDevice { device } => {
            let names: Vec<String> =
                live::interfaces().unwrap_or_default().into_iter().map(|device| device.name).collect();
            let nearest = filter::nearest(&device, names.iter().map(String::as_str));
            let nearest = nearest.map_or(String::new(), |near| format!(" Did you mean `{near}`?"));
            let all = if names.is_empty() { "none that can be seen".to_owned() } else { names.join(", ") };
            Failure::Capture(format!("{device}: there is no such interface.{nearest} There are: {all}"))
        }
        other => Failure::Capture(other.to_string()),
    }
}
