"""The three curves that models end in, with the bits of the libraries that the pipelines use."""

from __future__ import annotations

from math import exp, inf, ldexp, log, sqrt

import numpy as np

# Cephes' ndtri, as scipy has it: quotients of polynomials for the middle and for two depths of the tails.
# fmt: off
_MIDDLE = (
    (-59.9633501014107895267, 98.0010754185999661536, -56.6762857469070293439, 13.9312609387279679503,
     -1.23916583867381258016),
    (1.0, 1.95448858338141759834, 4.67627912898881538453, 86.3602421390890590575, -225.462687854119370527,
     200.260212380060660359, -82.0372256168333339912, 15.9056225126211695515, -1.18331621121330003142),
)
_TAIL = (
    (4.05544892305962419923, 31.5251094599893866154, 57.1628192246421288162, 44.0805073893200834700,
     14.6849561928858024014, 2.18663306850790267539, -0.140256079171354495875, -0.0350424626827848203418,
     -0.000857456785154685413611),
    (1.0, 15.7799883256466749731, 45.3907635128879210584, 41.3172038254672030440, 15.0425385692907503408,
     2.50464946208309415979, -0.142182922854787788574, -0.0380806407691578277194,
     -0.000933259480895457427372),
)
_FAR_TAIL = (
    (3.23774891776946035970, 6.91522889068984211695, 3.93881025292474443415, 1.33303460815807542389,
     0.201485389549179081538, 0.0123716634817820021358, 0.000301581553508235416007,
     2.65806974686737550832e-6, 6.23974539184983293730e-9),
    (1.0, 6.02427039364742014255, 3.67983563856160859403, 1.37702099489081330271, 0.216236993594496635890,
     0.0134204006088543189037, 0.000328014464682127739104, 2.89247864745380683936e-6,
     6.79019408009981274425e-9),
)
# fmt: on
_ROOT_OF_2_PI = 2.50662827463100050242
_EXP_MINUS_2 = 0.13533528323661269189

# The C library's expf: two to a thirty-second, and a cubic for what is left, in double precision.
_POWERS = tuple(2.0 ** (step / 32) for step in range(32))
_STEPS_PER_E = float.fromhex("0x1.71547652b82fep+0") * 32
_CUBIC = float.fromhex("0x1.c6af84b912394p-5") / 32**3
_SQUARE = float.fromhex("0x1.ebfce50fac4f3p-3") / 32**2
_LINE = float.fromhex("0x1.62e42ff0c52d6p-1") / 32
_HIGHEST = np.float32(88.7)
_ONE = np.float32(1.0)


def sigmoid(value: float) -> float:
    """One over one plus e to the minus value, also where e to the minus value is beyond a float."""
    return 0.0 if value < -709.0 else 1.0 / (1.0 + exp(-value))


def narrow_sigmoid(value: np.float32) -> float:
    """The same in single precision, as XGBoost computes it."""
    grown = np.float32(_expf(float(min(-value, _HIGHEST))))
    return float(_ONE / (grown + _ONE))


def _expf(value: float) -> float:
    steps = _STEPS_PER_E * value
    whole = round(steps)
    rest = steps - whole
    bent = (_CUBIC * rest + _SQUARE) * (rest * rest) + (_LINE * rest + 1.0)
    return bent * ldexp(_POWERS[whole & 31], whole >> 5)


def probit(share: float) -> float:
    """The value that this share of a normal distribution lies below."""
    if not 0.0 < share < 1.0:
        return -inf if share <= 0.0 else inf
    upper = share > 1.0 - _EXP_MINUS_2
    if upper:
        share = 1.0 - share
    if share > _EXP_MINUS_2:
        centred = share - 0.5
        square = centred * centred
        bend = square * _polynomial(_MIDDLE[0], square) / _polynomial(_MIDDLE[1], square)
        return (centred + centred * bend) * _ROOT_OF_2_PI
    depth = sqrt(-2.0 * log(share))
    inverse = 1.0 / depth
    above, below = _TAIL if depth < 8.0 else _FAR_TAIL
    bend = inverse * _polynomial(above, inverse) / _polynomial(below, inverse)
    value = depth - log(depth) / depth - bend
    return value if upper else -value


def _polynomial(factors: tuple[float, ...], at: float) -> float:
    total = factors[0]
    for factor in factors[1:]:
        total = total * at + factor
    return total
