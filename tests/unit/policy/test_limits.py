from fairlead.policy.limits import USER_INLINE_TOTAL_MAX_CHARACTERS, counted_characters, size_exceeded_text


def test_white_space_does_not_count():
    assert counted_characters(' {\t"a" :\r\n "b c"} ') == len('{"a":"bc"}')


def test_several_documents_count_together():
    assert counted_characters("ab", " c ", "") == 3


def test_the_text_names_the_limit_and_whose_it_is():
    text = size_exceeded_text(USER_INLINE_TOTAL_MAX_CHARACTERS, "user", "bob")
    assert text == "Maximum policy size of 2048 bytes exceeded for user bob"
