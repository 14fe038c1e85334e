"""Pages of listings, and tables."""

import pytest

from fairlead.client.answers import entries, pages, table
from fairlead.client.errors import ServiceError


class Server:
    """Gives its answers in turn, and remembers what it was asked."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    def call(self, operation, members):
        self.asked.append((operation, dict(members)))
        return self.answers.pop(0)


def test_pages_are_asked_for_until_there_is_no_next_one():
    server = Server({"A": [1], "NextToken": "t"}, {"A": []}, {"A": [2]})
    members = {"MaxResults": 1}
    assert list(pages(server, "List", members)) == [{"A": [1], "NextToken": "t"}, {"A": []}]
    assert server.asked == [("List", members), ("List", {"MaxResults": 1, "NextToken": "t"})]
    assert members == {"MaxResults": 1}


def test_entries_come_from_all_pages_and_only_as_many_pages_are_asked_for_as_are_read():
    server = Server({"A": [{"n": 1}], "NextToken": "t"}, {"A": [{"n": 2}], "NextToken": "u"})
    found = entries(server, "List", {}, "A")
    assert [next(found), next(found)] == [{"n": 1}, {"n": 2}]
    assert len(server.asked) == 2


def test_an_answer_without_its_list_is_an_error():
    with pytest.raises(ServiceError, match="cannot be read"):
        list(entries(Server({"A": None}), "List", {}, "A"))


def test_columns_are_as_wide_as_their_longest_text():
    assert table(("A", "BB", "C"), [("aaa", "b", "c c"), ("", "", "")]) == ["A    BB  C", "aaa  b   c c", ""]
