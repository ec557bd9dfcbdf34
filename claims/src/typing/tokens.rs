//! Words, numbers and signs of a statement: in lower case, with contractions written out, dashes and quotation marks of all kinds
//! made alike, so that one phrase of the vocabulary stands for all spellings.

use std::ops::Range;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    Word,
    Number,
    Sign,
}

/// A token: its text is in lower case.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    /// Where it stands in the statement.
    pub(crate) range: Range<usize>,
    text: Range<usize>,
    /// Whether it began with a capital.
    pub(crate) capital: bool,
}

/// The tokens of a statement.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tokens {
    list: Vec<Token>,
    lower: String,
}

impl Tokens {
    pub(crate) fn of(text: &str) -> Self {
        let mut tokens = Self { list: Vec::with_capacity(text.len() / 5), lower: String::with_capacity(text.len() + 8) };
        let mut chars = text.char_indices().peekable();
        let mut beyond = 0;
        while let Some((at, c)) = chars.next() {
            if at < beyond {
                continue;
            }
            // An address is one word that says nothing.
            if c.is_alphabetic() && (at == 0 || !text[..at].ends_with(char::is_alphanumeric)) && is_address(&text[at..]) {
                let length =
                    text[at..].find(|c: char| c.is_whitespace() || matches!(c, ')' | '>' | '"' | ',' | ';')).unwrap_or(text.len() - at);
                beyond = at + length;
                tokens.add(TokenKind::Word, at..beyond, "url", false);
                continue;
            }
            if c.is_alphabetic() {
                let mut end = at + c.len_utf8();
                while let Some((next, c)) = chars.peek().copied() {
                    // An apostrophe or a stop within a word belongs to it: "don't", "z.B".
                    let rest = &text[next + c.len_utf8()..];
                    // A version follows its name: "TLSv1.2".
                    let version =
                        c == '.' && text[..next].ends_with(|c: char| c.is_ascii_digit()) && rest.starts_with(|c: char| c.is_ascii_digit());
                    let inner = version || matches!(c, '\'' | '’') && rest.starts_with(char::is_alphabetic);
                    if !c.is_alphanumeric() && !inner && c != '\u{ad}' {
                        break;
                    }
                    end = next + c.len_utf8();
                    chars.next();
                }
                tokens.word(&text[at..end], at);
            } else if c.is_ascii_digit() {
                let mut end = at + 1;
                while let Some((next, c)) = chars.peek().copied() {
                    let rest = &text[next + c.len_utf8()..];
                    let inner = matches!(c, '.' | ',') && rest.starts_with(|c: char| c.is_ascii_digit());
                    if !c.is_ascii_digit() && !inner {
                        break;
                    }
                    end = next + c.len_utf8();
                    chars.next();
                }
                tokens.number(&text[at..end], at);
            } else if c.is_whitespace() || c == '\u{ad}' {
                // White space only parts.
            } else {
                tokens.sign(c, at, text);
            }
        }
        tokens
    }

    fn add(&mut self, kind: TokenKind, range: Range<usize>, text: &str, capital: bool) {
        let start = self.lower.len();
        self.lower.push_str(text);
        self.list.push(Token { kind, range, text: start..self.lower.len(), capital });
    }

    fn word(&mut self, word: &str, at: usize) {
        let capital = word.starts_with(char::is_uppercase);
        let range = at..at + word.len();
        let mut lower = word.to_lowercase();
        if lower.contains(['’', '\u{ad}']) {
            lower = lower.replace('’', "'").replace('\u{ad}', "");
        }
        if let Some((stem, ending)) = lower.rsplit_once('\'') {
            // Of French and Italian, the short word before the apostrophe is a word of its own.
            if matches!(stem, "l" | "d" | "qu" | "n" | "s" | "j" | "c" | "m" | "t" | "jusqu" | "aujourd" | "lorsqu" | "dell" | "all") {
                self.add(TokenKind::Word, range.clone(), stem, capital);
                return self.split(ending, range, false);
            }
            let pronoun = matches!(stem, "it" | "that" | "there" | "what" | "who" | "he" | "she" | "here" | "where" | "everything" | "let");
            let (first, second) = match (stem, ending) {
                ("won", "t") => ("will", "not"),
                ("can", "t") => ("can", "not"),
                ("shan", "t") => ("shall", "not"),
                (stem, "t") => (stem.strip_suffix('n').unwrap_or(stem), "not"),
                (stem, "re") => (stem, "are"),
                (stem, "ve") => (stem, "have"),
                (stem, "ll") => (stem, "will"),
                ("i" | "we" | "you" | "they", "d") => (stem, "would"),
                ("i", "m") => ("i", "am"),
                (stem, "s") if pronoun => (stem, "is"),
                (stem, _) => (stem, ""),
            };
            self.add(TokenKind::Word, range.clone(), first, capital);
            if !second.is_empty() {
                self.add(TokenKind::Word, range, second, false);
            }
            return;
        }
        if lower == "cannot" {
            self.add(TokenKind::Word, range.clone(), "can", capital);
            return self.add(TokenKind::Word, range, "not", false);
        }
        self.split(&lower, range, capital);
    }

    // "tlsv1.2", "aes256" and "soc2" are a name and a number.
    fn split(&mut self, lower: &str, range: Range<usize>, capital: bool) {
        let digits = lower.find(|c: char| c.is_ascii_digit());
        if let Some(at) = digits {
            let (name, rest) = lower.split_at(at);
            let name = name.strip_suffix('v').filter(|name| NAMES.contains(name)).unwrap_or(name);
            if NAMES.contains(&name) && rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
                let middle = range.start + at.min(range.len());
                self.add(TokenKind::Word, range.start..middle, name, capital);
                self.add(TokenKind::Number, middle..range.end, rest, false);
                return;
            }
        }
        self.add(TokenKind::Word, range, lower, capital);
    }

    fn number(&mut self, number: &str, at: usize) {
        let range = at..at + number.len();
        // Thousands are grouped by commas (or stops) and three digits; a comma is a decimal point elsewhere.
        let grouped = number.contains(',') && number.split(',').skip(1).all(|group| group.len() == 3) && !number.starts_with('0');
        let text = if grouped { number.replace(',', "") } else { number.replace(',', ".") };
        // "1.2" behind "tlsv": the version follows its name without a gap.
        self.add(TokenKind::Number, range, &text, false);
    }

    fn sign(&mut self, c: char, at: usize, text: &str) {
        let range = at..at + c.len_utf8();
        let spaced = text[..at].ends_with(char::is_whitespace) && text[range.end..].starts_with(char::is_whitespace);
        let sign = match c {
            // Within a word a dash joins; between words it parts.
            '-' | '‐' | '‑' if !spaced => {
                let between_numbers =
                    text[..at].ends_with(|c: char| c.is_ascii_digit()) && text[range.end..].starts_with(|c: char| c.is_ascii_digit());
                if !between_numbers {
                    return;
                }
                "-"
            }
            '-' | '–' | '—' | '−' | '‒' | '―' => "-",
            '"' | '“' | '”' | '„' | '«' | '»' => "\"",
            '≥' => ">=",
            '≤' => "<=",
            '·' | '•' | '|' => ";",
            '\'' | '’' | '‘' | '*' | '_' | '`' | '\\' => return,
            _ => {
                let mut buffer = [0; 4];
                let sign: &str = c.encode_utf8(&mut buffer);
                self.add(TokenKind::Sign, range, sign, false);
                return self.join_comparison();
            }
        };
        self.add(TokenKind::Sign, range, sign, false);
    }

    // ">" and "=" side by side are one sign.
    fn join_comparison(&mut self) {
        let Some([first, second]) = self.list.last_chunk::<2>() else { return };
        let joined = match (&self.lower[first.text.clone()], &self.lower[second.text.clone()]) {
            (">", "=") => ">=",
            ("<", "=") => "<=",
            _ => return,
        };
        if first.range.end == second.range.start {
            let range = first.range.start..second.range.end;
            self.list.truncate(self.list.len() - 2);
            self.add(TokenKind::Sign, range, joined, false);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    pub(crate) fn get(&self, at: usize) -> Option<&Token> {
        self.list.get(at)
    }

    /// The text of a token; empty beyond the end.
    pub(crate) fn text(&self, at: usize) -> &str {
        self.list.get(at).map_or("", |token| &self.lower[token.text.clone()])
    }

    pub(crate) fn is_number(&self, at: usize) -> bool {
        self.list.get(at).is_some_and(|token| token.kind == TokenKind::Number)
    }

    pub(crate) fn is_word(&self, at: usize) -> bool {
        self.list.get(at).is_some_and(|token| token.kind == TokenKind::Word)
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (usize, &str)> {
        self.list.iter().enumerate().map(|(at, token)| (at, &self.lower[token.text.clone()]))
    }

    /// Whether the next token stands directly behind this one.
    pub(crate) fn touches(&self, at: usize) -> bool {
        matches!((self.list.get(at), self.list.get(at + 1)), (Some(a), Some(b)) if a.range.end == b.range.start)
    }
}

// An address of the web or of mail.
fn is_address(text: &str) -> bool {
    if ["http://", "https://", "www.", "mailto:"]
        .iter()
        .any(|start| text.len() > start.len() && text.as_bytes()[..start.len()].eq_ignore_ascii_case(start.as_bytes()))
    {
        return true;
    }
    let local = text.bytes().take(64).take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'+')).count();
    text.as_bytes().get(local) == Some(&b'@') && text.as_bytes().get(local + 1).is_some_and(u8::is_ascii_alphanumeric)
}

// Names that are written together with a number.
const NAMES: &[&str] = &[
    "tls", "tlsv", "ssl", "sslv", "aes", "rsa", "sha", "soc", "type", "p", "md", "iso", "nis", "hmac", "class", "level", "fips", "cmmc",
    "il", "hmacsha", "rc",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Vec<String> {
        Tokens::of(text).iter().map(|(_, text)| text.to_owned()).collect()
    }

    #[test]
    fn spellings_are_made_alike() {
        assert_eq!(
            list("We don’t use TLSv1.2, AES256 or SOC2"),
            ["we", "do", "not", "use", "tls", "1.2", ",", "aes", "256", "or", "soc", "2"]
        );
        assert_eq!(list("30-day, 14–30 days, 99,95 %"), ["30", "day", ",", "14", "-", "30", "days", ",", "99.95", "%"]);
        assert_eq!(list("1,000 e-mails >= 3, ≥2"), ["1000", "e", "mails", ">=", "3", ",", ">=", "2"]);
        assert_eq!(list("see https://a.example/x?y=1, or a.b@c.example"), ["see", "url", ",", "or", "url"]);
        assert_eq!(list("l’UE et d'abord; customer's"), ["l", "ue", "et", "d", "abord", ";", "customer"]);
    }

    #[test]
    fn tokens_know_their_place() {
        let tokens = Tokens::of("Für 30 Tage");
        assert_eq!(tokens.get(1).map(|token| token.range.clone()), Some(5..7));
        assert!(tokens.get(0).is_some_and(|token| token.capital));
    }
}
