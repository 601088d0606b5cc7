"""A backend's name is what decides numbers, and not where on a machine they were computed."""

from __future__ import annotations

from mobench.measure.backend import backend_name


def test_which_gpu_of_several_it_was_is_no_part_of_a_cell_s_identity() -> None:
    first = backend_name("cuda", "bfloat16")
    assert backend_name("cuda:1", "bfloat16") == backend_name("cuda:0", "bfloat16") == first
    assert "/cuda/" in first
    assert backend_name("cpu", "bfloat16") != first
