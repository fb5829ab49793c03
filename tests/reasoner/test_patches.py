"""A proposed diff applies to the file as it was read, or is told where it does not."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from services.reasoner.patches import FileRead, changed_paths, problem_of

STORE = """\
class Store
{
    int limit = 3;
    string key = "[secret:token:12345678]";
    void Add()
    {
    }

    void Remove()
    {
    }
}"""
TEXT = STORE.split("\n")
WHOLE = FileRead(
    "src/Store.cs", dict(enumerate(TEXT, 1)), frozenset(range(1, 13)), "2-1", 12, False
)
START = FileRead("src/Store.cs", dict(enumerate(TEXT[:5], 1)), frozenset(range(1, 8)), "2-1", 12)
HEADS = "--- a/src/Store.cs\n+++ b/src/Store.cs\n"


def diff(hunk: str, heads: str = HEADS) -> str:
    return heads + hunk


@pytest.mark.parametrize(
    "hunk",
    [
        "@@ -8,2 +8,2 @@\n-\n+    //\n     void Remove()",
        "@@ -1,3 +1,3 @@ class Store\n-class Store\n+class Shop\n {\n     int limit = 3;\n",
        "@@ -5,2 +5,2 @@\n-    void Add()\n+    void Put()\n     {",
        "@@ -7,2 +7,2 @@\n-    void Add()\n+    void Put()\n     {",
        "@@ -7,3 +7,4 @@\n     }\n\n+    // new\n     void Remove()",
        "@@ -5,2 +5 @@\n-    void Add()\n     {\n@@ -9,2 +8,3 @@\n     void Remove()\n+ ;\n     {",
        "@@ -12,1 +12,1 @@\n-}\n\\ No newline at end of file\n+};\n\\ No newline at end of file",
        "@@ -11,2 +11,3 @@\n     }\n+;\n }\n\\ No newline at end of file",
    ],
)
def test_a_diff_whose_old_lines_stand_there_applies(hunk: str) -> None:
    assert problem_of(diff(hunk), [WHOLE]) == ""
    assert problem_of("diff --git a/x b/x\nindex 1..2 100644\n" + diff(hunk), [WHOLE]) == ""


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("set the limit to 4", "it has no hunk"),
        ("", "it has no hunk"),
        ("@@ -3 +3 @@\n-a\n+b", "a hunk without a head"),
        (diff("@@ -3 +3 @@\n-    int limit = 5;\n+    int limit = 4;"), "line 3 is '    int limit"),
        (diff("@@ -3 +3 @@\n-    int limit = 3; \n+b"), "line 3 is"),
        (diff("@@ -3 +3 @@\n-    int lim\u0456t = 3;\n+b"), "line 3 is"),
        (diff("@@ -3,2 +3,1 @@\n-    int limit = 3;\n+b"), "shorter or longer than its head"),
        (diff("@@ -3 +3 @@\n-    int limit = 3;\n+b\n+c"), "a count is wrong"),
        (diff("@@ -5 +5,2 @@\n-    void Add()\n-    {\n+b\n+c"), "shorter or longer than its head"),
        (diff("@@ -99 +99 @@\n-no such line\n+b"), "line 99 is past its end: it has 12"),
        (diff("@@ -7,2 +7,2 @@\n {\n-    {\n+b"), "line 7 is"),
        (diff("@@ -1,2 +1,2 @@\n class Store\n {"), "changes nothing"),
        (diff('@@ -4 +4 @@\n-    string key = "[secret:token:12345678]";\n+b'), "redacted"),
        (diff('@@ -3 +3 @@\n-    int limit = 3;\n+"[secret:token:12345678]"'), "redacted"),
        (
            diff("@@ -9,2 +9,2 @@\n-    void Remove()\n+b\n     {\n")
            + "@@ -5,2 +5,2 @@\n-    void Add()\n+c\n     {",
            "has no place of its own",
        ),
        (diff("@@ -1 +1 @@\n-a\n+b", "--- a/x.cs\n+++ b/x.cs\n"), "b/x.cs was not read"),
        (
            diff("@@ -0,0 +1 @@\n+b", "--- /dev/null\n+++ b/src/Store.cs\n"),
            "a new file has nothing",
        ),
    ],
)
def test_a_diff_that_does_not_apply_is_told_where(text: str, why: str) -> None:
    assert why in problem_of(text, [WHOLE])


def test_what_was_not_shown_in_full_cannot_be_patched() -> None:
    hunk = diff("@@ -5,3 +5,3 @@\n     void Add()\n-    {\n+    { // here\n     }")
    assert problem_of(hunk, [WHOLE]) == ""
    assert "line 6 of it was not shown in full" in problem_of(hunk, [START])


def test_one_of_several_readings_is_enough() -> None:
    hunk = diff("@@ -5,2 +5,2 @@\n-    void Add()\n+    void Put()\n     {")
    older = FileRead("src/Store.cs", {5: "    void Take()"}, frozenset({5}), "2-2", 12)
    assert problem_of(hunk, [older, WHOLE]) == ""
    assert "as read in 2-2" in problem_of(hunk, [older])


def test_every_file_of_a_diff_must_have_been_read() -> None:
    first = diff("@@ -5,2 +5,2 @@\n-    void Add()\n+    void Put()\n     {\n")
    second = "--- a/other.cs\n+++ b/other.cs\n@@ -1 +1 @@\n-a\n+b\n"
    assert changed_paths(first + second) == (
        "a/src/Store.cs",
        "src/Store.cs",
        "b/src/Store.cs",
        "a/other.cs",
        "other.cs",
        "b/other.cs",
    )
    assert "b/other.cs was not read" in problem_of(first + second, [WHOLE])


LINES = [f"line {n}" for n in range(1, 31)]
ENDED = FileRead("a.txt", dict(enumerate(LINES, 1)), frozenset(range(1, 31)), "2-1", 30, True)
UNENDED = replace(ENDED, newline=False)
MIDDLE = replace(ENDED, lines={n: LINES[n - 1] for n in range(10, 21)})
EMPTY = FileRead("a.txt", {}, frozenset(), "2-1", 0, None)
A = "--- a/a.txt\n+++ b/a.txt\n"
REMOVED = "--- a/a.txt\n+++ /dev/null\n"
HUNK = "@@ -10,3 +10,3 @@\n line 10\n-line 11\n+x\n line 12\n"
MAIL = "From: x\nSubject: fix\n\n---\n a.txt | 2 +-\n 1 file changed\n\n"
MOVED = "diff --git a/a.txt b/b.txt\nsimilarity index 90%\nrename from a.txt\nrename to b.txt\n"
NO_NEWLINE = "\\ No newline at end of file\n"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (A + "@@ -10,3 +10,3 @@\n line 10\n-line 11\n+x\n line 12\n", MIDDLE),
        (A + "@@ -14,3 +14,3 @@\n line 10\n-line 11\n+x\n line 12\n", ENDED),
        (A + "@@ -29,2 +29,2 @@\n line 29\n-line 30\n+x\n", ENDED),
        (A + "@@ -30 +30,2 @@\n line 30\n+x\n", ENDED),
        (A + "@@ -30,0 +31 @@\n+x\n", ENDED),
        (A + f"@@ -30 +30 @@\n-line 30\n{NO_NEWLINE}+x\n", UNENDED),
        (A + "@@ -30 +30 @@\n-line 30\n+x\n", replace(ENDED, newline=None)),
        (A + "@@ -0,0 +1 @@\n+x\n", EMPTY),
        (REMOVED + "@@ -1,30 +0,0 @@\n-" + "\n-".join(LINES), ENDED),
        (
            "deleted file mode 100644\n" + REMOVED + "@@ -1,30 +0,0 @@\n-" + "\n-".join(LINES),
            ENDED,
        ),
        (f"```diff\n{A}{HUNK}```\n", ENDED),
        (f"Set it:\n\n- line 11\n+ more\n{A}{HUNK}\nThat is\n- all\n+ of it\n", ENDED),
        (f"{MAIL}{A}{HUNK}-- \n2.40.1\n", ENDED),
        (f"{MOVED}--- a/a.txt\n+++ b/b.txt\n{HUNK}", ENDED),
        (f"--- a/a.txt 2026-01-01 10:00\n+++ b/a.txt 2026-01-02\n{HUNK}", ENDED),
    ],
)
def test_what_git_apply_takes_applies(text: str, read: FileRead, tmp_path: Path) -> None:
    assert problem_of(text, [read]) == ""
    if "10,3 +10,3" in text:
        assert git_takes(text, tmp_path)


def git_takes(text: str, folder: Path) -> bool:
    """Whether git itself applies it to a file that has those lines and its newline."""
    (folder / "a.txt").write_text("".join(f"{line}\n" for line in LINES))
    given = ("git", "apply", "--check", "-")
    return not subprocess.run(given, input=text.encode(), cwd=folder, check=False).returncode


@pytest.mark.parametrize(
    ("text", "read", "why"),
    [
        (A + "@@ -0,0 +1 @@\n+x\n", ENDED, "is for an empty file"),
        (A + "@@ -0,0 +1 @@\n+x\n", MIDDLE, "is for an empty file"),
        (A + "@@ -30,2 +30,3 @@\n line 30\n \n+x\n", ENDED, "line 31 is past its end"),
        (
            A + "@@ -5,2 +5,2 @@\n-line 5\n+x\n line 6\n@@ -9,1 +9,1 @@\n line 9\n",
            ENDED,
            "a hunk of it changes nothing",
        ),
        (A + "@@ -31,0 +32 @@\n+x\n", ENDED, "no place of its own"),
        (A + "@@ -1,3 +1,3 @@\n line 10\n-line 11\n+x\n line 12\n", ENDED, "line 1 is 'line 1'"),
        (A + "@@ -11,0 +12 @@\n+x\n", ENDED, "keeps no line after its change"),
        (A + "@@ -11 +11 @@\n-line 11\n+x\n", ENDED, "keeps no line after its change"),
        (A + "@@ -10,2 +10,2 @@\n line 10\n-line 11\n+x\n", ENDED, "keeps no line after"),
        (A + "@@ -30 +30 @@\n-line 30\n+x\n", UNENDED, "wrong about the newline"),
        (A + f"@@ -30 +30 @@\n-line 30\n{NO_NEWLINE}+x\n", ENDED, "wrong about the newline"),
        (
            A + f"@@ -9,2 +9,2 @@\n-line 9\n+x\n line 10\n{NO_NEWLINE}",
            ENDED,
            "wrong about the newline",
        ),
        (REMOVED + "@@ -1,2 +0,0 @@\n-line 1\n-line 2\n", ENDED, "keeps no line after"),
        (
            REMOVED + "@@ -1,2 +1,1 @@\n-line 1\n line 2\n",
            ENDED,
            "removes the file, but not all of its lines",
        ),
        (
            "deleted file mode 100644\n" + A + "@@ -9,2 +9,1 @@\n-line 9\n line 10\n",
            ENDED,
            "its head does not (/dev/null)",
        ),
        (A + "@@ -28,3 +28,4 @@\n line 28\n+x\n line 29\n\n", ENDED, "line 30 is 'line 30'"),
        (MOVED + A + HUNK, ENDED, "it renames a.txt to b.txt, and its heads name other"),
        (A + HUNK + "\nand\n" + HUNK, ENDED, "a hunk without a head before it"),
    ],
)
def test_what_git_apply_refuses_does_not_apply(
    text: str, read: FileRead, why: str, tmp_path: Path
) -> None:
    assert why in problem_of(text, [read])
    if HUNK in text:
        assert not git_takes(text, tmp_path)
