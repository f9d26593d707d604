# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads translations, and tells what is wrong with one. check-po.py and translate.py use it."""

import re
import subprocess
from pathlib import Path

PO = Path(__file__).resolve().parent.parent / "po"

# The languages that Freshet speaks, or is to speak: what msgfmt wants to know of their plurals.
TWO = "nplurals=2; plural=(n != 1);"
TWO_FROM_ZERO = "nplurals=2; plural=(n > 1);"
ONE = "nplurals=1; plural=0;"
LANGUAGES = {
    "ar": (
        "Arabic",
        "nplurals=6; plural=(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5);",
    ),
    "ca": ("Catalan", TWO),
    "cs": ("Czech", "nplurals=3; plural=(n==1 ? 0 : n>=2 && n<=4 ? 1 : 2);"),
    "da": ("Danish", TWO),
    "de": ("German", TWO),
    "es": ("Spanish", TWO),
    "fi": ("Finnish", TWO),
    "fr": ("French", TWO_FROM_ZERO),
    "he": ("Hebrew", TWO),
    "id": ("Indonesian", ONE),
    "it": ("Italian", TWO),
    "ja": ("Japanese", ONE),
    "ko": ("Korean", ONE),
    "nl": ("Dutch", TWO),
    "pl": (
        "Polish",
        "nplurals=3; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2);",
    ),
    "pt_BR": ("Brazilian Portuguese", TWO_FROM_ZERO),
    "ru": (
        "Russian",
        "nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2);",
    ),
    "sv": ("Swedish", TWO),
    "tr": ("Turkish", TWO),
    "uk": (
        "Ukrainian",
        "nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2);",
    ),
    "zh_CN": ("Chinese (simplified)", ONE),
    "zh_TW": ("Chinese (traditional)", ONE),
}

ESCAPE = re.compile(r"\\(u\{([0-9a-fA-F_]+)\}|x([0-9a-fA-F]{2})|\n\s*|.)", re.DOTALL)
PLAIN_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", '"': '"', "\\": "\\", "'": "'"}


def unescape(literal):
    """What a string literal in quotes stands for."""

    def value(match):
        code = match[2] or match[3]
        if code:
            return chr(int(code.replace("_", ""), 16))
        return PLAIN_ESCAPES.get(match[1], "")  # a backslash at the end of a line joins the lines

    return ESCAPE.sub(value, literal[1:-1])


class Entry:
    """A message with its translations; `notes` are what the sources say to translators."""

    def __init__(self):
        self.context, self.id, self.plural = None, None, None
        self.translations, self.notes, self.places, self.is_fuzzy = [], [], [], False

    @property
    def key(self):
        return self.context, self.id, self.plural

    def is_translated(self):
        return bool(self.translations) and all(self.translations) and not self.is_fuzzy


def entries(path):
    """The entries of a .po or .pot file in its order; the first is the header."""
    found, entry, field = [], Entry(), None
    fields = {"msgctxt": "context", "msgid": "id", "msgid_plural": "plural"}
    for line in path.read_text(encoding="utf-8").splitlines() + [""]:
        if line.startswith("#. "):
            entry.notes.append(line[3:].removeprefix("Translators: "))
        elif line.startswith("#: "):
            entry.places += line[3:].split()
        elif line.startswith("#, ") and "fuzzy" in line[3:].split(", "):
            entry.is_fuzzy = True
        elif match := re.match(r'(msg\w+)?(?:\[\d+\])?\s*(".*")$', line):
            field = match[1] or field
            text = unescape(match[2])
            if field == "msgstr" and match[1]:
                entry.translations.append(text)
            elif field == "msgstr":
                entry.translations[-1] += text
            else:
                setattr(entry, fields[field], (getattr(entry, fields[field]) or "") + text)
        elif not line and entry.id is not None:
            found.append(entry)
            entry = Entry()
    return found


def header(path):
    lines = entries(path)[0].translations[0].splitlines()
    return dict(line.split(": ", 1) if ": " in line else (line.rstrip(":"), "") for line in lines)


def names(message):
    return set(re.findall(r"\{(\w+)\}", message or ""))


ENDS = {".": ".。", ":": ":：", "?": "?？؟", "!": "!！", "…": "…", "\n": "\n", " ": " ，、"}


def end_of(message):
    return next((mark for mark, same in ENDS.items() if message[-1:] in same), "")


def problems_of_text(original, translation, allowed):
    """Yields what is wrong with one form of a translation; `allowed` are the sets of names it may have."""
    if names(translation) not in allowed:
        yield "the names in braces differ"
    wanted, got = end_of(original), end_of(translation)
    # A short text with a number may end with an abbreviation.
    if wanted != got and (wanted or " " in original.strip() and not (got == "." and "{" in original and len(original) < 20)):
        yield f"ends with {got!r} instead of {wanted!r}"
    if (original[:1] == " ") != (translation[:1] == " "):
        yield "a space at the beginning is too much or missing"
    if original.count("\n") != translation.count("\n"):
        yield "the line breaks differ"
    if original.count("_") != translation.count("_"):
        yield "the underscores differ"
    if re.findall(r"</?\w+>", original) != re.findall(r"</?\w+>", translation):
        yield "the tags differ"
    if "%" in original and not original.startswith("{") and re.search(r"%[^\w\-\s]", translation):
        yield "a format of time is broken"
    if "..." in translation:
        yield "three dots instead of an ellipsis"
    if '"' in translation and '"' not in original:
        yield "straight quotes instead of those of the language"
    # Isolates come in pairs, and a lone mark would turn what follows.
    if sum(translation.count(mark) for mark in "\u2066\u2067\u2068") != translation.count("\u2069"):
        yield "a direction isolate is not closed"
    # The program isolates the number, so that the sign beside it would go to its other side.
    if re.search(r"[\u0590-\u08ff]", translation) and re.search(r"\}%", re.sub("\u2066.*?\u2069", "", translation)):
        yield "a percent sign is in no isolate with its number"


def problems_of_french(translation):
    """French writes a space before these marks, and inside its quotes, at which a line must not be broken."""
    if re.search(r" [:;?!»]|« ", translation):
        yield "a space at which French does not break a line is no no-break space"
    if re.search(r"«(?![\u00a0\u202f])|(?<![\u00a0\u202f])»", translation):
        yield "no no-break space inside the quotes"


def is_the_same_everywhere(message):
    """Whether nothing in it can be translated: names, formats and signs alone."""
    return not re.search(r"[A-Za-z]{2}", re.sub(r"\{\w+\}|%-?\w|https?://\S+|Freshet", "", message))


def may_be_english(language):
    """The messages that a language has in common with English, from po/same-as-english."""
    found = set()
    for line in (PO / "same-as-english").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            languages, message = line.split(": ", 1)
            if languages == "*" or language in languages.split():
                found.add(message)
    return found


def problems_of_entry(entry, same, language):
    texts = entry.translations
    for number, translation in enumerate(texts):
        if not translation:
            continue
        one = entry.plural is None or number == 0 and len(texts) > 1
        original = entry.id if one else entry.plural
        # A form for one, two or no thing may leave out the number where the original does so too.
        allowed = [names(original)] if entry.plural is None else [names(entry.plural), names(entry.id)]
        for problem in problems_of_text(original, translation, allowed):
            yield f"{problem}: {original!r} and {translation!r}"
        if language == "fr":
            for problem in problems_of_french(translation):
                yield f"{problem}: {translation!r}"
        if translation == original and original not in same and not is_the_same_everywhere(original):
            yield f"as in English, and not listed in po/same-as-english: {original!r}"


def problems_of_header(path):
    fields, language = header(path), path.stem
    name, plurals = LANGUAGES.get(language, (None, None))
    if fields.get("Language") != language:
        yield f"its Language is {fields.get('Language')!r}"
    if fields.get("Content-Type") != "text/plain; charset=UTF-8":
        yield f"its Content-Type is {fields.get('Content-Type')!r}"
    if name is None:
        yield "its language is not in po_files.py"
    elif fields.get("Plural-Forms") != plurals:
        yield f"its Plural-Forms should be {plurals!r}"
    if not fields.get("Last-Translator") or not fields.get("Language-Team"):
        yield "Last-Translator and Language-Team are not filled in"


def problems_of(path, template):
    """Yields what is wrong with a translation that is to be complete; `template` are the template's entries."""
    result = subprocess.run(["msgfmt", "--check", "-o", "/dev/null", path], capture_output=True, text=True)
    if result.returncode:
        yield result.stderr.strip()
        return
    yield from problems_of_header(path)
    forms = int(re.search(r"nplurals=(\d)", header(path)["Plural-Forms"])[1])
    own = entries(path)[1:]
    wanted, had = {entry.key for entry in template[1:]}, {entry.key for entry in own}
    for key in sorted(wanted - had, key=str):
        yield f"lacks {key[1]!r}: run build-aux/update-po.sh and translate it"
    for key in sorted(had - wanted, key=str):
        yield f"has {key[1]!r}, which the template has not: run build-aux/update-po.sh"
    same = may_be_english(path.stem)
    for entry in own:
        if entry.is_fuzzy:
            yield f"{entry.id!r} is only guessed (fuzzy)"
        elif not entry.is_translated():
            yield f"{entry.id!r} is not translated"
        elif entry.plural is not None and len(entry.translations) != forms:
            yield f"{entry.id!r} has {len(entry.translations)} forms instead of {forms}"
        yield from problems_of_entry(entry, same, path.stem)
