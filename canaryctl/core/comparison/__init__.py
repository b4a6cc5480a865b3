"""Canary against stable over one window: figures of both, differences, what to do.

Pure functions of one ``core.look.Look``. ``source`` says what is read, ``side`` what one version
showed, ``compare`` holds the two against each other, ``advice`` says what it means. The intervals
are in ``rates``, ``quantiles`` and ``means``, on ``beta``.
"""
