from bench.machine import processor


def test_the_model_of_the_first_processor_is_named():
    assert (
        processor("processor\t: 0\nmodel name\t: Fast 9000\n\nmodel name\t: Other\n") == "Fast 9000"
    )


def test_without_a_model_it_is_the_architecture():
    assert processor("processor\t: 0\n")
