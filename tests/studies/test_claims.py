import json
import math
from dataclasses import replace

import numpy as np
import pytest

from neuropil.studies import Claim, Verdict, judged
from neuropil.studies.claims import claim_from_json

CLAIM = Claim(
    identifier="slope",
    where="figure 2",
    statement="Rates grow with strength.",
    published="0.5 ± 0.1",
    measured="0.48 ± 0.02",
    rule="intervals overlap",
    verdict=Verdict.REPRODUCED,
    values={"slope": 0.48},
)


@pytest.mark.parametrize("verdict", [Verdict.NOT_REPRODUCED, Verdict.NOT_TESTED])
def test_a_claim_that_is_not_reproduced_says_why(verdict):
    with pytest.raises(ValueError, match=f"claim 'slope' is {verdict}: explanation is missing"):
        replace(CLAIM, verdict=verdict)
    assert replace(CLAIM, verdict=verdict, explanation="another neuron").verdict is verdict


def test_claims_survive_json():
    text = json.dumps(CLAIM.to_json(), allow_nan=False)
    assert claim_from_json(json.loads(text)) == CLAIM


def test_numbers_that_are_not_finite_become_null_and_come_back_as_nan():
    values = {"gap": math.nan, "limit": math.inf, "narrow": np.float64(0.1)}
    record = replace(CLAIM, values=values).to_json()
    assert record["values"] == {"gap": None, "limit": None, "narrow": 0.1}
    back = claim_from_json(json.loads(json.dumps(record))).values
    assert back is not None
    assert math.isnan(back["gap"])
    assert math.isnan(back["limit"])
    assert back["narrow"] == 0.1


def test_an_unknown_verdict_is_refused():
    with pytest.raises(ValueError, match="'perhaps' is not a valid Verdict"):
        claim_from_json({**CLAIM.to_json(), "verdict": "perhaps"})


@pytest.mark.parametrize(
    ("holds", "verdict", "explanation"),
    [(True, Verdict.REPRODUCED, "barely"), (False, Verdict.NOT_REPRODUCED, "it shrinks")],
)
def test_a_tested_claim_is_judged_and_explained(holds, verdict, explanation):
    fields = {
        name: getattr(CLAIM, name)
        for name in ("identifier", "where", "statement", "published", "measured", "rule", "values")
    }
    claim = judged(holds, explanation="barely", otherwise="it shrinks", **fields)
    assert claim == replace(CLAIM, verdict=verdict, explanation=explanation)


def test_a_claim_that_fails_is_never_without_a_reason():
    with pytest.raises(ValueError, match="explanation is missing"):
        judged(
            False,
            otherwise="",
            **dict.fromkeys(("identifier", "where", "statement", "published"), "x"),
            measured="x",
            rule="x",
        )
