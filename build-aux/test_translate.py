#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests that translations are read, checked and written as they should be."""

import subprocess
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import po_files
import translate

TEMPLATE = """\
# Messages of Freshet.
# FIRST AUTHOR <EMAIL@ADDRESS>, YEAR.
#
#, fuzzy
msgid ""
msgstr ""
"Project-Id-Version: freshet\\n"
"PO-Revision-Date: YEAR-MO-DA HO:MI+ZONE\\n"
"Last-Translator: FULL NAME <EMAIL@ADDRESS>\\n"
"Language-Team: LANGUAGE <LL@li.org>\\n"
"Language: \\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=INTEGER; plural=EXPRESSION;\\n"

#. Translators: a button
#: src/a.rs
msgid "Pause"
msgstr ""

#: src/a.rs
msgid "{n} file"
msgid_plural "{n} files"
msgstr[0] ""
msgstr[1] ""

#: src/b.rs
msgid "The disk is full."
msgstr ""
"""


class OfATranslation(unittest.TestCase):
    def problems(self, original, translation):
        return list(po_files.problems_of_text(original, translation, [po_files.names(original)]))

    def test_a_good_one_has_no_problem(self):
        for original, translation in (
            ("The disk is full.", "磁盘已满。"),
            ("Is its drive connected?", "هل القرص متصل؟"),
            ("{n} of {total}", "{total} 中の {n}"),
            ("Checking…", "Prüfen …"),
            ("{n} hours", "{n} godz."),
            ("%H:%M", "%l:%M %p"),
        ):
            self.assertEqual(self.problems(original, translation), [], translation)

    def test_each_fault_is_found(self):
        for original, translation, fault in (
            ("{n} files", "{m} Dateien", "names"),
            ("The disk is full.", "Der Datenträger ist voll", "ends"),
            ("Add Downloads Now", "Downloads jetzt hinzufügen.", "ends"),
            ("Add…", "Hinzufügen...", "ends"),
            ("Wait... and see", "Erst... warten", "three dots"),
            ("a\nb", "a b", "line breaks"),
            ("_Name", "Name", "underscores"),
            ("<b>x</b>", "<b>x", "tags"),
            (" x", "x", "space"),
            ("“x” y", '"x" y', "quotes"),
            ("in {x} here", "\u2068{x} ici", "isolate"),
            ("{n} % done", "{n}% \u05d4\u05d5\u05e9\u05dc\u05de\u05d5", "percent sign"),
        ):
            found = self.problems(original, translation)
            self.assertTrue(any(fault in problem for problem in found), (translation, found))

    def test_french_breaks_no_line_before_its_marks(self):
        for text, faults in (("prêt ?", 1), ("«{file}»", 1), ("«\u00a0{file}\u202f»\u00a0: a; md5:", 0)):
            self.assertEqual(len(list(po_files.problems_of_french(text))), faults, text)


class OfAFile(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.po = Path(folder.name)
        (self.po / "freshet.pot").write_text(TEMPLATE, encoding="utf-8")
        (self.po / "same-as-english").write_text("# none\nfr: Pause\n", encoding="utf-8")
        for module in (po_files, translate):
            patch = mock.patch.object(module, "PO", self.po)
            patch.start()
            self.addCleanup(patch.stop)

    def begin(self, language):
        path = self.po / f"{language}.po"
        translate.begin(path)
        return path

    def problems(self, path):
        return list(po_files.problems_of(path, po_files.entries(self.po / "freshet.pot")))

    def merge(self, path, lines):
        listed = self.po / "list"
        listed.write_text(lines, encoding="utf-8")
        with mock.patch("builtins.print"):
            return translate.merge(path, listed)

    def numbers(self, path):
        return [translate.number_of(entry) for entry in po_files.entries(path)[1:]]

    def test_a_new_one_lacks_all_and_has_a_right_header(self):
        found = self.problems(self.begin("pl"))
        self.assertEqual(len(found), 3, found)
        self.assertTrue(all("is not translated" in problem for problem in found), found)

    def test_what_is_merged_is_complete(self):
        path = self.begin("pl")
        pause, files, disk = self.numbers(path)
        lines = f"# x\n{pause}\tWstrzymaj\n{files}.0\t{{n}} plik\n{files}.1 {{n}} pliki\n{files}.2 {{n}} plików\n"
        self.assertEqual(self.merge(path, lines), 0)
        self.assertEqual(self.merge(path, f"{disk}\tDysk jest pełny.\n"), 0)
        self.assertEqual(self.problems(path), [])
        self.assertIn("#. Translators: a button\n#: src/a.rs\n", path.read_text(encoding="utf-8"))
        subprocess.run(["msgfmt", "--check", "-o", "/dev/null", path], check=True)

    def test_what_is_wrong_is_not_taken(self):
        path = self.begin("pl")
        pause, files, disk = self.numbers(path)
        self.assertEqual(self.merge(path, f"{pause}\tWstrzymaj\n{disk}\tDysk\n{files}.0\t{{n}} plik\n000000 x\n"), 1)
        texts = [entry.translations for entry in po_files.entries(path)[1:]]
        self.assertEqual(texts, [["Wstrzymaj"], ["", ""], [""]])

    def test_english_is_no_translation_save_where_listed(self):
        for language, status in (("de", 1), ("fr", 0)):
            path = self.begin(language)
            self.assertEqual(self.merge(path, f"{self.numbers(path)[0]}\tPause\n"), status, language)

    def test_a_wrong_header_and_a_guess_are_found(self):
        path = self.begin("ru")
        text = path.read_text(encoding="utf-8").replace("Language: ru", "Language: uk")
        path.write_text(text.replace('msgid "Pause"\nmsgstr ""', '#, fuzzy\nmsgid "Pause"\nmsgstr "Пауза"'), encoding="utf-8")
        found = self.problems(path)
        self.assertTrue(any("its Language is 'uk'" in problem for problem in found), found)
        self.assertTrue(any("fuzzy" in problem for problem in found), found)


if __name__ == "__main__":
    unittest.main()
