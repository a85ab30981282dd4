from pipeline.utils.compiled import compiled


def test_where_nothing_can_be_kept_functions_are_compiled_all_the_same():
    """For code without a file numba has nowhere to keep the result, as in a read-only installation without a home."""
    names: dict[str, object] = {}
    exec("def twice(x):\n    return 2 * x\n", names)
    assert compiled(names["twice"])(21) == 42
