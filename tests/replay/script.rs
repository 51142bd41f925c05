//! Stories as text: their steps, each with the lines that belong to it.

/// One step: its words, and the lines indented below it.
#[derive(Debug)]
pub struct Step {
    pub line: usize,
    pub words: Vec<String>,
    pub below: Vec<String>,
}

impl Step {
    /// The word at a place, or what is missing.
    pub fn word(&self, at: usize, what: &str) -> Result<&str, String> {
        self.words.get(at).map(String::as_str).ok_or_else(|| format!("{} needs {what}", self.words[0]))
    }
}

/// Reads a story.
pub fn read(text: &str) -> Result<Vec<Step>, (usize, String)> {
    let mut lines = Vec::new();
    for (i, line) in text.lines().enumerate() {
        // A comment is a word, so that `\#` is none.
        let code = if line.starts_with('#') { "" } else { line.split(" # ").next().unwrap_or("") };
        if !code.trim().is_empty() {
            lines.push((i + 1, code.trim_end().to_owned()));
        }
    }
    let mut steps: Vec<Step> = Vec::new();
    for (line, text) in unrolled(&lines)? {
        if text.starts_with(' ') {
            let Some(step) = steps.last_mut() else {
                return Err((line, "nothing is above this line".into()));
            };
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            step.below.extend(counted(&text));
        } else {
            let words = text.split_whitespace().map(str::to_owned).collect();
            steps.push(Step { line, words, below: Vec::new() });
        }
    }
    Ok(steps)
}

/// Writes `repeat N … end` out N times; in it `{n}` counts from 0 and `{n+1}` from 1.
fn unrolled(lines: &[(usize, String)]) -> Result<Vec<(usize, String)>, (usize, String)> {
    let mut out = Vec::new();
    let mut rest = lines;
    while let Some(((line, text), after)) = rest.split_first() {
        rest = after;
        let Some(times) = text.strip_prefix("repeat ") else {
            out.push((*line, text.clone()));
            continue;
        };
        let times: usize = times.parse().map_err(|_| (*line, "repeat needs a number".to_owned()))?;
        let end = rest.iter().position(|(_, text)| text == "end");
        let end = end.ok_or_else(|| (*line, "repeat without end".to_owned()))?;
        for n in 0..times {
            let numbered =
                |text: &String| text.replace("{n}", &n.to_string()).replace("{n+1}", &(n + 1).to_string());
            out.extend(rest[..end].iter().map(|(line, text)| (*line, numbered(text))));
        }
        rest = &rest[end + 1..];
    }
    Ok(out)
}

/// A line that begins with a number stands for as many; `{i}` counts them from 0.
fn counted(text: &str) -> Vec<String> {
    match text.split_once(' ').and_then(|(first, rest)| Some((first.parse::<usize>().ok()?, rest))) {
        Some((times, rest)) => (0..times).map(|i| rest.replace("{i}", &i.to_string())).collect(),
        None => vec![text.to_owned()],
    }
}

/// A time: `376ms`, `1.8s`, `2h`.
pub fn duration(text: &str) -> Result<std::time::Duration, String> {
    let at = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let unit = match &text[at..] {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3_600.0,
        _ => return Err(format!("{text} is no time")),
    };
    let number: f64 = text[..at].parse().map_err(|_| format!("{text} is no time"))?;
    Ok(std::time::Duration::from_micros((number * unit * 1e6).round() as u64))
}
