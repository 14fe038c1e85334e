from fairlead.policy.errors import SYNTAX, MalformedPolicy, shown


def test_the_text_is_the_wording_followed_by_the_detail():
    error = MalformedPolicy(SYNTAX, "statement 2")
    assert str(error) == "Syntax errors in policy. (statement 2)"
    assert (error.wording, error.detail) == (SYNTAX, "statement 2")


def test_without_a_detail_the_text_is_the_wording():
    assert str(MalformedPolicy(SYNTAX)) == SYNTAX


def test_what_a_document_says_is_repeated_in_part_and_without_control_characters():
    assert shown("a\x1b[31m\ud800\nb é") == "a?[31m??b é"
    assert shown("x" * 300) == "x" * 200 + "…"
