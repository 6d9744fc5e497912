"""One module a rule, ``pre_NNN.py``, each with one ``RULE``; they do not lean on each other."""
