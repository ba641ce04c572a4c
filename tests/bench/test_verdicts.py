from bench.verdicts import Measured, Spent, recap, table, typical

MEASURED = Measured(
    count=25,
    first=Spent(900.0, 9.0, 1800.0),
    no_op=Spent(9.0, 3.2, 18.0),
    doctor=Spent(30.0, 4.0, 60.0),
    first_one=Spent(95.0, 2.0, 190.0),
    one=Spent(4.5, 1.5, 9.0),
    one_doctor=Spent(8.0, 1.6, 16.0),
    ansible=Spent(45.0, 60.0, 90.0),
)


def cells(measured: Measured) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in table(measured).splitlines()
    ]


def test_each_goal_is_met_or_missed():
    header, _, *rows = cells(MEASURED)
    assert header == ["", "one machine", "25 machines", "Ansible", "goal", ""]
    assert rows == [
        ["first deploy", "95.0 s", "900 s", "", "", ""],
        ["no-op", "4.50 s", "9.00 s", "45.0 s", "≤ 12.0 s", "met"],
        ["no-op, ratio to Ansible's", "", "0.20", "", "≤ 0.33", "met"],
        ["no-op, ratio to one machine's", "", "2.00", "", "≤ 2.50", "met"],
        ["no-op, CPU here", "1.50 s", "3.20 s", "60.0 s", "≤ 3.00 s", "missed"],
        ["no-op, CPU of all", "9.00 s", "18.0 s", "90.0 s", "", ""],
        ["doctor", "8.00 s", "30.0 s", "", "", ""],
        ["doctor, CPU here", "1.60 s", "4.00 s", "", "", ""],
    ]


def test_a_figure_is_the_median_of_its_runs():
    runs = [Spent(3.0, 9.0, 4.0), Spent(1.0, 8.0, 6.0), Spent(2.0, 1.0, 5.0)]
    assert typical(runs) == Spent(2.0, 8.0, 5.0)


RECAP = """
TASK [Speech is transcribed through the proxy] ***
ok: [m00]

PLAY RECAP *********************************************************************
m00                        : ok=11   changed=0    unreachable=0    failed=0    skipped=0
m01                        : ok=4    changed=1    unreachable=0    failed=1    skipped=0

"""


def test_what_ansible_counts_is_read_by_host():
    counts = recap(RECAP)
    assert list(counts) == ["m00", "m01"]
    assert (counts["m00"]["ok"], counts["m01"]["changed"]) == (11, 1)
    assert recap("ERROR! no such file") == {}
