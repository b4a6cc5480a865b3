"""Anytime-valid judgement of a canary: what the live rollout and the simulator both call.

``judge.Judge`` weighs what each evaluation really saw; ``course.Course`` makes stages of it.
Both are explicit state without clock or I/O: the same inputs in the same order give the same
verdicts at the same moments. The derivation is in ``docs/verdicts.md``.
"""
