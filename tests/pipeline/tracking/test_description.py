"""The study's page in MLflow begins with the verdict."""

from types import SimpleNamespace

from headstart.pipeline.tracking.description import markdown


def test_the_note_has_the_sentence_the_clauses_the_strategies_and_what_failed():
    clause = SimpleNamespace(side="good", asked="above 85 %", figure="90 %", state="held")
    row = SimpleNamespace(
        strategy="frozen",
        images=1259,
        draws=1,
        accuracy=0.9,
        low=0.86,
        high=0.93,
        spread="none",
        seconds=8.0,
        tuning_seconds=0.0,
    )
    verdict = SimpleNamespace(
        sentence="Good: it is.",
        negative=["Negative transfer: no."],
        findings=["Control: no."],
        clauses=[clause],
        rows=[row],
        confidence=0.9,
        cheapest="This.",
    )
    told = markdown(SimpleNamespace(verdict=verdict, failures={"scratch-10%": "no memory"}))
    assert told.startswith("**Good: it is.**\n")
    assert "- Negative transfer: no.\n- Control: no.\n" in told
    assert "| good | above 85 % | 90 % | held |" in told
    assert "| test accuracy (90 %) |" in told
    assert "| frozen | 1,259 | 1 | 0.900 (0.860–0.930) | none | 8.0 | 0.0 |" in told
    assert told.endswith("This.\n- scratch-10% failed: no memory")
