"""A proposed diff applies to the file as it was read, or is told where it does not."""

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
WHOLE = FileRead("src/Store.cs", dict(enumerate(TEXT, 1)), frozenset(range(1, 13)), "2-1")
START = FileRead("src/Store.cs", dict(enumerate(TEXT[:5], 1)), frozenset(range(1, 8)), "2-1")
HEADS = "--- a/src/Store.cs\n+++ b/src/Store.cs\n"


def diff(hunk: str, heads: str = HEADS) -> str:
    return heads + hunk


@pytest.mark.parametrize(
    "hunk",
    [
        "@@ -2,2 +2,2 @@\n {\n-    int limit = 3;\n+    int limit = 4;",
        "@@ -1,3 +1,3 @@ class Store\n class Store\n {\n-    int limit = 3;\n+    int limit = 4;\n",
        "@@ -3 +3 @@\n-    int limit = 3;\n+    int limit = 4;",
        "@@ -5,1 +5,1 @@\n-    int limit = 3;\n+    int limit = 4;",
        "@@ -7,3 +7,4 @@\n     }\n\n+    // new\n     void Remove()",
        "@@ -3,0 +4,1 @@\n+    int more;",
        "@@ -2,2 +2,1 @@\n {\n-    int limit = 3;\n@@ -9 +8,2 @@\n     void Remove()\n+ ;",
        "@@ -12,1 +12,1 @@\n-}\n\\ No newline at end of file\n+};\n\\ No newline at end of file",
    ],
)
def test_a_diff_whose_old_lines_stand_there_applies(hunk: str) -> None:
    assert problem_of(diff(hunk), [WHOLE]) == ""
    assert problem_of("diff --git a/x b/x\nindex 1..2 100644\n" + diff(hunk), [WHOLE]) == ""


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("set the limit to 4", "belongs to no hunk"),
        ("", "it has no hunk"),
        ("@@ -3 +3 @@\n-a\n+b", "a hunk without a head"),
        (diff("@@ -3 +3 @@\n-    int limit = 5;\n+    int limit = 4;"), "line 3 is '    int limit"),
        (diff("@@ -3 +3 @@\n-    int limit = 3; \n+b"), "line 3 is"),
        (diff("@@ -3 +3 @@\n-    int lim\u0456t = 3;\n+b"), "line 3 is"),
        (diff("@@ -3,2 +3,1 @@\n-    int limit = 3;\n+b"), "shorter or longer than its head"),
        (diff("@@ -3 +3 @@\n-    int limit = 3;\n+b\n+c"), "a count is wrong"),
        (diff("@@ -5 +5,2 @@\n-    void Add()\n-    {\n+b\n+c"), "shorter or longer than its head"),
        (diff("@@ -99 +99 @@\n-no such line\n+b"), "line 99 of it was not shown"),
        (diff("@@ -7,2 +7,2 @@\n {\n-    {\n+b"), "line 7 is"),
        (diff("@@ -1,2 +1,2 @@\n class Store\n {"), "changes nothing"),
        (diff('@@ -4 +4 @@\n-    string key = "[secret:token:12345678]";\n+b'), "redacted"),
        (diff('@@ -3 +3 @@\n-    int limit = 3;\n+"[secret:token:12345678]"'), "redacted"),
        (
            diff("@@ -5 +5 @@\n-    void Add()\n+b\n@@ -3 +3 @@\n-    int limit = 3;\n+c"),
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
    hunk = diff("@@ -5,2 +5,2 @@\n     void Add()\n-    {\n+    { // here")
    assert problem_of(hunk, [WHOLE]) == ""
    assert "line 6 of it was not shown in full" in problem_of(hunk, [START])


def test_one_of_several_readings_is_enough() -> None:
    hunk = diff("@@ -3 +3 @@\n-    int limit = 3;\n+    int limit = 4;")
    older = FileRead("src/Store.cs", {3: "    int limit = 2;"}, frozenset({3}), "2-2")
    assert problem_of(hunk, [older, WHOLE]) == ""
    assert "as read in 2-2" in problem_of(hunk, [older])


def test_every_file_of_a_diff_must_have_been_read() -> None:
    first = diff("@@ -3 +3 @@\n-    int limit = 3;\n+    int limit = 4;\n")
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
