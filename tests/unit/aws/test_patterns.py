import pytest

from fairlead.aws.patterns import compile_pattern

LETTERS_AND_SIGNS = r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$"


@pytest.mark.parametrize("text", ["", "a b", "Zoë", "京都", "٣", "\u00a0", "𝒜", "a_.:/=+-@"])
def test_unicode_categories_inside_a_class_match_their_characters(text):
    assert compile_pattern(LETTERS_AND_SIGNS).fullmatch(text)


@pytest.mark.parametrize("text", ["<", "a;b", "☃", "\n", "\u0301", "a\n"])
def test_unicode_categories_inside_a_class_match_nothing_else(text):
    assert not compile_pattern(LETTERS_AND_SIGNS).fullmatch(text)


def test_a_category_outside_a_class_matches_one_character():
    pattern = compile_pattern(r"\p{Lu}[a]\p{Nd}")

    assert pattern.fullmatch("Éa5")
    assert not pattern.fullmatch("éa5")
    assert not pattern.fullmatch("ÉÉa5")


def test_escaped_brackets_do_not_open_a_class():
    assert compile_pattern(r"\[\p{Lu}\]").fullmatch("[A]")


def test_word_characters_digits_and_blanks_are_ascii_as_in_java():
    assert compile_pattern(r"[\w+=,.@-]+").fullmatch("a_Z0+=,.@-")
    assert not compile_pattern(r"\w").fullmatch("é")
    assert not compile_pattern(r"\d").fullmatch("٣")
    assert not compile_pattern(r"\s").fullmatch("\u00a0")


def test_the_last_code_point_belongs_to_its_category():
    assert compile_pattern(r"\p{Cn}").fullmatch("\U0010ffff")


@pytest.mark.parametrize("pattern", ["[a", "(", r"\p{Qq}", r"\p{}", "*"])
def test_what_is_no_pattern_is_refused_with_its_text(pattern):
    with pytest.raises(ValueError, match=r"not a usable pattern|no Unicode category"):
        compile_pattern(pattern)


def test_every_pattern_of_the_operations_that_we_know_compiles():
    # All patterns of the published models, but for those of cloud connectors and partition keys, whose
    # character ranges only Java's own rules for broken ones make sense of.
    loader = pytest.importorskip("botocore.loaders").Loader()
    odd = {"CloudConnectorIamRoleArn", "PartitionKeyName", "PartitionKeyType"}
    compiled = 0
    for service in ("ssm", "iam", "sts", "cloudtrail", "ec2-instance-connect"):
        for name, shape in loader.load_service_model(service, "service-2")["shapes"].items():
            if "pattern" in shape and name not in odd:
                compile_pattern(shape["pattern"])
                compiled += 1
    assert compiled > 100
