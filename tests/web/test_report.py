import base64
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

import toy_study
from neuropil.studies import OutputFailed, RunDamaged, StoredFigure, Verdict, reproduce
from neuropil.web import repeat_command, report_html, write_report

VOID = {"meta", "img", "link", "br", "hr", "input"}


class Page(HTMLParser):
    """Elements, text and attributes of a page, which must be well nested."""

    def __init__(self, html):
        super().__init__()
        self.open, self.elements, self.texts = [], [], []
        self.feed(html)
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    output = tmp_path_factory.mktemp("runs")
    return reproduce(toy_study.STUDY, output=output, progress=False)


@pytest.fixture(scope="module")
def html(run) -> str:
    return report_html(run)


@pytest.fixture(scope="module")
def page(html) -> Page:
    return Page(html)


def test_the_report_needs_nothing_beside_itself(html, page):
    places = [
        value
        for _, attributes in page.elements
        for name, value in attributes.items()
        if name in ("src", "href", "srcset", "action", "poster", "background")
    ]
    assert places
    assert all(place.startswith(("#", "data:")) for place in places)
    assert not re.search(r"url\(|@import|https?:", html)
    assert not {"script", "link", "iframe", "object"} & {name for name, _ in page.elements}
    assert "default-src 'none'" in page.all("meta")[3]["content"]


def test_every_claim_is_there_with_its_verdict_in_words(run, page):
    for claim in run.claims:
        for text in (claim.statement, claim.where, claim.published, claim.rule, claim.explanation):
            assert text in page.text
        assert claim.verdict in page.text
    rows = [attributes for attributes in page.all("tr") if "id" in attributes]
    assert [row["id"] for row in rows] == [f"claim-{claim.identifier}" for claim in run.claims]


def test_a_claim_that_was_not_compared_says_nothing_of_a_rule(run):
    claims = tuple(replace(claim, rule="") for claim in run.claims)
    assert "Compared by" not in Page(report_html(replace(run, claims=claims))).text


def test_the_summary_counts_verdicts(page):
    summary = " ".join(page.text.split("Claims")[0].split()[-12:])
    for verdict in Verdict:
        assert f"1 {verdict}" in summary


def test_text_of_a_study_is_never_markup(html, page):
    assert "<b>not</b>" not in html
    assert "The variance is 2 & <b>not</b> 1." in page.text
    assert "Nobody (2001), <Journal of Examples>" in page.text


def test_figures_are_inside_with_words_for_those_who_do_not_see_them(run, page):
    (image,) = page.all("img")
    kind, _, data = image["src"].partition(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(data) == run.figures[0].png.read_bytes()
    assert image["alt"] == "Four noisy lines."
    assert image["width"] == str(4 * 110)  # a figure of four inches
    assert "Figure 1. All draws of <all> shards." in page.text.replace("Figure 1. ", "Figure 1. ")


def test_the_circumstances_are_there(run, page):
    assert run.key in page.text
    assert run.identity["code"] in page.text
    assert f"jax {run.provenance['sessions'][0]['versions']['jax']}" in page.text
    assert '"shift": 0.25' in page.text
    assert "different versions" not in page.text


def test_the_page_can_be_navigated(html, page):
    assert page.all("html") == [{"lang": "en"}]
    assert [name for name, _ in page.elements].count("h1") == 1
    identifiers = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(set(identifiers)) == len(identifiers)
    targets = {a["aria-labelledby"] for _, a in page.elements if "aria-labelledby" in a}
    targets |= {a["href"].removeprefix("#") for a in page.all("a")}
    assert targets <= set(identifiers)
    assert "prefers-color-scheme: dark" in html
    assert all({"scope"} <= set(heading) for heading in page.all("th"))


def luminance(colour: str) -> float:
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "ground"),
    [
        ("ink", "paper"),
        ("ink", "card"),
        ("ink", "code"),
        ("quiet", "paper"),
        ("quiet", "card"),
        ("accent", "paper"),
        ("good", "good-tint"),
        ("bad", "bad-tint"),
        ("none", "none-tint"),
    ],
)
def test_text_stands_out_from_its_ground(html, scheme, ink, ground):
    """The Web Content Accessibility Guidelines, level AA: contrast of at least 4.5."""
    colours = [re.findall(rf"--{name}: (#[0-9a-f]{{6}})", html)[scheme] for name in (ink, ground)]
    dark, light = sorted(luminance(colour) for colour in colours)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_mixed_versions_are_admitted(run):
    (session,) = run.provenance["sessions"]
    other = {**session, "versions": {**session["versions"], "jax": "0.1"}}
    mixed = replace(run, provenance={"sessions": [session, other]})
    assert "different versions" in report_html(mixed)
    idle = replace(run, provenance={"sessions": [session, {**other, "shards": []}]})
    assert "different versions" not in report_html(idle)


def test_a_session_that_was_killed_can_be_shown(run):
    (session,) = run.provenance["sessions"]
    killed = {**session, "ended": None, "outcome": None, "git": None}
    text = Page(report_html(replace(run, provenance={"sessions": [killed, session]}))).text
    assert "without a word" in text
    assert "Session 2 of 2" in text


def test_the_command_repeats_the_run(run):
    identity = {**run.identity, "study": {**run.identity["study"], "reference": "my file.py:S"}}
    command = repeat_command(replace(run, identity=identity))
    assert command == "neuropil reproduce 'my file.py:S' --scale quick --seed 0"
    assert repeat_command(run) == "neuropil.studies.reproduce(study, scale='quick', seed=0)"


def test_the_report_is_written_into_the_run_or_where_one_wants(run, html, tmp_path):
    assert write_report(run) == run.folder / "report.html"
    assert (run.folder / "report.html").read_text() == html
    assert write_report(run, tmp_path / "new" / "r.html").read_text() == html


def test_a_report_that_cannot_be_written_is_named(run, tmp_path):
    with pytest.raises(OutputFailed, match="it is a folder, name a file in it"):
        write_report(run, tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(OutputFailed, match=r"cannot write .*file/r\.html: "):
        write_report(run, tmp_path / "file" / "r.html")


def test_a_missing_figure_is_named(run, tmp_path):
    figure = StoredFigure("gone", "", "", tmp_path / "gone.png", tmp_path / "gone.svg")
    with pytest.raises(RunDamaged, match=r"gone\.png is missing: repeat the run"):
        report_html(replace(run, figures=(figure,)))


def test_a_study_without_figures_has_no_empty_section(run):
    assert "Figures" not in Page(report_html(replace(run, figures=()))).text
