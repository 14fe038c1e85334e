from benchmarks.instructions import counted


def test_the_count_is_read_from_what_perf_says():
    assert counted("1234567,,instructions:u,2000,100.00,,\n") == 1_234_567


def test_a_machine_that_does_not_count_has_none():
    assert counted("<not supported>,,instructions:u,0,100.00,,\n") is None
    assert counted("<not counted>,,instructions:u,0,0.00,,\n") is None
    assert counted("perf: no such event\n") is None
    assert counted("") is None
