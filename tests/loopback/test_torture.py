from torture import Plan, torture


def test_a_little_torture_breaks_no_promise() -> None:
    """`make torture` is the whole of it."""
    plan = Plan(kills=2, seed=3, clients=2, readers=40, order=("worker", "group"))
    report = torture(plan)
    assert not report.faults, report.lines
