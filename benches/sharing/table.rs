//! Lines of what was measured, and what was promised of it.

/// What a figure was promised to be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Promised {
    AtMost(f64),
    AtLeast(f64),
    Nothing,
}

/// Begins a part of the table.
pub(crate) fn part(title: &str) {
    println!("\n{title}");
}

/// A line, as `{:.2}` has it or with fewer digits where there are many.
pub(crate) fn line(what: &str, figure: f64, unit: &str, promised: Promised) {
    let digits = match figure.abs() {
        ..1.0 => 3,
        ..10.0 => 2,
        ..100.0 => 1,
        _ => 0,
    };
    let promise = match promised {
        Promised::AtMost(most) if figure <= most => format!("at most {most}"),
        Promised::AtLeast(least) if figure >= least => format!("at least {least}"),
        Promised::AtMost(most) => format!("AT MOST {most}: NOT KEPT"),
        Promised::AtLeast(least) => format!("AT LEAST {least}: NOT KEPT"),
        Promised::Nothing => String::new(),
    };
    let line = format!("  {what:<66} {figure:>9.digits$} {unit:<6} {promise}");
    println!("{}", line.trim_end());
}

/// A line of which nothing was promised.
pub(crate) fn fact(what: &str, figure: f64, unit: &str) {
    line(what, figure, unit, Promised::Nothing);
}
