"""The networks run: shapes, gradients, odd sizes, the identity of an empty residual branch, errors for people."""

import functools

import pytest
import torch
from torch import nn

from visionlab.nets import (
    alexnet,
    cifar_resnet,
    googlenet,
    lenet5,
    lenet_1989,
    residual_network,
    resnet,
    resnet18,
    simple_lenet,
    vgg,
)  # fmt: skip
from visionlab.nets.lenet import C3_TABLE, DigitCodes, ScaledTanh
from visionlab.nets.resnet import SHORTCUTS, STAGES, Pad, Residual

# Small enough to run on a slow processor; the large ones are sized on the meta device in test_sizes.
SMALL = {
    "lenet5": lenet5,
    "lenet5, 28": functools.partial(lenet5, side=28, partial=False),
    "simple_lenet": simple_lenet,
    "simple_lenet, partial": functools.partial(simple_lenet, partial=True, side=32),
    "lenet_1989": lenet_1989,
    "alexnet": functools.partial(alexnet, classes=10),
    "alexnet, 224": functools.partial(alexnet, side=224, pool_first=True, groups=1, classes=10),
    "vgg": functools.partial(vgg, (1, 2, (3, "LRN", 1)), width=8, hidden=(20,), side=32, classes=10),
    "vgg, batch norm": functools.partial(vgg, (1, 1), width=8, hidden=(), batch_norm=True, side=30, classes=10),
    "googlenet": functools.partial(googlenet, classes=10),
    "resnet18": functools.partial(resnet18, classes=10),
    "resnet50": functools.partial(resnet, 50, classes=10),
    "plain": functools.partial(cifar_resnet, 20, residual=False),
    **{f"cifar_resnet, {name}": functools.partial(cifar_resnet, 20, shortcut=name) for name in SHORTCUTS},
}  # fmt: skip


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("make", SMALL.values(), ids=SMALL)
def test_ten_scores_and_a_gradient_that_reaches_every_pixel_and_weight(make):
    network = make().eval()
    images = torch.rand(2, *network.input_shape, requires_grad=True)
    scores = network(images)
    assert scores.shape == (2, 10) and scores.isfinite().all()
    (scores * torch.randn(2, 10)).sum().backward()
    assert images.grad.flatten(1).any(1).all()
    for name, weight in network.named_parameters():
        assert not weight.requires_grad or weight.grad is not None, name
    assert network.embed(images).shape[0] == 2


@pytest.mark.parametrize("make", [resnet18, googlenet, functools.partial(cifar_resnet, 20)], ids=["18", "inc", "cifar"])
@pytest.mark.parametrize("size", [(65, 97), (101, 64)])
def test_odd_sizes_pass_where_the_end_is_an_average(make, size):
    network = make(classes=7).eval()
    with torch.no_grad():
        assert network(torch.rand(1, 3, *size)).shape == (1, 7)


@pytest.mark.parametrize("shortcut", SHORTCUTS)
def test_a_residual_network_with_empty_branches_is_its_shortcuts(shortcut):
    """z + 0 = z: with nothing in the branches, a stage without change of shape returns what it is given."""
    network = residual_network((3, 2), 8, shortcut=shortcut, shrink_early=False, classes=4).eval()
    for block in network.modules():
        if isinstance(block, Residual):
            nn.init.zeros_(block.branch[-1].weight)
            nn.init.zeros_(block.branch[-1].bias)
    z = torch.rand(2, 8, 7, 9)
    assert torch.equal(network.stage1(z), z)
    crossed = network.stage2[0](z)
    assert crossed.shape == (2, 16, 4, 5) and torch.equal(network.stage2(z), crossed)
    if shortcut == "pad":
        assert torch.equal(crossed[:, :8], z[:, :, ::2, ::2]) and not crossed[:, 8:].any()
    if shortcut == "subsample":  # A44: subsample(W z), W z computed everywhere
        whole = nn.functional.conv2d(z, network.stage2[0].shortcut.weight)
        assert torch.allclose(crossed, whole[:, :, ::2, ::2].relu(), atol=1e-6)


def test_plain_networks_differ_by_the_additions_only():
    plain, residual = cifar_resnet(20, residual=False), cifar_resnet(20)
    shapes = [[tuple(p.shape) for p in network.parameters()] for network in (plain, residual)]
    assert shapes[0] == shapes[1]
    plain.load_state_dict(dict(zip(plain.state_dict(), residual.state_dict().values(), strict=True)))
    images = torch.rand(2, 3, 32, 32)
    assert not torch.allclose(plain.eval()(images), residual.eval()(images))
    assert (plain.title, residual.title) == ("plain-20", "ResNet-20")


def test_the_gradient_of_a_deep_plain_network_is_not_what_a_residual_ones_is():
    """A40: ∂g/∂z + I. With weak branches a plain network passes next to nothing back; a residual one does."""
    reached = {}
    for residual in (True, False):
        network = cifar_resnet(56, residual=residual).eval()
        for layer in network.modules():
            if isinstance(layer, nn.BatchNorm2d) and layer is not network.norm1:
                nn.init.constant_(layer.weight, 0.3)
        images = torch.rand(1, 3, 32, 32, requires_grad=True)
        network(images).square().sum().backward()
        reached[residual] = images.grad.abs().max().item()
    assert reached[True] > 1000 * reached[False]


@pytest.mark.parametrize("depth", STAGES)
def test_as_many_layers_with_weights_as_the_name_says(depth):
    with torch.device("meta"):
        network = resnet(depth, residual=False)
    assert sum(isinstance(layer, nn.Conv2d | nn.Linear) for layer in network.modules()) == depth
    assert network.title == f"plain-{depth}"


def test_resnet_18_keeps_the_order_in_which_published_weights_come():
    """Convolution, normalisation, convolution, normalisation, then the shortcut's: as torchvision names them."""
    with torch.device("meta"):
        shapes = [tuple(p.shape) for p in resnet18().parameters()]
    assert shapes[:3] == [(64, 3, 7, 7), (64,), (64,)] and shapes[-2:] == [(1000, 512), (1000,)]
    stage2 = shapes[15:24]
    assert stage2[::3] == [(128, 64, 3, 3), (128, 128, 3, 3), (128, 64, 1, 1)] and len(resnet18().state_dict()) == 122


def test_c3_reads_what_the_paper_says():
    c3 = lenet5().C3
    images = torch.rand(1, 6, 14, 14, requires_grad=True)
    for f, reads in enumerate(C3_TABLE):
        (gradient,) = torch.autograd.grad(c3(images)[0, f, 3, 4], images)
        assert tuple(gradient[0].flatten(1).any(1).nonzero().flatten().tolist()) == reads
        assert gradient.count_nonzero() == 25 * len(reads)


def test_c3s_table_follows_the_papers_rules():
    """Six runs of three maps, six of four, three of two and two with gaps, one of all; each map is read 10 times."""
    circle = [[{(i + j) % 6 for j in range(n)} for i in range(6)] for n in (3, 4)]
    rows = [set(reads) for reads in C3_TABLE]
    assert all(run in rows[6 * i : 6 * i + 6] for i, runs in enumerate(circle) for run in runs)
    assert rows[12:] == [{i, i + 1, (i + 3) % 6, (i + 4) % 6} for i in (0, 1, 2)] + [set(range(6))]
    assert [sum(c in reads for reads in rows) for c in range(6)] == [10] * 6


def test_the_squashing_function_keeps_one_and_minus_one():
    x = torch.tensor([-1.0, 0.0, 1.0])
    assert torch.allclose(ScaledTanh()(x), x, atol=1e-4)


def test_a_partial_convolution_of_all_maps_is_a_convolution():
    ours, torchs = lenet5(partial=False).C3, nn.Conv2d(6, 16, 5)
    with torch.no_grad():
        torchs.weight.copy_(ours.weight.view(16, 6, 5, 5))
        torchs.bias.uniform_()
        ours.bias.copy_(torchs.bias.view(16, 1, 1))
    images = torch.rand(3, 6, 14, 14)
    assert torch.allclose(ours(images), torchs(images), atol=1e-5)


def test_padding_28_to_32_changes_nothing():
    large = lenet5()
    small = lenet5(side=28)
    small.load_state_dict(large.state_dict())
    digits = torch.rand(2, 1, 28, 28)
    assert torch.allclose(small(digits), large(nn.functional.pad(digits, (2, 2, 2, 2))), atol=1e-5)


def test_each_drawn_digit_is_nearest_to_itself():
    layer = DigitCodes()
    assert layer.weight.shape == (10, 84) and set(layer.weight.flatten().tolist()) == {-1.0, 1.0}
    scores = layer(layer.weight)
    assert torch.equal(scores.argmax(1), torch.arange(10)) and not scores.diagonal().any()
    assert (scores - torch.eye(10)).topk(2).values[:, 1].max() <= -4 * 5  # no two drawings agree but for five dots


@pytest.mark.parametrize("partial", [True, False])
def test_lenet_learns_one_batch(partial):
    for network in (lenet5(partial=partial, side=28), simple_lenet(partial=partial)):
        images, labels = torch.rand(20, 1, 28, 28), torch.arange(20) % 10
        optimiser = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], 5e-3)
        for _ in range(80):
            loss = nn.functional.cross_entropy(network(images), labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        assert loss < 0.5


def test_response_normalisation_is_the_papers():
    """b = a / (2 + 10⁻⁴ Σ a²)^0.75, the sum over five neighbouring maps."""
    a = 50 * torch.rand(1, 9, 2, 2)
    around = torch.stack([a[:, max(0, i - 2) : i + 3].square().sum(1) for i in range(9)], 1)
    assert torch.allclose(alexnet_layer("norm1")(a), a / (2 + 1e-4 * around) ** 0.75)


def alexnet_layer(name):
    with torch.device("meta"):
        return getattr(alexnet(), name)


def test_the_vgg_pattern():
    with torch.device("meta"):
        network = vgg((1, 1, 1, 1, 1), width=64, widest=2000)
        stopped = vgg((1, 1, 1, 1, 1))
    widths = [[layer.out_channels for layer in made if isinstance(layer, nn.Conv2d)] for made in (network, stopped)]
    assert widths == [[64, 128, 256, 512, 1024], [64, 128, 256, 512, 512]]  # K35: the paper stops at 512


def test_a_shortcut_without_parameters_subsamples_from_the_first_row():
    z = torch.arange(25.0).view(1, 1, 5, 5)
    assert Pad(2, 2)(z)[0, 0].tolist() == [[0, 2, 4], [10, 12, 14], [20, 22, 24]]


def test_layers_have_names_and_slices():
    network = simple_lenet()
    assert network.C1.out_channels == 6
    images = torch.rand(2, 1, 28, 28)
    assert network[:3](images).shape == (2, 6, 14, 14)
    assert torch.equal(network.output(network.embed(images)), network(images))


@pytest.mark.parametrize(
    ("make", "images", "said"),
    [
        (simple_lenet, torch.zeros(2, 3, 28, 28), r"C1 \(Conv2d\) expects 1 channels.* has 3.*\(N, 1, 28, 28\)"),
        (simple_lenet, torch.zeros(2, 1, 32, 32), r"F5 \(Linear\) expects 400 numbers per image, and gets 576"),
        (simple_lenet, torch.zeros(1, 28, 28), "made for images"),
        (simple_lenet, torch.zeros(2, 1, 28, 28, dtype=torch.uint8), r"uint8: try images.float\(\) / 255"),
        (simple_lenet, torch.zeros(2, 1, 28, 28, dtype=torch.float64), r"try images.to\(torch.float32\)"),
        (lenet5, torch.zeros(1, 5, 32, 32), "C1 .* expects 1 channels"),
        (functools.partial(cifar_resnet, 20), torch.zeros(1, 1, 32, 32), r"conv1 \(Conv2d\) expects 3 channels"),
    ],
)  # fmt: skip
def test_images_that_do_not_fit(make, images, said):
    network = make()
    with pytest.raises(ValueError, match=said):
        network(images)


def test_other_errors_stay_what_they_are():
    network = simple_lenet()
    network.relu1.register_forward_hook(lambda *_: (_ for _ in ()).throw(RuntimeError("of my own")))
    with pytest.raises((RuntimeError, ValueError), match="of my own"):
        network(torch.zeros(1, 1, 28, 28))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: lenet5(side=30), "28×28 or 32×32, not 30×30"),
        (lambda: alexnet(side=256), "224×224 or 227×227, not 256×256"),
        (lambda: vgg("F"), "no configuration 'F'; there are A, A-LRN, B, C, D, E"),
        (lambda: vgg((1,) * 6, side=32), "cannot be halved 6 times"),
        (lambda: resnet(20), "no ImageNet network of depth 20; it has 18, 34, 50"),
        (lambda: cifar_resnet(51), "6n \\+ 2"),
        (lambda: cifar_resnet(2), "6n \\+ 2"),
        (lambda: residual_network(shortcut="none"), "no shortcut 'none'"),
    ],
)
def test_settings_that_make_no_network(call, said):
    with pytest.raises(ValueError, match=said):
        call()
