// SPDX-License-Identifier: GPL-3.0-or-later
//! Splits a command as a POSIX shell does, `$'…'` of bash included. Nothing is run or filled in: a command
//! that needs that is refused.

use std::iter::Peekable;
use std::str::CharIndices;

/// Why a command cannot be split.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShellError {
    #[error("a quotation mark is not closed")]
    Unclosed,
    /// Holds the sign that begins it.
    #[error("“{0}” asks the shell to fill something in")]
    Expansion(char),
    /// Holds the word.
    #[error("“{0}” ends the command before its line ends")]
    Operator(String),
}

type Letters<'a> = Peekable<CharIndices<'a>>;

/// The words of the command that the text begins with, and the text after its line.
pub fn split(text: &str) -> (Result<Vec<String>, ShellError>, &str) {
    let mut letters = text.char_indices().peekable();
    let words = words(&mut letters);
    let rest = match letters.peek() {
        Some((at, _)) => text.get(*at..).unwrap_or_default(),
        None => "",
    };
    match words {
        Ok(words) => (Ok(words), rest),
        // Where such a command ends nobody knows.
        Err(ShellError::Unclosed) => (Err(ShellError::Unclosed), ""),
        Err(error) => (Err(error), rest.split_once('\n').map_or("", |(_, rest)| rest)),
    }
}

fn words(letters: &mut Letters) -> Result<Vec<String>, ShellError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut is_bare = true;
    loop {
        let next = letters.next().map(|(_, c)| c);
        match next {
            None | Some(' ' | '\t' | '\r' | '\n') => {
                if let Some(word) = word.take() {
                    if is_bare && is_operator(&word) {
                        return Err(ShellError::Operator(word));
                    }
                    words.push(word);
                }
                is_bare = true;
                if matches!(next, None | Some('\n')) {
                    return Ok(words);
                }
            }
            Some('\\') => match letters.next() {
                // A line that goes on in the next one.
                Some((_, '\n')) => {}
                Some((_, '\r')) if letters.next_if(|(_, c)| *c == '\n').is_some() => {}
                Some((_, c)) => {
                    is_bare = false;
                    word.get_or_insert_default().push(c);
                }
                None => return Err(ShellError::Unclosed),
            },
            Some(quote @ ('\'' | '"')) => {
                is_bare = false;
                let word = word.get_or_insert_default();
                if quote == '\'' { single(letters, word)? } else { double(letters, word)? }
            }
            Some('$') if letters.next_if(|(_, c)| *c == '\'').is_some() => {
                is_bare = false;
                ansi(letters, word.get_or_insert_default())?;
            }
            Some(c) => {
                check_expansion(c, letters)?;
                word.get_or_insert_default().push(c);
            }
        }
    }
}

/// What joins commands or leads their output elsewhere. Only where it stands alone: an address that was
/// not quoted has `&` and `;` inside.
fn is_operator(word: &str) -> bool {
    let signs = word.trim_start_matches(['0', '1', '2']);
    !signs.is_empty() && signs.chars().all(|c| "|&;<>".contains(c))
}

fn check_expansion(c: char, letters: &mut Letters) -> Result<(), ShellError> {
    let begins_name = |next: char| next.is_ascii_alphabetic() || "_{(".contains(next);
    let is_expansion = c == '`' || (c == '$' && letters.peek().is_some_and(|(_, next)| begins_name(*next)));
    if is_expansion { Err(ShellError::Expansion(c)) } else { Ok(()) }
}

fn single(letters: &mut Letters, word: &mut String) -> Result<(), ShellError> {
    loop {
        match letters.next().ok_or(ShellError::Unclosed)? {
            (_, '\'') => return Ok(()),
            (_, c) => word.push(c),
        }
    }
}

fn double(letters: &mut Letters, word: &mut String) -> Result<(), ShellError> {
    loop {
        match letters.next().ok_or(ShellError::Unclosed)?.1 {
            '"' => return Ok(()),
            '\\' => match letters.next().ok_or(ShellError::Unclosed)?.1 {
                '\n' => {}
                c @ ('$' | '`' | '"' | '\\') => word.push(c),
                c => word.extend(['\\', c]),
            },
            c => {
                check_expansion(c, letters)?;
                word.push(c);
            }
        }
    }
}

/// The rest of `$'…'`, with the escapes of bash.
fn ansi(letters: &mut Letters, word: &mut String) -> Result<(), ShellError> {
    loop {
        match letters.next().ok_or(ShellError::Unclosed)?.1 {
            '\'' => return Ok(()),
            '\\' => {
                let c = letters.next().ok_or(ShellError::Unclosed)?.1;
                let number = match c {
                    'x' => number(letters, 16, 2, 0),
                    'u' => number(letters, 16, 4, 0),
                    'U' => number(letters, 16, 8, 0),
                    '0'..='7' => number(letters, 8, 2, c.to_digit(8).unwrap_or_default()),
                    _ => None,
                };
                let plain = match c {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    'a' => '\u{7}',
                    'b' => '\u{8}',
                    'e' | 'E' => '\u{1b}',
                    'f' => '\u{c}',
                    'v' => '\u{b}',
                    c => c,
                };
                word.push(number.unwrap_or(plain));
            }
            c => word.push(c),
        }
    }
}

/// A letter by its number of up to so many digits, after those that were read.
fn number(letters: &mut Letters, radix: u32, most: usize, read: u32) -> Option<char> {
    let mut value = read;
    let mut count = 0;
    while count < most
        && let Some((_, digit)) = letters.next_if(|(_, c)| c.is_digit(radix))
    {
        value = value.wrapping_mul(radix).wrapping_add(digit.to_digit(radix).unwrap_or_default());
        count += 1;
    }
    char::from_u32(value).filter(|_| count > 0 || radix == 8)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn expect(text: &str, wanted: &[&str]) {
        assert_eq!(split(text).0.unwrap(), wanted, "{text}");
    }

    #[test]
    fn words_and_quotes() {
        expect("a  b\tc", &["a", "b", "c"]);
        expect(r"'a b'c '' \ d", &["a bc", "", " d"]);
        expect(r#""a \"b\" \$c \d" 'x'\''y'"#, &["a \"b\" $c \\d", "x'y"]);
        expect("http://h/?a=1&b=2;c", &["http://h/?a=1&b=2;c"]);
        expect("a$ $1 '$x' '`'", &["a$", "$1", "$x", "`"]);
    }

    #[test]
    fn escapes_of_bash() {
        expect(r"$'a\'b\n\x41\u00e9\U0001F600\101\\'", &["a'b\nAé😀A\\"]);
        expect(r"$'it\u0027s'", &["it's"]);
    }

    #[test]
    fn a_command_ends_with_its_line() {
        let (words, rest) = split("a \\\n  b \\\r\n c\nnext");
        assert_eq!((words.unwrap(), rest), (vec!["a".into(), "b".into(), "c".into()], "next"));
        assert_eq!(split("a '\n'\nnext").1, "next");
    }

    #[test]
    fn what_only_a_shell_can_do_is_refused() {
        let error = |text: &str| split(text).0.unwrap_err();
        assert_eq!(error("a 'b"), ShellError::Unclosed);
        assert_eq!(error("a \"b"), ShellError::Unclosed);
        assert_eq!(error("a $HOME"), ShellError::Expansion('$'));
        assert_eq!(error("a \"${HOME}\""), ShellError::Expansion('$'));
        assert_eq!(error("a $(b)"), ShellError::Expansion('$'));
        assert_eq!(error("a `b`"), ShellError::Expansion('`'));
        for operator in ["|", ">", ">>", "2>", "&&", ";", "&"] {
            assert_eq!(error(&format!("a {operator} b")), ShellError::Operator(operator.to_owned()));
        }
        expect("a '|' \\;", &["a", "|", ";"]);
        assert_eq!(split("a | b\nnext").1, "next");
    }

    proptest! {
        #[test]
        fn any_text_is_split(text in prop_oneof![any::<String>(), "[$'\"\\\\ nxu0-7\n|]{0,24}"]) {
            let (_, rest) = split(&text);
            prop_assert!(text.ends_with(rest));
        }
    }
}
