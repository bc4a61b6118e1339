"""The wire format between the grader and the student's process: plain data in length-prefixed msgpack frames.

Nothing is ever unpickled. What is not plain data crosses as a *handle*: a number that stands for an object living in
the student's process. numpy arrays and torch tensors cross by value, with their dtype, shape and memory layout;
a tensor arrives as an array where torch has not been imported.
"""

import struct
import sys

import msgpack
import numpy as np

from visionlab.checks.plain import NUMERIC_KINDS

ARRAY, SCALAR, TENSOR, TUPLE, COMPLEX, BIG_INT, HANDLE = range(1, 8)
HEADER = struct.Struct("!Q")
MAX_DEPTH = 50


class WireError(Exception):
    """A frame is too large, broken, or holds what may not cross."""


def encode(value, to_handle):
    """Encode a value as bytes.

    Parameters
    ----------
    value : object
    to_handle : callable
        Called with each object that is not plain data; returns the number of its handle, or raises.
    """

    def default(item):
        if type(item) is tuple:
            return msgpack.ExtType(TUPLE, pack(list(item)))
        if type(item) is complex:
            return msgpack.ExtType(COMPLEX, struct.pack("!dd", item.real, item.imag))
        if type(item) is int:  # beyond 64 bits
            return msgpack.ExtType(BIG_INT, str(item).encode())
        if isinstance(item, np.generic) and item.dtype.kind in NUMERIC_KINDS:
            return msgpack.ExtType(SCALAR, pack([item.dtype.str, item.tobytes()]))
        if type(item) is np.ndarray and item.dtype.kind in NUMERIC_KINDS:
            return msgpack.ExtType(ARRAY, pack(_array_to_parts(item)))
        torch = sys.modules.get("torch")
        if torch is not None and type(item) is torch.Tensor:
            return msgpack.ExtType(TENSOR, pack(_array_to_parts(item.detach().cpu().numpy())))
        return msgpack.ExtType(HANDLE, pack(to_handle(item)))

    def pack(item):
        try:
            return msgpack.packb(item, default=default, strict_types=True)
        except OverflowError:
            return msgpack.packb(default(item), strict_types=True)

    try:
        return pack(value)
    except (ValueError, OverflowError, RecursionError) as error:
        raise WireError(f"the value cannot be sent: {error}") from None


def decode(data, from_handle, depth=0):
    """Decode what `encode` made.

    Parameters
    ----------
    data : bytes
        Possibly forged: decoding has no effect but to build plain values, or to raise.
    from_handle : callable
        Called with what `encode`'s ``to_handle`` returned.

    Raises
    ------
    WireError
    """

    def unpack(part):
        return decode(part, from_handle, depth + 1)

    def extension(code, part):
        if code == TUPLE:
            return tuple(unpack(part))
        if code == COMPLEX:
            return complex(*struct.unpack("!dd", part))
        if code == BIG_INT:
            if len(part) > 4000:
                raise WireError("an integer of more than 4000 digits")
            return int(part)
        if code == SCALAR:
            dtype, content = unpack(part)
            return np.frombuffer(content, _dtype(dtype), count=1)[0]
        if code == ARRAY:
            return _array_from_parts(*unpack(part))
        if code == TENSOR:
            array = _array_from_parts(*unpack(part))
            # Tests that do not use torch have no use for a tensor, and it would cost each worker 200 MB.
            torch = sys.modules.get("torch")
            return array if torch is None else torch.from_numpy(array)
        if code == HANDLE:
            return from_handle(unpack(part))
        raise WireError(f"unknown kind of value ({code})")

    if depth > MAX_DEPTH:
        raise WireError(f"data nested more than {MAX_DEPTH} deep")
    try:
        return msgpack.unpackb(data, ext_hook=extension, strict_map_key=False)
    except WireError:
        raise
    except Exception as error:  # forged bytes can break the decoder in many ways; all mean the same here
        raise WireError(f"unreadable data ({type(error).__name__})") from None


def _dtype(text):
    dtype = np.dtype(text)
    if dtype.kind not in NUMERIC_KINDS or dtype.hasobject:
        raise WireError(f"an array of {dtype}")
    return dtype


def _array_to_parts(array):
    layout = "C" if array.flags.c_contiguous else "F" if array.flags.f_contiguous else "strided"
    return [array.dtype.str, list(array.shape), layout, array.flags.writeable, array.tobytes()]


def _array_from_parts(dtype, shape, layout, writeable, content):
    dtype = _dtype(dtype)
    if any(type(n) is not int or n < 0 for n in shape) or len(shape) > 32:
        raise WireError("an array of impossible shape")
    array = np.frombuffer(content, dtype).reshape(shape).copy()
    if layout == "F":
        array = np.asfortranarray(array)
    elif layout == "strided" and array.ndim:
        # Any layout that is neither C nor Fortran will do: what matters is that code must not rely on one.
        spread = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), dtype)
        spread[..., ::2] = array
        array = spread[..., ::2]
    array.flags.writeable = bool(writeable)
    return array


def send(sock, data):
    """Send one frame on a connected socket."""
    sock.sendall(HEADER.pack(len(data)) + data)


def receive(sock, limit):
    """Receive one frame.

    Raises
    ------
    EOFError
        If the other side has closed the connection.
    WireError
        If the frame is larger than ``limit`` bytes.
    """
    (size,) = HEADER.unpack(_exactly(sock, HEADER.size))
    if size > limit:
        raise WireError(f"a value of {size / 1e6:,.0f} MB, where at most {limit / 1e6:,.0f} MB may be returned")
    return _exactly(sock, size)


def _exactly(sock, size):
    content = bytearray()
    while len(content) < size:
        part = sock.recv(min(size - len(content), 1 << 20))
        if not part:
            raise EOFError("the connection was closed")
        content += part
    return bytes(content)
