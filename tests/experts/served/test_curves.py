"""The curves that models end in, held against the libraries they stand for."""

import ctypes
import ctypes.util
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, ndtri

from live_trader.experts.served.curves import narrow_sigmoid, probit, sigmoid


@given(st.floats(0.0, 1.0))
def test_the_probit_has_the_bits_of_scipy(share: float) -> None:
    assert probit(share) == ndtri(share)


@given(st.floats(-330.0, -1.0))
def test_the_probit_has_the_bits_of_scipy_in_both_tails(power: float) -> None:
    share = 10.0**power
    assert probit(share) == ndtri(share)
    assert probit(1.0 - share) == ndtri(1.0 - share)


@given(st.floats(-1000.0, 1000.0))
def test_the_sigmoid_is_scipys(value: float) -> None:
    assert sigmoid(value) == pytest.approx(float(expit(value)), abs=1e-300, rel=1e-15)


def test_the_sigmoid_of_no_number_is_no_number() -> None:
    assert math.isnan(sigmoid(math.nan))


def _expf() -> object:
    library = ctypes.CDLL(ctypes.util.find_library("m"))
    library.expf.restype, library.expf.argtypes = ctypes.c_float, [ctypes.c_float]
    return library.expf


@given(st.floats(-87.0, 700.0, width=32))
def test_the_narrow_sigmoid_has_the_bits_of_the_c_library(value: float) -> None:
    narrow, expf = np.float32(value), _expf()
    grown = np.float32(expf(float(min(-narrow, np.float32(88.7)))))
    assert narrow_sigmoid(narrow) == float(np.float32(1) / (grown + np.float32(1)))
