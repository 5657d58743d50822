"""Heat of a pump's oil and bearings over a long step, and the quasi-steady step built on it.

The three temperatures of `pump` obey linear equations with constant coefficients, so a step of any length under a
constant load is exact: T' = phi T + gamma f, phi = exp(M dt), gamma = the integral of exp(M s) over the step. 3 x 3 in
plain Python, no BLAS.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.physics.pump import (
    Array,
    PumpLoad,
    PumpParameters,
    PumpState,
    WearRates,
    behind_valve,
    leak_flow,
    settle,
    with_wear,
)

Row = tuple[float, float, float]
Matrix = tuple[Row, Row, Row]

ZERO: Matrix = ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
IDENTITY: Matrix = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
TAYLOR_TERMS = 12
"""With |M| h below 0.5 the terms left out are under 0.5^13 / 13! = 2e-14."""


class HeatPropagator(NamedTuple):
    """phi and gamma for one step length; rows and columns are oil, thrust bearing, radial bearing."""

    dt_s: float
    phi: Matrix
    gamma: Matrix


def row_times(row: Row, b: Matrix) -> Row:
    """The product of a row and a matrix."""
    x, y, z = row
    return (
        x * b[0][0] + y * b[1][0] + z * b[2][0],
        x * b[0][1] + y * b[1][1] + z * b[2][1],
        x * b[0][2] + y * b[1][2] + z * b[2][2],
    )


def multiply(a: Matrix, b: Matrix) -> Matrix:
    """The product a b."""
    return row_times(a[0], b), row_times(a[1], b), row_times(a[2], b)


def add_row(a: Row, b: Row, scale: float) -> Row:
    """a + scale b, for rows."""
    return a[0] + scale * b[0], a[1] + scale * b[1], a[2] + scale * b[2]


def add(a: Matrix, b: Matrix, scale: float = 1.0) -> Matrix:
    """a + scale b."""
    return add_row(a[0], b[0], scale), add_row(a[1], b[1], scale), add_row(a[2], b[2], scale)


def heat_matrix(p: PumpParameters) -> Matrix:
    """M of dT/dt = M T + f, in 1/s."""
    oil, thrust, radial = p.oil_heat_capacity, p.thrust_heat_capacity, p.radial_heat_capacity
    oil_loss = p.oil_to_thrust + p.oil_to_radial + p.oil_to_ambient
    return (
        (-oil_loss / oil, p.oil_to_thrust / oil, p.oil_to_radial / oil),
        (p.thrust_to_oil / thrust, -(p.thrust_to_ambient + p.thrust_to_oil) / thrust, 0.0),
        (p.radial_to_oil / radial, 0.0, -(p.radial_to_ambient + p.radial_to_oil) / radial),
    )


def heat_propagator(p: PumpParameters, dt_s: float) -> HeatPropagator:
    """phi and gamma by a Taylor series over a short step that is then doubled up to `dt_s`."""
    matrix = heat_matrix(p)
    norm = max(sum(abs(x) for x in row) for row in matrix)
    doublings = 0
    while norm * dt_s / 2**doublings > 0.5:
        doublings += 1
    h = dt_s / 2**doublings
    phi, gamma, term = IDENTITY, add(ZERO, IDENTITY, h), IDENTITY
    for k in range(1, TAYLOR_TERMS + 1):
        term = multiply(term, add(ZERO, matrix, h / k))
        phi, gamma = add(phi, term), add(gamma, term, h / (k + 1))
    for _ in range(doublings):
        phi, gamma = multiply(phi, phi), add(gamma, multiply(phi, gamma))
    return HeatPropagator(dt_s, phi, gamma)


def heated(
    p: PumpParameters,
    over: HeatPropagator,
    state: PumpState,
    ambient_k: Array,
    thrust_power: Array,
    radial_power: Array,
) -> PumpState:
    """The state with its temperatures `over.dt_s` later.

    Powers are friction times speed squared, constant over the step.
    """
    before = (state.oil_temp_k, state.thrust_temp_k, state.radial_temp_k)
    forcing = (
        ambient_k * (p.oil_to_ambient / p.oil_heat_capacity),
        (thrust_power + p.thrust_to_ambient * ambient_k) / p.thrust_heat_capacity,
        (radial_power + p.radial_to_ambient * ambient_k) / p.radial_heat_capacity,
    )
    oil, thrust, radial = (
        phi[0] * before[0] + phi[1] * before[1] + phi[2] * before[2]
        + (gamma[0] * forcing[0] + gamma[1] * forcing[1] + gamma[2] * forcing[2])
        for phi, gamma in zip(over.phi, over.gamma, strict=True)
    )  # fmt: skip
    return replace(state, oil_temp_k=oil, thrust_temp_k=thrust, radial_temp_k=radial)


STAND_IN_V, STAND_IN_RAD_S = 1.0, 1.0
"""Any that are not 0: the motor equation divides by them, and a standing pump's result is not used."""


class Drive(NamedTuple):
    """Which pumps turn, and which of those deliver through an open check valve; (n,) each."""

    turns: NDArray[np.bool_]
    delivers: NDArray[np.bool_]


def settle_driven(
    p: PumpParameters, state: PumpState, load: PumpLoad, drive: Drive | None = None
) -> tuple[Array, Array]:
    """Settled speed in rad/s and flow in m3/s, both 0 for pumps that stand; None says that all turn and deliver."""
    if drive is None:
        return settle(p, state, load)
    fed = load._replace(
        voltage_v=np.where(drive.turns, load.voltage_v, STAND_IN_V),
        sync_speed_rad_s=np.where(drive.turns, load.sync_speed_rad_s, STAND_IN_RAD_S),
    )
    speed, flow = settle(p, state, fed, drive.turns & drive.delivers)
    return np.where(drive.turns, speed, 0.0), flow


def long_step(
    p: PumpParameters,
    over: HeatPropagator,
    state: PumpState,
    load: PumpLoad,
    rates: WearRates,
    drive: Drive | None = None,
) -> PumpState:
    """`over.dt_s` (60 to 600 s) of constant load.

    Shaft and flow are settled, heat is exact, wear is at the settled speed and flow. A pump that stands makes no heat
    and does not wear.
    """
    speed, flow = settle_driven(p, state, load, drive)
    worn = with_wear(state, rates, speed, flow, over.dt_s)
    speed2 = speed * speed
    thrust_power = 0.5 * (state.thrust_friction + worn.thrust_friction) * speed2
    radial_power = 0.5 * (state.radial_friction + worn.radial_friction) * speed2
    leak = behind_valve(leak_flow(p, load), None if drive is None else drive.delivers)
    return replace(heated(p, over, worn, load.ambient_temp_k, thrust_power, radial_power), leak_m3_s=leak)


def settled_heat(
    p: PumpParameters, ambient_k: Array, thrust_power: Array, radial_power: Array
) -> tuple[Array, Array, Array]:
    """Oil, thrust and radial bearing temperature in K once they no longer change under a constant load."""
    thrust_share = p.thrust_to_oil / (p.thrust_to_ambient + p.thrust_to_oil)
    radial_share = p.radial_to_oil / (p.radial_to_ambient + p.radial_to_oil)
    thrust_alone = thrust_power / (p.thrust_to_ambient + p.thrust_to_oil)
    radial_alone = radial_power / (p.radial_to_ambient + p.radial_to_oil)
    kept = p.oil_to_thrust * (1.0 - thrust_share) + p.oil_to_radial * (1.0 - radial_share) + p.oil_to_ambient
    oil = (p.oil_to_thrust * thrust_alone + p.oil_to_radial * radial_alone) / kept
    return ambient_k + oil, ambient_k + thrust_alone + thrust_share * oil, ambient_k + radial_alone + radial_share * oil
