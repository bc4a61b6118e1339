import socket

import msgpack
import numpy as np
import pytest
import torch

from autograder import wire


def refuse(item):
    raise wire.WireError(f"handle of {item!r}")


def there_and_back(value):
    return wire.decode(wire.encode(value, refuse), refuse)


@pytest.mark.parametrize(
    "value",
    [None, True, 3, -(2**80), 2.5, float("inf"), 1 + 2j, "Ä", (1, (2, [3])), [()], {"a": (1, 2), "b": {"c": None}}],
)
def test_plain_values_keep_value_and_type(value):
    back = there_and_back(value)
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "uint64", "bool", "complex64", ">i4"])
def test_arrays_keep_dtype_shape_and_values(dtype):
    array = np.arange(6).astype(dtype).reshape(1, 2, 3)
    back = there_and_back(array)
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)


def test_arrays_keep_their_kind_of_memory_layout():
    base = np.arange(24.0).reshape(4, 6)
    assert there_and_back(base).flags.c_contiguous
    assert there_and_back(base.T).flags.f_contiguous
    strided = there_and_back(base[:, ::2])
    assert not strided.flags.c_contiguous and not strided.flags.f_contiguous
    np.testing.assert_array_equal(strided, base[:, ::2])
    base.flags.writeable = False
    assert not there_and_back(base).flags.writeable
    assert there_and_back(np.zeros((0, 3))).shape == (0, 3)
    assert there_and_back(np.float64(3.0).reshape(())).shape == ()


def test_numpy_scalars_and_tensors():
    assert type(there_and_back(np.float32(0.5))) is np.float32
    tensor = there_and_back(torch.arange(6.0).reshape(2, 3))
    assert isinstance(tensor, torch.Tensor) and tensor.shape == (2, 3)


@pytest.mark.parametrize("value", [object(), {1, 2}, np.array([object()]), np.ma.array([1.0])])
def test_other_objects_do_not_cross_by_value(value):
    with pytest.raises(wire.WireError, match="handle of"):
        wire.encode(value, refuse)


@pytest.mark.parametrize(
    "forged",
    [
        b"",
        b"\xc1",
        msgpack.packb([1, 2, 3])[:-1],
        msgpack.packb(msgpack.ExtType(99, b"")),
        msgpack.packb(msgpack.ExtType(wire.ARRAY, msgpack.packb(["|O", [1], "C", True, b"12345678"]))),
        msgpack.packb(msgpack.ExtType(wire.ARRAY, msgpack.packb(["<f8", [10**12], "C", True, b""]))),
        msgpack.packb(msgpack.ExtType(wire.ARRAY, msgpack.packb(["<f8", [-1], "C", True, b"12345678"]))),
        msgpack.packb(msgpack.ExtType(wire.ARRAY, msgpack.packb(["<f8"]))),
        msgpack.packb(msgpack.ExtType(wire.BIG_INT, b"9" * 100_000)),
    ],
)
def test_forged_data_is_refused(forged):
    with pytest.raises(wire.WireError):
        wire.decode(forged, refuse)


def test_nesting_is_limited():
    value = 1
    for _ in range(100):
        value = (value,)
    with pytest.raises(wire.WireError):
        wire.decode(wire.encode(value, refuse), refuse)


def test_a_frame_over_the_limit_is_not_read():
    ours, theirs = socket.socketpair()
    theirs.sendall(wire.HEADER.pack(1 << 50))
    with pytest.raises(wire.WireError, match="at most 1 MB"):
        wire.receive(ours, 1_000_000)


def test_a_closed_connection_is_an_end():
    ours, theirs = socket.socketpair()
    theirs.close()
    with pytest.raises(EOFError):
        wire.receive(ours, 10)
