from xml.etree import ElementTree

from benchmarks.figures import Figure, Report, Section
from benchmarks.plot import LABEL_WIDTH, OTHERS, OURS, Bar, Panel, draw

NAMESPACE = "{http://www.w3.org/2000/svg}"
PANELS = (
    Panel(
        "speed <&>",
        "MB/s",
        (
            Bar("direct", "scp", "up, direct", OTHERS),
            Bar("Fairlead", "scp", "up, TLS", OURS),
            Bar("somebody else's", "stock", "up", OTHERS),
        ),
    ),
    Panel("nothing was measured", "µs", (Bar("direct", "echo", "p50", OTHERS),)),
)


def drawn(direct: float, ours: float) -> ElementTree.Element:
    figures = (Figure.of_value("up, direct", "MB/s", direct), Figure.of_value("up, TLS", "MB/s", ours))
    section = Section(name="scp", title="", question="", figures=figures)
    return ElementTree.fromstring(draw(Report({"machine": "two <processors>"}, (section,)), PANELS))


def texts(picture: ElementTree.Element) -> list[str]:
    return ["".join(element.itertext()) for element in picture.iter(f"{NAMESPACE}text")]


def widths(picture: ElementTree.Element, kind: str) -> list[float]:
    bars = picture.iter(f"{NAMESPACE}rect")
    return [float(bar.get("width", "")) for bar in bars if bar.get("class") == kind]


def test_bars_are_as_long_as_their_values_and_labelled_with_them():
    picture = drawn(direct=400, ours=100)
    (direct,), (ours,) = widths(picture, OTHERS), widths(picture, OURS)
    assert abs(direct - 4 * ours) < 0.5
    assert direct == widths(picture, "track")[0]
    assert {"direct", "400 MB/s", "Fairlead", "100 MB/s", "speed <&>"} <= set(texts(picture))


def test_what_was_not_measured_is_not_drawn():
    said = texts(drawn(direct=400, ours=100))
    assert "somebody else's" not in said
    assert "nothing was measured" not in said


def test_less_than_nothing_is_a_sliver():
    (ours,) = widths(drawn(direct=400, ours=-5), OURS)
    assert 0 < ours < LABEL_WIDTH / 10


def test_the_picture_has_colours_for_light_and_for_dark_pages_and_says_where_it_was_measured():
    text = draw(Report({"machine": "two processors", "date": "2026-11-21"}, ()), PANELS)
    assert "prefers-color-scheme: dark" in text
    assert "two processors, 2026-11-21" in text
