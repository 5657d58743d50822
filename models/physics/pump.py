"""The equations of a centrifugal pump that wears, for a whole fleet at once: arrays of shape (n,), one place a pump.

They are those of NASA's progpy 1.9 `CentrifugalPump`, after M. Daigle and K. Goebel, "Model-based Prognostics with
Concurrent Damage Progression Processes", IEEE Trans. SMC: Systems 43(4), 535-546, 2013. No randomness and no plant in
here: see `fleet`.
"""

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class PumpFailure(IntEnum):
    """progpy's four events, in progpy's order."""

    IMPELLER_WEAR = 0
    OIL_OVERHEAT = 1
    RADIAL_BEARING_OVERHEAT = 2
    THRUST_BEARING_OVERHEAT = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class PumpParameters:
    """progpy's `default_parameters`; the comment is progpy's name.

    progpy gives no unit to most of the fitted coefficients.
    """

    back_torque_speed2: float = 0.00149204  # a0
    back_torque_speed_flow: float = 5.77703  # a1
    back_torque_flow2: float = 9179.4  # a2
    head_speed_flow: float = 17984.6  # b
    motor_phases: float = 3.0  # n
    motor_pole_pairs: float = 1.0  # p
    shaft_inertia_kg_m2: float = 50.0  # I
    shaft_friction: float = 0.008  # r
    stator_resistance_ohm: float = 0.36  # R1
    rotor_resistance_ohm: float = 0.076  # R2
    leakage_inductance_h: float = 0.00063  # L1
    flow_time_s: float = 5.0  # FluidI
    flow_coefficient: float = 8.24123e-5  # c
    leak_coefficient: float = 1.0  # cLeak
    leak_area_m2: float = 1e-10  # ALeak
    thrust_heat_capacity: float = 7.3  # mcThrust
    thrust_to_ambient: float = 0.0034  # HThrust1
    thrust_to_oil: float = 0.0026  # HThrust2
    radial_heat_capacity: float = 2.4  # mcRadial
    radial_to_ambient: float = 0.0018  # HRadial1
    radial_to_oil: float = 0.020  # HRadial2
    oil_heat_capacity: float = 8000.0  # mcOil
    oil_to_thrust: float = 1.0  # HOil1
    oil_to_radial: float = 3.0  # HOil2
    oil_to_ambient: float = 1.5  # HOil3
    new_impeller_area: float = 12.7084  # x0["A"]
    new_thrust_friction: float = 1.4e-6  # x0["rThrust"]
    new_radial_friction: float = 1.8e-6  # x0["rRadial"]
    impeller_area_limit: float = 9.5  # lim["A"]
    thrust_temp_limit_k: float = 370.0  # lim["Tt"]
    radial_temp_limit_k: float = 370.0  # lim["Tr"]
    oil_temp_limit_k: float = 350.0  # lim["To"]


@dataclass(frozen=True, kw_only=True, slots=True)
class PumpState:
    """What a pump carries from step to step; every field an array of shape (n,)."""

    speed_rad_s: Array  # w
    flow_m3_s: Array  # Q
    oil_temp_k: Array  # To
    thrust_temp_k: Array  # Tt
    radial_temp_k: Array  # Tr
    impeller_area: Array  # A
    thrust_friction: Array  # rThrust
    radial_friction: Array  # rRadial
    leak_m3_s: Array  # QLeak


class PumpLoad(NamedTuple):
    """progpy's inputs, arrays of shape (n,), constant over a step."""

    ambient_temp_k: Array  # Tamb
    voltage_v: Array  # V
    discharge_pa: Array  # pdisch
    suction_pa: Array  # psuc
    sync_speed_rad_s: Array  # wsync


class WearRates(NamedTuple):
    """progpy's wA, wThrust, wRadial, arrays of shape (n,): dA/dt = -impeller Q^2, dr/dt = rate r w^2."""

    impeller: Array
    thrust: Array
    radial: Array


class PumpOutputs(NamedTuple):
    """progpy's outputs, arrays of shape (n,)."""

    speed_rad_s: Array
    discharge_flow_m3_s: Array
    thrust_temp_k: Array
    radial_temp_k: Array
    oil_temp_k: Array


def outputs(state: PumpState) -> PumpOutputs:
    """What progpy's `output` gives for this state."""
    flow = np.maximum(0.0, state.flow_m3_s - state.leak_m3_s)
    return PumpOutputs(state.speed_rad_s, flow, state.thrust_temp_k, state.radial_temp_k, state.oil_temp_k)


def signed_sqrt(x: Array) -> Array:
    """The square root of |x|, with the sign of x."""
    return np.copysign(np.sqrt(np.abs(x)), x)


def leak_flow(p: PumpParameters, load: PumpLoad) -> Array:
    """Internal leak in m3/s, with progpy's sign: negative when the discharge is above the suction pressure."""
    return p.leak_coefficient * p.leak_area_m2 * signed_sqrt(load.suction_pa - load.discharge_pa)


def motor_torque(p: PumpParameters, load: PumpLoad, speed_rad_s: Array) -> Array:
    """Torque of the induction motor in N m.

    It is progpy's Te multiplied through by slip^2, so it is 0, not NaN, at zero slip.
    """
    sync = load.sync_speed_rad_s
    slip = np.maximum(-1.0, np.minimum(1.0, (sync - speed_rad_s) / sync))
    impedance2 = (
        (p.stator_resistance_ohm * slip + p.rotor_resistance_ohm) ** 2
        + (slip * sync * p.leakage_inductance_h) ** 2
    )  # fmt: skip
    gain = p.motor_phases * p.motor_pole_pairs * p.rotor_resistance_ohm * load.voltage_v**2 / (sync + 0.00001)
    return gain * slip / impedance2


def back_torque(p: PumpParameters, speed_rad_s: Array, discharge_flow_m3_s: Array) -> Array:
    """Torque in N m with which the fluid holds the impeller back."""
    w, q = speed_rad_s, discharge_flow_m3_s
    return p.back_torque_speed_flow * w * q - p.back_torque_flow2 * (q * q) + p.back_torque_speed2 * (w * w)


def step(p: PumpParameters, state: PumpState, load: PumpLoad, rates: WearRates, dt_s: float) -> PumpState:
    """One Euler step, progpy's `next_state`. Stable up to about 1.5 s; use `long_step` for more."""
    w, q = state.speed_rad_s, state.flow_m3_s
    oil, thrust, radial, ambient = state.oil_temp_k, state.thrust_temp_k, state.radial_temp_k, load.ambient_temp_k
    head_pa = state.impeller_area * (w * w) + p.head_speed_flow * w * q + load.suction_pa - load.discharge_pa
    friction = (p.shaft_friction + state.thrust_friction + state.radial_friction) * w
    torque = motor_torque(p, load, w) - friction - back_torque(p, w, outputs(state).discharge_flow_m3_s)
    thrust_heat = (
        state.thrust_friction * (w * w) - p.thrust_to_ambient * (thrust - ambient) - p.thrust_to_oil * (thrust - oil)
    )
    radial_heat = (
        state.radial_friction * (w * w) - p.radial_to_ambient * (radial - ambient) - p.radial_to_oil * (radial - oil)
    )
    oil_heat = p.oil_to_thrust * (thrust - oil) + p.oil_to_radial * (radial - oil) + p.oil_to_ambient * (ambient - oil)
    return PumpState(
        speed_rad_s=w + torque / p.shaft_inertia_kg_m2 * dt_s,
        flow_m3_s=q + (p.flow_coefficient * signed_sqrt(head_pa) - q) / p.flow_time_s * dt_s,
        oil_temp_k=oil + oil_heat / p.oil_heat_capacity * dt_s,
        thrust_temp_k=thrust + thrust_heat / p.thrust_heat_capacity * dt_s,
        radial_temp_k=radial + radial_heat / p.radial_heat_capacity * dt_s,
        impeller_area=state.impeller_area - rates.impeller * (q * q) * dt_s,
        thrust_friction=state.thrust_friction + rates.thrust * state.thrust_friction * (w * w) * dt_s,
        radial_friction=state.radial_friction + rates.radial * state.radial_friction * (w * w) * dt_s,
        leak_m3_s=leak_flow(p, load),
    )


def settled_flow(p: PumpParameters, load: PumpLoad, impeller_area: Array, speed_rad_s: Array) -> Array:
    """The flow in m3/s at which progpy's dQ/dt is 0 at this speed.

    It is a root of Q|Q| = c^2 (A w^2 + b w Q + psuc - pdisch). Where two flows would do, the forward one: a pump that
    delivers goes on delivering. Else the flow runs backwards.
    """
    c2 = p.flow_coefficient * p.flow_coefficient
    half_gain = 0.5 * c2 * p.head_speed_flow * speed_rad_s
    shutoff = c2 * (impeller_area * (speed_rad_s * speed_rad_s) + load.suction_pa - load.discharge_pa)
    forward2 = half_gain * half_gain + shutoff
    forward = half_gain + np.sqrt(np.maximum(0.0, forward2))
    backward = -half_gain - np.sqrt(np.abs(half_gain * half_gain - shutoff))
    return np.where(forward2 >= 0.0, forward, backward)


def speed_at_torque(p: PumpParameters, load: PumpLoad, torque_n_m: Array) -> Array:
    """Speed in rad/s on the stable side of the motor's torque curve.

    A torque above the pull-out torque gives pull-out speed.
    """
    sync = load.sync_speed_rad_s
    gain = p.motor_phases * p.motor_pole_pairs * p.rotor_resistance_ohm * load.voltage_v**2 / (sync + 0.00001)
    r1, r2 = p.stator_resistance_ohm, p.rotor_resistance_ohm
    reactance = sync * p.leakage_inductance_h
    half_linear = 0.5 * gain - torque_n_m * (r1 * r2)
    discriminant = half_linear * half_linear - (torque_n_m * r2) ** 2 * (r1 * r1 + reactance * reactance)
    slip = torque_n_m * (r2 * r2) / (half_linear + np.sqrt(np.maximum(0.0, discriminant)))
    return sync * (1.0 - slip)


SETTLE_ROUNDS = 5
"""A round shrinks the speed's error to about 1/20 (slope of the load over slope of the motor).

The first guess is within 5 rad/s.
"""

FIRST_GUESS_SLIP = 0.015


def settle(
    p: PumpParameters, state: PumpState, load: PumpLoad, delivers: NDArray[np.bool_] | None = None
) -> tuple[Array, Array]:
    """Speed in rad/s and flow in m3/s under a constant load, once the fast dynamics (shaft 1 s, flow 6 s) are over.

    Pumps that do not deliver turn against a closed check valve: no flow. The load's voltage must not be 0.
    """
    friction = p.shaft_friction + state.thrust_friction + state.radial_friction
    leak = leak_flow(p, load)
    speed = load.sync_speed_rad_s * (1.0 - FIRST_GUESS_SLIP)
    for _ in range(SETTLE_ROUNDS):
        flow = behind_valve(settled_flow(p, load, state.impeller_area, speed), delivers)
        torque = friction * speed + back_torque(p, speed, np.maximum(0.0, flow - leak))
        speed = speed_at_torque(p, load, torque)
    return speed, behind_valve(settled_flow(p, load, state.impeller_area, speed), delivers)


def behind_valve(flow: Array, delivers: NDArray[np.bool_] | None) -> Array:
    """The flow where the check valve is open, 0 elsewhere; None says that all are open."""
    return flow if delivers is None else np.where(delivers, flow, 0.0)


def grow(friction: Array, rate: Array, speed_rad_s: Array, dt_s: float) -> Array:
    """Solution of dr/dt = rate r w^2 by the (1,1) Pade form of exp: no exp, whose last bit differs between CPUs."""
    half = 0.5 * rate * (speed_rad_s * speed_rad_s) * dt_s
    return friction * (1.0 + half) / (1.0 - half)


def limits_reached(p: PumpParameters, state: PumpState) -> NDArray[np.bool_]:
    """progpy's `threshold_met` as an array of shape (4, n), rows in the order of `PumpFailure`."""
    return np.stack(
        (
            state.impeller_area <= p.impeller_area_limit,
            state.oil_temp_k >= p.oil_temp_limit_k,
            state.radial_temp_k >= p.radial_temp_limit_k,
            state.thrust_temp_k >= p.thrust_temp_limit_k,
        )
    )


def with_wear(state: PumpState, rates: WearRates, speed_rad_s: Array, flow_m3_s: Array, dt_s: float) -> PumpState:
    """The state after `dt_s` of wear at a settled speed and flow, which become the state's own."""
    return replace(
        state,
        speed_rad_s=speed_rad_s,
        flow_m3_s=flow_m3_s,
        impeller_area=state.impeller_area - rates.impeller * (flow_m3_s * flow_m3_s) * dt_s,
        thrust_friction=grow(state.thrust_friction, rates.thrust, speed_rad_s, dt_s),
        radial_friction=grow(state.radial_friction, rates.radial, speed_rad_s, dt_s),
    )
