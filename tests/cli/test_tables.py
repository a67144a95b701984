import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuropil.cli.tables import claims_table, colours_wanted, definitions
from neuropil.studies import Claim, Verdict

WORDS = st.lists(
    st.sampled_from(["α", "of", "0.25", "±", "rates", "connection", "x" * 25]), min_size=1
).map(" ".join)

CLAIMS = st.lists(
    st.builds(
        Claim,
        identifier=st.sampled_from(["a", "slope"]),
        where=st.just(""),
        statement=WORDS,
        published=WORDS,
        measured=WORDS,
        rule=st.just(""),
        verdict=st.sampled_from(Verdict),
        explanation=WORDS,
    ),
    min_size=1,
    max_size=4,
)

REPRODUCED = Claim("a", "p. 1", "Rates grow.", "1", "1.0", "equal", Verdict.REPRODUCED)


@given(CLAIMS, st.integers(30, 160))
def test_every_line_fits_and_no_text_is_lost(claims, width):
    table = claims_table(claims, width)
    assert max(len(line) for line in table.splitlines()) <= width
    letters = sorted(re.sub(r"\s", "", table))
    for claim in claims:
        for text in (claim.statement, claim.published, claim.measured, claim.explanation):
            for letter in re.sub(r"\s", "", text):
                letters.remove(letter)


def test_a_wide_table_has_a_line_a_claim():
    lines = claims_table([REPRODUCED], 200).splitlines()
    assert re.fullmatch(r"Rates grow\. +1 +1\.0 +reproduced", lines[3])


def test_a_narrow_table_is_a_list():
    lines = claims_table([REPRODUCED], 40).splitlines()
    assert lines[1:5] == ["Rates grow.", "  published: 1", "  measured: 1.0", "  reproduced"]


@pytest.mark.parametrize("width", [40, 100])
def test_colours_surround_the_verdict_only(width):
    coloured = claims_table([REPRODUCED], width, colour=True)
    assert "\x1b[32mreproduced\x1b[0m" in coloured
    plain = re.sub(r"\x1b\[\d*m", "", coloured)
    assert plain == claims_table([REPRODUCED], width)


def test_no_colours_without_a_terminal(monkeypatch):
    assert not colours_wanted()
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert colours_wanted()
    monkeypatch.setenv("NO_COLOR", "")
    assert not colours_wanted()


def test_the_counts_are_summed_up():
    other = Claim("b", "", "B", "", "", "", Verdict.NOT_TESTED, "too large")
    last = claims_table([REPRODUCED, other, REPRODUCED], 100).splitlines()[-1]
    assert last == "3 claims: 2 reproduced, 1 not tested at this scale"


def test_definitions_are_wrapped_beside_their_names():
    text = definitions(
        [("a", "one two three four five six"), ("long-name", "seven"), ("x", "")], 31
    )
    assert text.splitlines() == [
        "a          one two three four",
        "           five six",
        "long-name  seven",
        "x",
    ]
