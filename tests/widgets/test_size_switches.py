"""The switches that count a network in many ways: every published figure can be reached, and the state shows."""

import base64
import itertools

import pytest

from visionlab.widgets.size_switches import NETWORKS, SWITCHES, SizeSwitches


@pytest.mark.parametrize("network", NETWORKS)
def test_some_setting_leads_to_each_published_figure(network):
    counted, count, reached = NETWORKS[network], SizeSwitches(network), set()
    for values in itertools.product([False, True], repeat=len(counted.switches)):
        count.set(**dict(zip(counted.switches, values, strict=True)))
        reached.update(count.found)
    assert reached == set(counted.figures)


def test_comss_two_tables_of_lenet_need_different_switches():
    count = SizeSwitches(biases=False)
    assert [figure.number for figure in count.found] == [422_824, 61_470]
    count.set(biases=True, output=False)
    assert [figure.number for figure in count.found] == [8_084]


def test_652_million_needs_three_switches():
    count = SizeSwitches("AlexNet, 2012")
    for switch in ({"convolutions": True}, {"biases": False}, {"printed": True}):
        assert 652_368_384 not in [figure.number for figure in count.found]
        count.set(**switch)
    assert [figure.number for figure in count.found] == [652_368_384]


def test_a_tick_in_the_browser_counts_anew():
    count = SizeSwitches()
    biases = next(switch for switch in count._row.children if switch.description == SWITCHES["biases"])
    before = count._rows.value
    biases.value = False
    assert count._rows.value != before and "Biases not counted" in count._rows.value
    assert count._published.value.count("✓") == 2 and "<b>2 of 3</b>" in count._published.value


def test_another_network_has_its_own_switches_and_starts_afresh():
    count = SizeSwitches(biases=False)
    gone = count._row.children
    count.network = "AlexNet, 2012"
    assert [switch.description for switch in count._row.children] == [
        SWITCHES[name] for name in NETWORKS["AlexNet, 2012"].switches
    ]
    assert count.table.totals.parameters == 60_965_224
    assert all(switch.comm is None for switch in gone)  # closed, so that nothing piles up
    with pytest.raises(ValueError, match=r"partial: for AlexNet, 2012 there are the switches biases"):
        count.set(partial=True)


def test_errors_are_for_people():
    with pytest.raises(ValueError, match="there is no network 'LeNet'; there are 'LeNet, as courses draw it'"):
        SizeSwitches("LeNet")


def test_it_leaves_a_picture():
    bundle, metadata = SizeSwitches()._repr_mimebundle_()
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert "In all 8,094 units" in metadata["image/png"]["alt"]
