"""``python -m fastconv bench``: how fast this machine is, how fast fastconv is on it, and how fast others are.

===============  ====================================================================================
``command``      the options; from them to the tables
``works``        what is measured, in groups: the rows of the tables
``rounds``       libraries take turns, round after round; medians, spreads and ratios of what comes out
``process``      a worker process for each library, and the questions it is asked
``report``       tables for people, JSON for programs
``worker``       the program of the worker processes
``sides``        the same work by each library; runs in any interpreter, whether fastconv is there or not
===============  ====================================================================================

Each library works in a process of its own, so that no two pools of threads share one, and may live in another
interpreter.
"""
