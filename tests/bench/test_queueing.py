from bench.queueing import HOUR, Case, first_in_first_out, simulated

FILES = Case("four at a time", clients=4, seconds=600, max_wait=45)


def test_dictations_do_not_starve_behind_files_nor_files_behind_dictations():
    ours, fifo = simulated(FILES, HOUR), first_in_first_out(FILES, HOUR)
    assert ours.dictations.mean < fifo.dictations.mean / 3
    assert ours.files.mean < fifo.files.mean * 1.1
    assert ours.dictations.refused == ours.files.refused == 0
