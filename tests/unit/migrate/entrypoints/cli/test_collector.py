import gc

import pytest

from migrate.entrypoints.cli.collector import needed, paused


def test_the_collector_comes_back_however_a_command_ends():
    with paused():
        assert not gc.isenabled()
    with pytest.raises(ValueError, match="odd"), paused():
        raise ValueError("odd")
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off():
    with paused(), paused():
        assert not gc.isenabled()
    gc.disable()
    with paused():
        pass
    off = not gc.isenabled()
    gc.enable()
    assert off


def test_what_runs_for_hours_has_it_until_its_end():
    with paused():
        needed()
        assert gc.isenabled()
    assert gc.isenabled()
